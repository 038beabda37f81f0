//! What is wrong, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

/// Most findings of one kind that are kept word for word.
const KEPT: usize = 10;

/// In which way the promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Acknowledged and gone: from the database, the topic or the index.
    Lost,
    /// The index, or an answer, tells an older state than the database.
    Stale,
    /// Deleted and back.
    Resurrected,
    /// Answered "certainly not applied", and applied.
    AppliedThoughRefused,
    /// One write, applied more than once.
    AppliedTwice,
    /// A state that nobody wrote.
    Invented,
    /// Versions out of order, or against `If-Match`.
    OutOfOrder,
    /// Poison that is not among the dead letters.
    DeadLetterMissing,
    /// A dead letter that is no poison.
    DeadLetterUnexpected,
    /// Work left over after the time it may take.
    NotAtRest,
    /// A program that ended by itself, or did not end when asked to.
    Process,
    /// An answer that the contract does not know.
    WrongAnswer,
}

impl Kind {
    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stale => "stale",
            Self::Resurrected => "resurrected",
            Self::AppliedThoughRefused => "applied-though-refused",
            Self::AppliedTwice => "applied-twice",
            Self::Invented => "invented",
            Self::OutOfOrder => "out-of-order",
            Self::DeadLetterMissing => "dead-letter-missing",
            Self::DeadLetterUnexpected => "dead-letter-unexpected",
            Self::NotAtRest => "not-at-rest",
            Self::Process => "process",
            Self::WrongAnswer => "wrong-answer",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything found, from whatever part of the harness.
#[derive(Debug, Default)]
pub(crate) struct Findings(Mutex<BTreeMap<Kind, Found>>);

/// Findings of one kind.
#[derive(Debug, Default, Clone)]
pub(crate) struct Found {
    /// How many there are.
    pub(crate) count: usize,
    /// The first of them.
    pub(crate) examples: Vec<String>,
}

impl Findings {
    /// Adds one.
    pub(crate) fn add(&self, kind: Kind, text: impl Into<String>) {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = all.entry(kind).or_default();
        found.count += 1;
        if found.examples.len() < KEPT {
            found.examples.push(text.into());
        }
    }

    /// All of them by kind; none are left.
    pub(crate) fn take(&self) -> BTreeMap<Kind, Found> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// All of them by kind.
    pub(crate) fn all(&self) -> BTreeMap<Kind, Found> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}
