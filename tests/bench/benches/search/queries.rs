//! What is searched for, made of the texts that are there by rules, the same ones for the same seed.

use std::collections::HashMap;

use fastrand::Rng;
use serde_json::{Value, json};
use taskwire_bench::tasks::PRIORITIES;
use taskwire_bench::typing::mistype;

use crate::corpus::{self, Corpus};

/// A way to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    CommonWord,
    WordsWithTypo,
    Phrase,
    WordsFilteredAndSorted,
    FiltersAlone,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::CommonWord,
        Self::WordsWithTypo,
        Self::Phrase,
        Self::WordsFilteredAndSorted,
        Self::FiltersAlone,
    ];

    /// What it is, in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CommonWord => "one common word",
            Self::WordsWithTypo => "three words, one with a typo",
            Self::Phrase => "a phrase of three words",
            Self::WordsFilteredAndSorted => "two words, two filters, sorted by due time",
            Self::FiltersAlone => "three filters",
        }
    }
}

/// Texts to draw from.
pub(crate) struct Queries<'a> {
    corpus: &'a Corpus,
    /// The most frequent ones.
    common: Vec<String>,
}

/// So many words count as common.
const COMMON: usize = 300;

impl<'a> Queries<'a> {
    pub(crate) fn of(corpus: &'a Corpus) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for text in &corpus.texts {
            for word in text.split_whitespace().filter(|word| is_plain(word)) {
                *counts.entry(word.to_lowercase()).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by(|(word, count), (other, more)| more.cmp(count).then_with(|| word.cmp(other)));
        let common = counts.into_iter().take(COMMON).map(|(word, _)| word).collect();
        Self { corpus, common }
    }

    /// So many bodies of `POST /tasks/search` of one kind. Only common words may come twice.
    pub(crate) fn bodies(&self, kind: Kind, with_facets: bool, count: usize, seed: u64) -> Vec<Value> {
        let mut random = Rng::with_seed(seed);
        let mut common = self.common.clone();
        random.shuffle(&mut common);
        let mut common = common.iter().cycle();
        let mut body = || {
            let mut body = match kind {
                Kind::CommonWord => json!({"description": common.next()}),
                Kind::WordsWithTypo => {
                    let mut words = self.words(&mut random);
                    // Long enough for the typo to be forgiven.
                    let longest = words.iter_mut().max_by_key(|word| word.len());
                    longest.into_iter().for_each(|word| mistype(&mut random, word));
                    json!({"description": words.join(" ")})
                }
                Kind::Phrase => json!({"description": format!("\"{}\"", self.words(&mut random).join(" "))}),
                Kind::WordsFilteredAndSorted => json!({
                    "description": self.words(&mut random)[..2].join(" "),
                    "priority": random.choice(PRIORITIES),
                    "isDone": random.bool(),
                    "sort": "-due",
                }),
                Kind::FiltersAlone => json!({
                    "priority": random.choice(PRIORITIES),
                    "categories": [corpus::category(&mut random)],
                    "dueAfter": corpus::some_due_time(self.corpus.tasks, &mut random),
                }),
            };
            if with_facets {
                body["facets"] = json!(["priority", "isDone", "categories", "due"]);
            }
            body
        };
        (0..count).map(|_| body()).collect()
    }

    /// Three words that follow one another in some text.
    fn words(&self, random: &mut Rng) -> Vec<String> {
        loop {
            let text = &self.corpus.texts[random.usize(..self.corpus.texts.len())];
            let words: Vec<_> = text.split_whitespace().collect();
            let plain: Vec<_> = words
                .windows(3)
                .filter(|words| words.iter().all(|word| is_plain(word)))
                .collect();
            if let Some(words) = random.choice(plain) {
                return words.iter().map(|&word| word.to_owned()).collect();
            }
        }
    }
}

/// A word to the index, too.
fn is_plain(word: &str) -> bool {
    word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic())
}
