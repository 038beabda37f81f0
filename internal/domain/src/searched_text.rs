//! How much of a text is searched for. The limits are part of the search's meaning, not of an engine, so that every
//! engine finds the same.

use crate::SearchQuery;

/// What of a query's text is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchedText<'a> {
    /// All of the text, but for one of more words than a query can have.
    pub text: &'a str,
    /// How many similar words may be tried for each word typed; `None` when there are so many words that typos can no
    /// longer be forgiven.
    pub guesses: Option<usize>,
}

impl SearchQuery {
    /// What is searched for; `None` when the text is absent or blank, so that there are filters only.
    pub fn searched(&self) -> Option<SearchedText<'_>> {
        let text = self.text.as_deref().filter(|text| !text.trim().is_empty())?;
        Some(SearchedText {
            text: beginning(text),
            guesses: guesses(text),
        })
    }
}

/// A query of more clauses than the server's memory allows is an error in Elasticsearch, and 1,024 is the least that any
/// server allows. Only a script written without spaces has so many words in a text of legal length; of such a text the end
/// is left out. What is left of the 1,024 is for the filters.
fn beginning(text: &str) -> &str {
    const MOST_CHARS: usize = 960;
    if most_words(text) <= MOST_CHARS {
        return text;
    }
    let end = text
        .char_indices()
        .nth(MOST_CHARS)
        .map_or(text.len(), |(end, _)| end);
    &text[..end]
}

/// The limit is that of [`beginning`]: a word makes one clause for each similar word, twice, and three that say what ranks
/// higher.
fn guesses(text: &str) -> Option<usize> {
    const CLAUSES: usize = 900;
    const MOST: usize = 50;
    let guesses = (CLAUSES / most_words(beginning(text)).max(1)).saturating_sub(3) / 2;
    (guesses >= 2).then_some(guesses.min(MOST))
}

/// No tokenizer by UAX #29 finds more words than this: runs of letters and digits of scripts that are written with
/// spaces count once, any other character that is not ASCII once each.
fn most_words(text: &str) -> usize {
    const LONGEST_TOKEN: usize = 255;
    let joins = |c: char| c < '\u{e00}' && (c.is_alphabetic() || c.is_ascii_digit());
    let runs = text
        .split(|c| !joins(c))
        .filter(|run| !run.is_empty())
        .map(|run| 1 + run.len() / LONGEST_TOKEN);
    let singles = text.chars().filter(|&c| !joins(c) && !c.is_ascii()).count();
    runs.sum::<usize>() + singles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_never_counted_too_low() {
        assert_eq!(most_words("buy  milk, o'clock 17"), 5);
        assert_eq!(most_words("купить молоко"), 2);
        assert_eq!(most_words("你好世界"), 4);
        assert_eq!(most_words("a²b"), 3);
        assert_eq!(most_words("!!!"), 0);
        assert_eq!(most_words(&"x".repeat(1_024)), 5);
    }

    #[test]
    fn more_words_leave_fewer_guesses_and_in_the_end_none() {
        assert_eq!(guesses("milk"), Some(50));
        let of = |words: usize| guesses(&"word ".repeat(words));
        assert_eq!(
            (of(20), of(64), of(128), of(129)),
            (Some(21), Some(5), Some(2), None)
        );
        for words in 1..=128 {
            assert!(
                of(words).is_none_or(|guesses| words * (2 * guesses + 3) <= 900),
                "{words}"
            );
        }
    }

    #[test]
    fn no_text_makes_more_clauses_than_any_server_allows() {
        let latin = "a ".repeat(512);
        assert_eq!(beginning(&latin), latin);
        for single in ["你", "😀", "²"] {
            assert_eq!(beginning(&single.repeat(960)).chars().count(), 960);
            assert_eq!(beginning(&single.repeat(1_024)).chars().count(), 960);
        }
    }

    #[test]
    fn a_blank_text_is_no_text() {
        for text in [None, Some(""), Some(" \t\n\u{3000}")] {
            let query = SearchQuery {
                text: text.map(str::to_owned),
                ..SearchQuery::default()
            };
            assert_eq!(query.searched(), None, "{text:?}");
        }
    }
}
