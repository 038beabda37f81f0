//! What must hold, by name, and what a broken promise looks like.

use std::collections::BTreeMap;
use std::fmt;

/// A promise of the design that the simulation watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A row leaves the outbox only when its event stands in the topic, and in the end every event does.
    NoEventIsLost,
    /// For one task, the first occurrences of its versions stand in the topic in order.
    PerTaskOrder,
    /// An offset is committed only when everything before it is indexed or parked.
    NeverAcknowledgedPastAFailure,
    /// The document of a task never gets an older version than it had in this generation.
    AStaleWriteCannotWin,
    /// The document of a deleted task is never live again in this generation.
    ADeletedTaskCannotComeBack,
    /// What the alias shows of a task is never older than what it showed before, over a change of generations, too.
    ASearchNeverGoesBackwards,
    /// At rest, the live documents are the rows, with their versions.
    TheIndexIsTheDatabase,
    /// At rest, the dead letters are the poison and nothing else.
    DeadLettersAreThePoison,
    /// When the faults are over, everything comes to rest within a bound.
    RestIsReached,
    /// No process ends for a reason of its own.
    NoPanic,
}

impl Invariant {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoEventIsLost => "no-event-is-lost",
            Self::PerTaskOrder => "per-task-order",
            Self::NeverAcknowledgedPastAFailure => "never-acknowledged-past-a-failure",
            Self::AStaleWriteCannotWin => "a-stale-write-cannot-win",
            Self::ADeletedTaskCannotComeBack => "a-deleted-task-cannot-come-back",
            Self::ASearchNeverGoesBackwards => "a-search-never-goes-backwards",
            Self::TheIndexIsTheDatabase => "the-index-is-the-database",
            Self::DeadLettersAreThePoison => "dead-letters-are-the-poison",
            Self::RestIsReached => "rest-is-reached",
            Self::NoPanic => "no-panic",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The first broken promise of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub invariant: Invariant,
    /// In which step of the schedule.
    pub step: usize,
    /// What was seen.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in step {}: {}", self.invariant, self.step, self.detail)
    }
}

/// What came of one seed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// Every step, if that was asked for.
    pub trace: Vec<String>,
    /// What happened on the way.
    pub census: Census,
}

/// How often something happened that the schedules are there for.
pub type Census = BTreeMap<&'static str, u64>;

/// The trace, if one is wanted, the first violation, and what was seen.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) step: usize,
    lines: Option<Vec<String>>,
    violation: Option<Violation>,
    census: Census,
}

impl Journal {
    pub(crate) fn new(traced: bool) -> Self {
        Self {
            lines: traced.then(Vec::new),
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>5}  {}", self.step, line()));
        }
    }

    /// Something happened that a schedule without it would prove less.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.census.entry(what).or_default() += 1;
    }

    /// Keeps the first violation; what follows from it is noise.
    pub(crate) fn blame(&mut self, invariant: Invariant, detail: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let violation = Violation {
                invariant,
                step: self.step,
                detail: detail(),
            };
            self.note(|| format!("VIOLATION {violation}"));
            self.violation = Some(violation);
        }
    }

    pub(crate) fn violated(&self) -> bool {
        self.violation.is_some()
    }

    pub(crate) fn end(self) -> Report {
        Report {
            violation: self.violation,
            trace: self.lines.unwrap_or_default(),
            census: self.census,
        }
    }
}
