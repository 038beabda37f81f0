//! The beginnings of words, so that a search for one need not go through every word that has it.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::words::{WordStream, Words};

/// The longest beginning that is indexed, in characters. Beyond it there are few words left to go through.
pub(crate) const LONGEST: usize = 5;

/// Makes of each word its first one to [`LONGEST`] characters.
#[derive(Clone, Default)]
pub(crate) struct Beginnings {
    words: Words,
    token: Token,
}

impl Tokenizer for Beginnings {
    type TokenStream<'a> = BeginningStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> BeginningStream<'a> {
        self.token.reset();
        BeginningStream {
            words: self.words.token_stream(text),
            token: &mut self.token,
            rest: 0,
        }
    }
}

/// The beginnings of the words of one text.
pub(crate) struct BeginningStream<'a> {
    words: WordStream<'a>,
    token: &'a mut Token,
    /// How many characters of the current word may still be added to the token.
    rest: usize,
}

impl TokenStream for BeginningStream<'_> {
    fn advance(&mut self) -> bool {
        loop {
            let word = self.words.token();
            let next = word
                .text
                .get(self.token.text.len()..)
                .and_then(|rest| rest.chars().next());
            match next {
                Some(c) if self.rest > 0 => {
                    self.rest -= 1;
                    self.token.text.push(c);
                    return true;
                }
                _ if !self.words.advance() => return false,
                _ => {
                    self.rest = LONGEST;
                    self.token.text.clear();
                    self.token.position = self.words.token().position;
                }
            }
        }
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_first_characters_up_to_five() {
        let mut found = Vec::new();
        let mut tokenizer = Beginnings::default();
        tokenizer
            .token_stream("Ab déjà-vu planets 好")
            .process(&mut |token| found.push(token.text.clone()));
        let wanted = [
            "a", "ab", "d", "dé", "déj", "déjà", "v", "vu", "p", "pl", "pla", "plan", "plane", "好",
        ];
        assert_eq!(found, wanted);
    }
}
