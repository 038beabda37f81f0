//! The comparison itself: pure, over what was read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Record;
use crate::database::ById;

/// Most differences that are kept word for word.
const KEPT: usize = 20;

/// What a record of the topic says.
#[derive(Debug, Clone)]
pub struct Event {
    /// `Task.Created`, `Task.Updated` or `Task.Deleted`.
    pub kind: String,
    /// The version it announces.
    pub version: i64,
    /// Its value.
    pub value: Value,
}

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Rows of `tasks`.
    pub rows: usize,
    /// Live documents.
    pub documents: usize,
    /// Tombstones.
    pub tombstones: usize,
    /// Records in the topic that are task events.
    pub events: usize,
    /// Of those, repetitions of an earlier one.
    pub duplicates: usize,
    /// Records that are no task events.
    pub foreign: usize,
    /// How many differences there are.
    pub count: usize,
    /// The first of them, in words; empty when all is well.
    pub differences: Vec<String>,
}

impl Findings {
    fn differ(&mut self, difference: impl Into<String>) {
        self.count += 1;
        if self.differences.len() < KEPT {
            self.differences.push(difference.into());
        }
    }

    /// Panics with every kept difference unless there is none.
    ///
    /// # Panics
    /// When database, topic and index differ.
    pub fn assert_equal(&self) {
        assert!(
            self.count == 0,
            "{} differences, the first: {:#?}",
            self.count,
            self.differences
        );
    }
}

/// Compares rows with live documents, deletions with tombstones, and both with the topic.
pub(crate) fn compare(rows: &ById, deletions: &ById, documents: &ById, records: &[Record]) -> Findings {
    let mut findings = Findings {
        rows: rows.len(),
        ..Findings::default()
    };
    compare_documents(rows, deletions, documents, &mut findings);
    let events = events_by_task(records, &mut findings);
    compare_events(rows, deletions, &events, &mut findings);
    findings
}

fn compare_documents(rows: &ById, deletions: &ById, documents: &ById, findings: &mut Findings) {
    for (id, document) in documents {
        if document["deleted"] == Value::Bool(true) {
            findings.tombstones += 1;
        } else {
            findings.documents += 1;
        }
        if !rows.contains_key(id) && !deletions.contains_key(id) {
            findings.differ(format!(
                "{id}: a document of a task the database never had: {document}"
            ));
        }
    }
    for (id, row) in rows {
        match documents.get(id) {
            None => findings.differ(format!("{id}: a row without a document")),
            Some(document) => {
                let wanted = live_document(row);
                if *document != wanted {
                    findings.differ(format!(
                        "{id}: the document is {document}, the row asks for {wanted}"
                    ));
                }
            }
        }
    }
    for (id, deletion) in deletions {
        let mut wanted = deletion.clone();
        wanted["deleted"] = true.into();
        wanted["_version"] = deletion["version"].clone();
        match documents.get(id) {
            None => findings.differ(format!("{id}: a deletion without a tombstone")),
            Some(document) if *document != wanted => {
                findings.differ(format!(
                    "{id}: the document is {document}, the deletion asks for {wanted}"
                ));
            }
            Some(_) => {}
        }
        if rows.contains_key(id) {
            findings.differ(format!("{id}: both a row and a deletion"));
        }
    }
}

/// The document that a row asks for.
fn live_document(row: &Value) -> Value {
    let ranks = ["none", "low", "medium", "high"];
    let rank = ranks.iter().position(|priority| row["priority"] == **priority);
    let mut document = row.clone();
    document["deleted"] = false.into();
    document["priorityRank"] = rank.into();
    document["_version"] = row["version"].clone();
    document
}

/// The first occurrence of each version of each task, in the order of the topic.
fn events_by_task(records: &[Record], findings: &mut Findings) -> BTreeMap<String, Vec<Event>> {
    let mut events: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    let mut partitions: BTreeMap<String, i32> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for record in records {
        let Some((id, event)) = parse(record) else {
            findings.foreign += 1;
            continue;
        };
        findings.events += 1;
        if record.key.as_deref() != Some(id.as_bytes()) {
            findings.differ(format!("{id}: its event has the key {:?}", record.key));
        }
        if *partitions.entry(id.clone()).or_insert(record.partition) != record.partition {
            findings.differ(format!("{id}: its events stand in more than one partition"));
        }
        if seen.insert((id.clone(), event.version)) {
            events.entry(id).or_default().push(event);
        } else {
            findings.duplicates += 1;
        }
    }
    events
}

