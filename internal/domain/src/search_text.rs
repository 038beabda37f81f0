//! What was typed into a search, understood once for every engine: words, "phrases" and -exclusions. Nothing in it is an
//! engine's syntax, and its limits are part of a search's meaning, so that every engine finds the same.

use std::ops::Range;

use crate::words::{WordSplitter, lowercase};
use crate::{Likeness, Violation};

/// A text to search for, which is not blank.
///
/// - Every word has to occur; small typos are forgiven, and the last one may be the beginning of a word unless anything
///   follows it, be it a space.
/// - `"words in quotes"` have to occur one after the other, exactly. `“…”` are quotes too.
/// - `-word` and `-"some words"` must not occur, exactly.
///
/// A quote opens at the beginning or behind a space, and closes where no letter or digit follows; one that is never closed,
/// and a minus that stands alone or doubled, is a sign like any other. Signs are not searched for. A text of nothing but
/// exclusions finds everything else, a text of nothing but signs finds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText {
    typed: String,
    words: Vec<TypedWord>,
    last_is_open: bool,
    phrases: Vec<Vec<TypedWord>>,
    excluded: Vec<Vec<String>>,
}

/// A word and where it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedWord {
    /// In lower case.
    pub word: String,
    pub(crate) at: Range<usize>,
}

impl SearchText {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_CHARS: usize = 1_024;
    /// The most words, those of phrases and exclusions among them.
    pub const MAX_WORDS: usize = 128;
    /// The most phrases and exclusions.
    pub const MAX_GROUPS: usize = 16;
    /// Of more words than this, those of phrases and exclusions not counted, no typo is forgiven: whoever pastes a text
    /// means it as it is.
    pub const MAX_FORGIVEN_WORDS: usize = 32;

    /// Understands a text; `None` when it is blank, which asks for nothing.
    ///
    /// # Errors
    /// When a limit is passed.
    pub fn parse(typed: String) -> Result<Option<Self>, Violation> {
        if typed.chars().count() > Self::MAX_CHARS {
            let detail = format!("must have at most {} characters", Self::MAX_CHARS);
            return Err(Violation::new("too-long", detail));
        }
        if typed.trim().is_empty() {
            return Ok(None);
        }
        let mut reader = Reader::of(&typed);
        reader.read();
        let Reader {
            words,
            phrases,
            excluded,
            ..
        } = reader;
        let last_is_open = words.last().is_some_and(|last| last.at.end == typed.len());
        let text = Self {
            typed,
            words,
            last_is_open,
            phrases,
            excluded,
        };
        text.within_limits().map(Some)
    }

    fn within_limits(self) -> Result<Self, Violation> {
        if self.count() > Self::MAX_WORDS {
            let detail = format!("must have at most {} words", Self::MAX_WORDS);
            return Err(Violation::new("too-many-words", detail));
        }
        if self.phrases.len() + self.excluded.len() > Self::MAX_GROUPS {
            let detail = format!("must have at most {} phrases and exclusions", Self::MAX_GROUPS);
            return Err(Violation::new("too-many-phrases", detail));
        }
        Ok(self)
    }

    fn count(&self) -> usize {
        let phrases = self.phrases.iter().map(Vec::len).sum::<usize>();
        self.words.len() + phrases + self.excluded.iter().map(Vec::len).sum::<usize>()
    }

    /// The text as it was typed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The words outside phrases and exclusions, in their order. Each has to occur.
    pub fn words(&self) -> &[TypedWord] {
        &self.words
    }

    /// Whether the last of the [`words`](Self::words) may be the beginning of one.
    pub fn last_is_open(&self) -> bool {
        self.last_is_open
    }

    /// The phrases, each of at least one word. Each has to occur as it is.
    pub fn phrases(&self) -> &[Vec<TypedWord>] {
        &self.phrases
    }

    /// What must not occur: phrases, each of at least one word.
    pub fn excluded(&self) -> &[Vec<String>] {
        &self.excluded
    }

    /// Whether something has to occur, so that some tasks are better than others.
    pub fn ranks(&self) -> bool {
        !(self.words.is_empty() && self.phrases.is_empty())
    }

    /// Whether there is neither a word to find nor one to leave out.
    pub fn finds_nothing(&self) -> bool {
        !self.ranks() && self.excluded.is_empty()
    }

    /// What else is as good as one of the [`words`](Self::words).
    pub fn likeness(&self, word: &str) -> Likeness {
        let typos = match self.words.len() <= Self::MAX_FORGIVEN_WORDS {
            true => typos(word),
            false => 0,
        };
        Likeness::to(word, typos)
    }

    /// How many similar words may be tried for each of the [`words`](Self::words). A query of more clauses than the
    /// server's memory allows is an error in Elasticsearch, and 1,024 is the least that any server allows: a word makes one
    /// for each similar word, three that say what ranks higher, and one for its stem. What is left of the 1,024 is for phrases,
    /// exclusions and filters.
    pub fn guesses(&self) -> usize {
        const CLAUSES: usize = 720;
        const MOST: usize = 50;
        (CLAUSES / self.words.len().max(1)).saturating_sub(3).min(MOST)
    }
}

