//! Every write that was sent and what is known of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// One write. A create with an idempotency key that is sent again is one write still.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// The task it is about; a create's is known once it was acknowledged.
    pub(crate) task: Option<String>,
    pub(crate) kind: WriteKind,
    /// The fields that the task has to have afterwards. The write's number stands in one of them.
    pub(crate) fields: Value,
    /// The version that `If-Match` asked for.
    pub(crate) if_match: Option<i64>,
    /// The greatest version of the task that had been acknowledged when this was sent.
    pub(crate) floor: i64,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteKind {
    Create,
    Replace,
    Patch,
    Delete,
}

/// What became of a write, as far as its caller was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Acknowledged: it made this version, and this task unless it was a deletion.
    Applied { version: i64, task: Option<Value> },
    /// Certainly not applied: refused, 503, or never sent.
    NotApplied(String),
    /// Nothing is known: no answer, or 504. Also what has not been answered yet.
    Unknown,
}

/// The number of writes by outcome.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) acknowledged: usize,
    pub(crate) refused: usize,
    pub(crate) unknown: usize,
}

#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    writes: Vec<Write>,
    /// The greatest acknowledged version of each task.
    known: BTreeMap<String, i64>,
    /// Tasks for which a deletion was sent.
    doomed: BTreeSet<String>,
}

impl History {
    /// Takes note of a write before it is sent. `fields` are made from its number.
    pub(crate) fn begin(
        &self,
        kind: WriteKind,
        task: Option<&str>,
        if_match: Option<i64>,
        fields: impl FnOnce(usize) -> Value,
    ) -> (usize, Value) {
        let mut inner = self.lock();
        let number = inner.writes.len();
        let fields = fields(number);
        let floor = task.and_then(|task| inner.known.get(task)).copied().unwrap_or(0);
        if let (WriteKind::Delete, Some(task)) = (kind, task) {
            inner.doomed.insert(task.to_owned());
        }
        inner.writes.push(Write {
            task: task.map(str::to_owned),
            kind,
            fields: fields.clone(),
            if_match,
            floor,
            outcome: Outcome::Unknown,
        });
        (number, fields)
    }

    /// Takes note of what was answered.
    pub(crate) fn end(&self, number: usize, outcome: Outcome) {
        let mut inner = self.lock();
        if let Outcome::Applied { version, task } = &outcome {
            let id = match task {
                Some(task) => task["id"].as_str().map(str::to_owned),
                None => inner.writes[number].task.clone(),
            };
            if let Some(id) = id {
                let known = inner.known.entry(id.clone()).or_default();
                *known = (*known).max(*version);
                inner.writes[number].task = Some(id);
            }
        }
        inner.writes[number].outcome = outcome;
    }

    /// The greatest acknowledged version of a task.
    pub(crate) fn known_version(&self, task: &str) -> Option<i64> {
        self.lock().known.get(task).copied()
    }

    /// Whether anybody ever asked for the task's deletion.
    pub(crate) fn is_doomed(&self, task: &str) -> bool {
        self.lock().doomed.contains(task)
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for write in &self.lock().writes {
            match write.outcome {
                Outcome::Applied { .. } => counts.acknowledged += 1,
                Outcome::NotApplied(_) => counts.refused += 1,
                Outcome::Unknown => counts.unknown += 1,
            }
        }
        counts
    }

    /// Why writes were not applied, and how many for each reason.
    pub(crate) fn refusals(&self) -> BTreeMap<String, usize> {
        let mut refusals = BTreeMap::new();
        for write in &self.lock().writes {
            if let Outcome::NotApplied(why) = &write.outcome {
                *refusals.entry(why.clone()).or_default() += 1;
            }
        }
        refusals
    }

    /// All of it.
    pub(crate) fn writes(&self) -> Vec<Write> {
        self.lock().writes.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