fn parse(record: &Record) -> Option<(String, Event)> {
    let mut json: Value = serde_json::from_slice(record.value.as_deref()?).ok()?;
    let value = json["value"].take();
    let event = Event {
        kind: json["type"].as_str()?.to_owned(),
        version: value["version"].as_i64()?,
        value,
    };
    Some((event.value["id"].as_str()?.to_owned(), event))
}

fn compare_events(
    rows: &ById,
    deletions: &ById,
    events: &BTreeMap<String, Vec<Event>>,
    findings: &mut Findings,
) {
    for (id, events) in events {
        for (place, event) in events.iter().enumerate() {
            let wanted = place as i64 + 1;
            if event.version != wanted {
                findings.differ(format!(
                    "{id}: version {} stands in the topic where {wanted} should",
                    event.version
                ));
                break;
            }
        }
    }
    let current = rows.iter().map(|(id, row)| (id, row, false));
    let gone = deletions.iter().map(|(id, deletion)| (id, deletion, true));
    for (id, state, deleted) in current.chain(gone) {
        let Some(last) = events.get(id).and_then(|events| events.last()) else {
            findings.differ(format!("{id}: no event in the topic"));
            continue;
        };
        if last.value != *state {
            findings.differ(format!(
                "{id}: the last event says {}, the database {state}",
                last.value
            ));
        }
        let first_kind = events
            .get(id)
            .and_then(|events| events.first())
            .map(|event| event.kind.as_str());
        if first_kind != Some("Task.Created") || (last.kind == "Task.Deleted") != deleted {
            findings.differ(format!(
                "{id}: its events run from {first_kind:?} to {}",
                last.kind
            ));
        }
    }
    for id in events.keys() {
        if !rows.contains_key(id) && !deletions.contains_key(id) {
            findings.differ(format!("{id}: events of a task the database never had"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(version: i64) -> Value {
        json!({"id": "a", "priority": "high", "version": version})
    }

    fn record(kind: &str, value: &Value) -> Record {
        let value = Some(json!({"type": kind, "value": value}).to_string().into_bytes());
        Record {
            partition: 0,
            offset: 0,
            key: Some(b"a".to_vec()),
            value,
            headers: Vec::new(),
        }
    }

    fn document(version: i64) -> Value {
        json!({"id": "a", "priority": "high", "version": version, "deleted": false, "priorityRank": 3, "_version": version})
    }

    fn one(value: Value) -> ById {
        ById::from([("a".to_owned(), value)])
    }

    #[test]
    fn equal_states_have_no_differences() {
        let records = [
            record("Task.Created", &row(1)),
            record("Task.Updated", &row(2)),
            record("Task.Created", &row(1)),
        ];
        let findings = compare(&one(row(2)), &ById::new(), &one(document(2)), &records);
        findings.assert_equal();
        assert_eq!(
            (
                findings.rows,
                findings.documents,
                findings.events,
                findings.duplicates
            ),
            (1, 1, 3, 1)
        );
    }

    #[test]
    fn each_kind_of_lie_is_found() {
        let (created, updated) = (record("Task.Created", &row(1)), record("Task.Updated", &row(2)));
        let events = [created.clone(), updated.clone()];
        let none = ById::new();
        let deletion = one(json!({"id": "a", "version": 3, "deletedAt": "t"}));
        let lies = [
            ("lost", compare(&one(row(2)), &none, &none, &events)),
            ("stale", compare(&one(row(2)), &none, &one(document(1)), &events)),
            (
                "resurrected",
                compare(&none, &deletion, &one(document(2)), &events),
            ),
            ("invented", compare(&none, &none, &one(document(2)), &[])),
            (
                "event lost",
                compare(&one(row(2)), &none, &one(document(2)), &[created]),
            ),
            (
                "event out of order",
                compare(
                    &one(row(2)),
                    &none,
                    &one(document(2)),
                    &[updated, events[0].clone()],
                ),
            ),
        ];
        for (lie, findings) in lies {
            assert!(findings.count > 0, "{lie} was not found");
        }
    }
}
