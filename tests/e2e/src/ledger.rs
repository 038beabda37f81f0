//! What clients were told: every write that was answered with success.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;
use taskwire_oracle::System;

/// A write that was answered with success.
#[derive(Debug, Clone)]
struct Acknowledged {
    id: String,
    version: i64,
    /// The task as answered; `None` when it was deleted.
    task: Option<Value>,
}

/// Every acknowledged write and how many were not.
#[derive(Debug, Default)]
pub struct Ledger {
    acknowledged: Mutex<Vec<Acknowledged>>,
    unanswered: Mutex<usize>,
}

impl Ledger {
    /// A create or replace was answered with this task.
    pub fn written(&self, task: &Value) {
        let id = task["id"].as_str().expect("a task has an id").to_owned();
        let version = task["version"].as_i64().expect("a task has a version");
        self.acknowledged.lock().unwrap().push(Acknowledged {
            id,
            version,
            task: Some(task.clone()),
        });
    }

    /// A delete was answered with this last state.
    pub fn deleted(&self, last: &Value) {
        let id = last["id"].as_str().expect("a task has an id").to_owned();
        let version = last["version"].as_i64().expect("a task has a version") + 1;
        self.acknowledged.lock().unwrap().push(Acknowledged {
            id,
            version,
            task: None,
        });
    }

    /// A write got no answer: it may have been applied or not.
    pub fn unanswered(&self) {
        *self.unanswered.lock().unwrap() += 1;
    }

    /// How many writes were acknowledged and how many got no answer.
    pub fn counts(&self) -> (usize, usize) {
        (
            self.acknowledged.lock().unwrap().len(),
            *self.unanswered.lock().unwrap(),
        )
    }

    /// Asserts that every acknowledged write is in the database: as it was answered, or under a newer version.
    /// That its event and document are right too is for the oracle.
    ///
    /// # Panics
    /// With every write that was lost.
    pub async fn assert_kept(&self, system: &System) {
        let rows = system.tasks().await.expect("the database answers");
        let deletions = system.deletions().await.expect("the database answers");
        let acknowledged = self.acknowledged.lock().unwrap();
        let lost: Vec<_> = acknowledged
            .iter()
            .filter(|write| !write.is_kept(&rows, &deletions))
            .take(10)
            .collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:#?}");
    }
}

impl Acknowledged {
    fn is_kept(&self, rows: &BTreeMap<String, Value>, deletions: &BTreeMap<String, Value>) -> bool {
        let version = |state: &Value| state["version"].as_i64().unwrap_or(0);
        let deletion = deletions.get(&self.id).map(version);
        match (&self.task, rows.get(&self.id)) {
            (None, _) => deletion == Some(self.version),
            (Some(task), Some(row)) => row == task || version(row) > self.version,
            (Some(_), None) => deletion > Some(self.version),
        }
    }
}
