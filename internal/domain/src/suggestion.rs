//! A corrected text for a search that found nothing. It is read off a task: an engine says which tasks are likest to what
//! was typed, and their words take the places of those that were mistyped. So it finds one task at least.

use std::cmp::Reverse;
use std::ops::Range;

use crate::search_text::LONGEST_MISTYPED;
use crate::{Likeness, SearchText, TypedWord, WordSplitter};
use alignment::{Step, align};

mod alignment;

/// A text whose words may be mistyped in ways that a search does not forgive: in their first characters, inside phrases,
/// and with a space too many or one missing. What must not occur is meant as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MistypedText {
    text: SearchText,
    /// Those outside phrases, then those of each phrase.
    words: Vec<MistypedWord>,
    groups: Vec<Group>,
}

/// Some of the words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    words: Range<usize>,
    /// Whether they have to stand one after the other.
    is_phrase: bool,
}

/// A word that has to occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MistypedWord {
    /// In lower case.
    pub word: String,
    /// Whether it may be the beginning of one.
    pub is_open: bool,
    /// Words that are it but for a space, each list one after the other: its two parts, or the word that it makes with
    /// its neighbour.
    pub respaced: Vec<Vec<String>>,
    likeness: Likeness,
    at: Range<usize>,
    /// With which other word it may be one.
    with_next: Option<String>,
}

impl MistypedText {
    /// Of more words than this nothing is corrected: each is looked for among all the words there are.
    pub const MAX_WORDS: usize = 16;
    /// How many tasks it is read off: the correction that most of the likest have is the one meant.
    pub const LIKEST: usize = 50;

    /// What of the text may be mistyped; `None` when nothing may.
    pub fn of(text: &SearchText) -> Option<Self> {
        let typed = std::iter::once((text.words(), false))
            .chain(text.phrases().iter().map(|phrase| (&phrase[..], true)))
            .filter(|(words, _)| !words.is_empty());
        if typed.clone().map(|(words, _)| words.len()).sum::<usize>() > Self::MAX_WORDS {
            return None;
        }
        let mut splitter = WordSplitter::default();
        let mut mistyped = Self {
            text: text.clone(),
            words: Vec::new(),
            groups: Vec::new(),
        };
        for (words, is_phrase) in typed {
            let start = mistyped.words.len();
            mistyped.words.extend(mistyped_words(text, words, &mut splitter));
            mistyped.groups.push(Group {
                words: start..mistyped.words.len(),
                is_phrase,
            });
        }
        // Those outside phrases, of which the last may be open, come first.
        if let Some(last) = text.words().len().checked_sub(1) {
            mistyped.words[last].is_open = text.last_is_open();
        }
        let may_be_corrected = mistyped.words.iter().any(MistypedWord::may_be_corrected);
        may_be_corrected.then_some(mistyped)
    }

    /// The words that have to occur, or something like each.
    pub fn words(&self) -> &[MistypedWord] {
        &self.words
    }

    /// What must not occur.
    pub fn excluded(&self) -> &[Vec<String>] {
        self.text.excluded()
    }

