//! What is searched for, made of the texts that are there by rules, the same ones for the same texts.

use fastrand::Rng;
use serde_json::{Value, json};
use taskwire_bench::tasks::PRIORITIES;
use taskwire_bench::typing::{cut, mistype};

/// A way to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    OneWord,
    TwoWords,
    CutWord,
    Typo,
    WithFilter,
    FilterAlone,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::OneWord,
        Self::TwoWords,
        Self::CutWord,
        Self::Typo,
        Self::WithFilter,
        Self::FilterAlone,
    ];

    /// What it is, in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneWord => "one word",
            Self::TwoWords => "two words",
            Self::CutWord => "two words, the last one cut",
            Self::Typo => "two words, one with a typo",
            Self::WithFilter => "two words and two filters",
            Self::FilterAlone => "two filters",
        }
    }

    fn body(self, random: &mut Rng, texts: &[String]) -> Value {
        let filter = |random: &mut Rng| {
            let priority = PRIORITIES[random.usize(..PRIORITIES.len())];
            json!({"priority": priority, "isDone": random.bool()})
        };
        let mut words = words(random, texts);
        match self {
            Self::OneWord => json!({"description": words.swap_remove(random.usize(..2))}),
            Self::TwoWords => json!({"description": words.join(" ")}),
            Self::CutWord => {
                cut(random, &mut words[1]);
                json!({"description": words.join(" ")})
            }
            Self::Typo => {
                let which = random.usize(..2);
                mistype(random, &mut words[which]);
                json!({"description": words.join(" ")})
            }
            Self::WithFilter => {
                let mut body = filter(random);
                body["description"] = words.join(" ").into();
                body
            }
            Self::FilterAlone => filter(random),
        }
    }
}

/// So many bodies of `POST /tasks/search`, each kind in turn.
pub(crate) fn queries(texts: &[String], count: usize) -> Vec<(Kind, Vec<u8>)> {
    let mut random = Rng::with_seed(11);
    let kinds = Kind::ALL.into_iter().cycle().take(count);
    kinds
        .map(|kind| (kind, kind.body(&mut random, texts).to_string().into_bytes()))
        .collect()
}

/// Two words that follow one another somewhere. A frequent word comes as often as it is there.
fn words(random: &mut Rng, texts: &[String]) -> Vec<String> {
    loop {
        let text = &texts[random.usize(..texts.len())];
        let words: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        if words.len() >= 2 {
            let first = random.usize(..words.len() - 1);
            return words[first..first + 2]
                .iter()
                .map(|&word| word.to_owned())
                .collect();
        }
    }
}
