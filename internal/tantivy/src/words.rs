//! The tokenizer of descriptions: the words that every engine of ours splits a text into.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use taskwire_domain::{WordSplitter, lowercase_char};

/// Splits as [`taskwire_domain::words`] does.
#[derive(Clone, Default)]
pub(crate) struct Words {
    splitter: WordSplitter,
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream {
            text,
            at: 0,
            splitter: &mut self.splitter,
            token: &mut self.token,
        }
    }
}

/// The words of one text.
pub(crate) struct WordStream<'a> {
    text: &'a str,
    at: usize,
    splitter: &'a mut WordSplitter,
    token: &'a mut Token,
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(word) = self.splitter.next(self.text, self.at) else {
            self.at = self.text.len();
            return false;
        };
        let token = &mut self.token;
        token.position = token.position.wrapping_add(1);
        (token.offset_from, token.offset_to) = (word.start, word.end);
        token.text.clear();
        token
            .text
            .extend(self.text[word.clone()].chars().map(lowercase_char));
        self.at = word.end;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