    /// The text with other words, which finds one of these tasks, told by their descriptions, the likest first: the text
    /// with the fewest typos corrected, and of several the one that most of them have. All else stays as it was typed.
    pub fn corrected<'a>(&self, likest: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let mut splitter = WordSplitter::default();
        let mut corrections: Vec<(Correction, usize)> = Vec::new();
        for correction in likest
            .into_iter()
            .filter_map(|text| self.correction(&splitter.words(text)))
        {
            match corrections.iter_mut().find(|(known, _)| *known == correction) {
                Some((_, times)) => *times += 1,
                None => corrections.push((correction, 1)),
            }
        }
        let best = corrections
            .into_iter()
            .min_by_key(|(correction, times)| (correction.typos, Reverse(*times)));
        best.map(|(correction, _)| correction.text)
    }

    /// The text as it would find this one; `None` when it cannot, or does as it is.
    fn correction(&self, found: &[String]) -> Option<Correction> {
        let mut typos = 0;
        let mut meant = Vec::new();
        let mut replaced = Vec::new();
        for group in &self.groups {
            let typed = &self.words[group.words.clone()];
            let mut at = 0;
            let mut words = Vec::new();
            for Step {
                typed: count,
                found: stands,
                typos: wrong,
            } in align(typed, found, group.is_phrase)?
            {
                let (first, last) = (&typed[at], &typed[at + count - 1]);
                at += count;
                if wrong == 0 {
                    words.push(first.word.clone());
                    continue;
                }
                typos += wrong;
                replaced.push((first.at.start..last.at.end, found[stands.clone()].join(" ")));
                words.extend_from_slice(&found[stands]);
            }
            meant.push(words);
        }
        let text = self.with(replaced);
        (typos > 0 && self.is_meant(&text, &meant)).then_some(Correction { typos, text })
    }

    fn with(&self, mut replaced: Vec<(Range<usize>, String)>) -> String {
        replaced.sort_by_key(|(at, _)| at.start);
        let mut text = String::new();
        let mut from = 0;
        for (at, words) in replaced {
            text += &self.text.typed()[from..at.start];
            text += &words;
            from = at.end;
        }
        text + &self.text.typed()[from..]
    }

    /// Whether a text is understood as these words, group by group, and besides as this one. Signs that stand beside a
    /// word may make something else of another one.
    fn is_meant(&self, text: &str, meant: &[Vec<String>]) -> bool {
        let Ok(Some(parsed)) = SearchText::parse(text.to_owned()) else {
            return false;
        };
        let groups = std::iter::once(parsed.words())
            .chain(parsed.phrases().iter().map(Vec::as_slice))
            .filter(|words| !words.is_empty());
        let groups = groups.map(|words| words.iter().map(|word| &word.word));
        groups.clone().count() == meant.len()
            && groups.zip(meant).all(|(words, meant)| words.eq(meant))
            && parsed.words().is_empty() == self.text.words().is_empty()
            && parsed.last_is_open() == self.text.last_is_open()
            && parsed.excluded() == self.text.excluded()
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Correction {
    typos: usize,
    text: String,
}

/// The words of one group.
fn mistyped_words(text: &SearchText, typed: &[TypedWord], splitter: &mut WordSplitter) -> Vec<MistypedWord> {
    let joined: Vec<Option<String>> = typed
        .windows(2)
        .map(|pair| joined(text, &pair[0], &pair[1], splitter))
        .collect();
    let words = typed.iter().enumerate().map(|(n, TypedWord { word, at })| {
        let with_next = joined.get(n).cloned().flatten();
        let with_last = n.checked_sub(1).and_then(|last| joined[last].clone());
        let whole = with_last
            .into_iter()
            .chain(with_next.clone())
            .map(|word| vec![word]);
        MistypedWord {
            word: word.clone(),
            is_open: false,
            respaced: parts(word, splitter).into_iter().chain(whole).collect(),
            likeness: Likeness::in_any_character(word, typos(word)),
            at: at.clone(),
            with_next,
        }
    });
    words.collect()
}

/// The two as one, when nothing but space stands between them.
fn joined(
    text: &SearchText,
    word: &TypedWord,
    next: &TypedWord,
    splitter: &mut WordSplitter,
) -> Option<String> {
    let between = &text.typed()[word.at.end..next.at.start];
    let is_space = !between.is_empty() && between.chars().all(char::is_whitespace);
    let joined = format!("{}{}", word.word, next.word);
    let may_be_a_word = is_space && joined.chars().count() <= LONGEST_MISTYPED;
    (may_be_a_word && has_words(&joined, &[&joined], splitter)).then_some(joined)
}

/// The word cut in two wherever it can be. All the parts of as many of the longest words as are corrected are not more than half
/// the clauses that any server allows.
fn parts(word: &str, splitter: &mut WordSplitter) -> Vec<Vec<String>> {
    if !(4..=LONGEST_MISTYPED).contains(&word.chars().take(LONGEST_MISTYPED + 1).count()) {
        return Vec::new();
    }
    let cuts = word.char_indices().skip(1).map(|(at, _)| word.split_at(at));
    let cuts = cuts.filter(|(first, second)| {
        let apart = format!("{first} {second}");
        has_words(&apart, &[first, second], splitter)
    });
    cuts.map(|(first, second)| vec![first.to_owned(), second.to_owned()])
        .collect()
}

/// Whether a text is split into these words, no less and no more.
fn has_words(text: &str, words: &[&str], splitter: &mut WordSplitter) -> bool {
    let mut from = 0;
    let mut stands_next = |word: &&str| {
        let at = splitter.next(text, from);
        at.is_some_and(|at| {
            from = at.end;
            text[at] == **word
        })
    };
    words.iter().all(&mut stands_next) && splitter.next(text, from).is_none()
}

/// How many typos are corrected: fewer than a search forgives in short words, for here the first character is not known to
/// be right, and much is like four letters.
fn typos(word: &str) -> usize {
    match word.chars().take(LONGEST_MISTYPED + 1).count() {
        3..=4 => 1,
        5..=LONGEST_MISTYPED => 2,
        _ => 0,
    }
}

impl MistypedWord {
    /// How many typos are corrected.
    pub fn typos(&self) -> usize {
        self.likeness.typos()
    }

    /// What it may be with at most this many typos.
    pub fn likeness(&self, typos: usize) -> Likeness {
        Likeness::in_any_character(&self.word, typos.min(self.typos()))
    }

    fn may_be_corrected(&self) -> bool {
        self.typos() > 0 || !self.respaced.is_empty()
    }
}

#[cfg(test)]
mod tests;