/// The longest word in which a typo is forgiven or corrected, in characters: the longer a word is, the more an engine has to do
/// to find similar ones, and very long words are seldom typed by hand.
pub(crate) const LONGEST_MISTYPED: usize = 32;

/// How many typos are forgiven: none in a word of up to 2 characters, one up to 5, two above, and in very long ones none
/// again.
fn typos(word: &str) -> usize {
    match word.chars().take(LONGEST_MISTYPED + 1).count() {
        3..=5 => 1,
        6..=LONGEST_MISTYPED => 2,
        _ => 0,
    }
}

impl TypedWord {
    /// The words alone, with a space between.
    pub fn joined(words: &[Self]) -> String {
        words
            .iter()
            .map(|word| word.word.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Reads a text from its beginning to its end.
struct Reader<'a> {
    typed: &'a str,
    splitter: WordSplitter,
    words: Vec<TypedWord>,
    phrases: Vec<Vec<TypedWord>>,
    excluded: Vec<Vec<String>>,
}

impl<'a> Reader<'a> {
    fn of(typed: &'a str) -> Self {
        Self {
            typed,
            splitter: WordSplitter::default(),
            words: Vec::new(),
            phrases: Vec::new(),
            excluded: Vec::new(),
        }
    }

    fn read(&mut self) {
        let mut at = 0;
        loop {
            let rest = &self.typed[at..];
            at += rest.len() - rest.trim_start_matches(separates).len();
            if at == self.typed.len() {
                return;
            }
            at = self.read_group(at);
            // What is written directly behind it is a text.
            let end = self.end_of_chunk(at);
            let words = self.words_in(at..end);
            self.words.extend(words);
            at = end;
        }
    }

    /// Reads the phrase or the exclusion that begins at `at`, if one does, and says where it ends.
    fn read_group(&mut self, at: usize) -> usize {
        let rest = &self.typed[at..];
        let quoted =
            |from: usize| quoted(&self.typed[from..]).map(|inside| from + inside.start..from + inside.end);
        let minus = rest.strip_prefix('-');
        let unwanted = minus.filter(|rest| !rest.starts_with(|c: char| c == '-' || c.is_whitespace()));
        match (
            unwanted,
            quoted(at),
            quoted(at + rest.len() - minus.unwrap_or(rest).len()),
        ) {
            (Some(_), _, Some(inside)) => {
                let end = self.behind_quote(inside.end);
                self.exclude(inside);
                end
            }
            (Some(text), ..) if !text.starts_with(['"', '“']) => {
                let end = self.end_of_chunk(at);
                self.exclude(at..end);
                end
            }
            (None, Some(inside), _) => {
                let end = self.behind_quote(inside.end);
                let phrase = self.words_in(inside);
                self.phrases.extend((!phrase.is_empty()).then_some(phrase));
                end
            }
            _ => at,
        }
    }

    fn exclude(&mut self, at: Range<usize>) {
        let words: Vec<_> = self.words_in(at).into_iter().map(|word| word.word).collect();
        self.excluded.extend((!words.is_empty()).then_some(words));
    }

    fn words_in(&mut self, part: Range<usize>) -> Vec<TypedWord> {
        let text = &self.typed[..part.end];
        let mut words = Vec::new();
        let mut from = part.start;
        while let Some(at) = self.splitter.next(text, from) {
            from = at.end;
            let word = lowercase(&text[at.clone()]);
            words.push(TypedWord { word, at });
        }
        words
    }

    fn end_of_chunk(&self, at: usize) -> usize {
        self.typed[at..]
            .find(separates)
            .map_or(self.typed.len(), |length| at + length)
    }

    fn behind_quote(&self, at: usize) -> usize {
        at + self.typed[at..].chars().next().map_or(0, char::len_utf8)
    }
}

/// Whether it stands between words. The narrow no-break space is a part of them, as an underscore is (`10\u{202f}000`).
fn separates(c: char) -> bool {
    c.is_whitespace() && c != '\u{202f}'
}

/// What stands between the quotes with which this begins: up to the first one behind which no letter or digit stands, so
/// that quotes inside words, as Hebrew has them, close nothing.
fn quoted(text: &str) -> Option<Range<usize>> {
    let (open, close) = [('"', '"'), ('“', '”')]
        .into_iter()
        .find(|(open, _)| text.starts_with(*open))?;
    let start = open.len_utf8();
    let mut closing = text[start..].match_indices(close).map(|(at, _)| start + at);
    closing
        .find(|at| !text[at + close.len_utf8()..].starts_with(char::is_alphanumeric))
        .map(|end| start..end)
}

#[cfg(test)]
mod tests;
