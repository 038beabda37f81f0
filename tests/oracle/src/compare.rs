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

/// In which way two of the three disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The database has it, the topic or the index does not.
    Lost,
    /// Both have it, not with the same content.
    Stale,
    /// Deleted in the database, alive in the index.
    Resurrected,
    /// The topic or the index has what the database never had.
    Invented,
    /// Versions of one task out of order in the topic, or not where its others are.
    OutOfOrder,
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
    /// Every one of them, by kind.
    pub kinds: Vec<(Difference, String)>,
}

impl Findings {
    fn differ(&mut self, kind: Difference, difference: impl Into<String>) {
        let difference = difference.into();
        self.count += 1;
        if self.differences.len() < KEPT {
            self.differences.push(difference.clone());
        }
        self.kinds.push((kind, difference));
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
            findings.differ(
                Difference::Invented,
                format!("{id}: a document of a task the database never had: {document}"),
            );
        }
    }
    for (id, row) in rows {
        match documents.get(id) {
            None => findings.differ(Difference::Lost, format!("{id}: a row without a document")),
            Some(document) => {
                let wanted = live_document(row);
                if *document != wanted {
                    findings.differ(
                        Difference::Stale,
                        format!("{id}: the document is {document}, the row asks for {wanted}"),
                    );
                }
            }
        }
    }
    for (id, deletion) in deletions {
        let mut wanted = deletion.clone();
        wanted["deleted"] = true.into();
        wanted["_version"] = deletion["version"].clone();
        match documents.get(id) {
            None => findings.differ(Difference::Lost, format!("{id}: a deletion without a tombstone")),
            Some(document) if *document != wanted => {
                let kind = if document["deleted"] == Value::Bool(true) {
                    Difference::Stale
                } else {
                    Difference::Resurrected
                };
                findings.differ(
                    kind,
                    format!("{id}: the document is {document}, the deletion asks for {wanted}"),
                );
            }
            Some(_) => {}
        }
        if rows.contains_key(id) {
            findings.differ(
                Difference::Resurrected,
                format!("{id}: both a row and a deletion"),
            );
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

/// The first occurrence of each version of each task, in the order of the topic. Records that are no task events are
/// left out.
pub fn events(records: &[Record]) -> BTreeMap<String, Vec<Event>> {
    events_by_task(records, &mut Findings::default())
}

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
            findings.differ(
                Difference::OutOfOrder,
                format!("{id}: its event has the key {:?}", record.key),
            );
        }
        if *partitions.entry(id.clone()).or_insert(record.partition) != record.partition {
            findings.differ(
                Difference::OutOfOrder,
                format!("{id}: its events stand in more than one partition"),
            );
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
                findings.differ(
                    Difference::OutOfOrder,
                    format!(
                        "{id}: version {} stands in the topic where {wanted} should",
                        event.version
                    ),
                );
                break;
            }
        }
    }
    let current = rows.iter().map(|(id, row)| (id, row, false));
    let gone = deletions.iter().map(|(id, deletion)| (id, deletion, true));
    for (id, state, deleted) in current.chain(gone) {
        let Some(last) = events.get(id).and_then(|events| events.last()) else {
            findings.differ(Difference::Lost, format!("{id}: no event in the topic"));
            continue;
        };
        if last.value != *state {
            findings.differ(
                Difference::Stale,
                format!("{id}: the last event says {}, the database {state}", last.value),
            );
        }
        let first_kind = events
            .get(id)
            .and_then(|events| events.first())
            .map(|event| event.kind.as_str());
        if first_kind != Some("Task.Created") || (last.kind == "Task.Deleted") != deleted {
            findings.differ(
                Difference::OutOfOrder,
                format!("{id}: its events run from {first_kind:?} to {}", last.kind),
            );
        }
    }
    for id in events.keys() {
        if !rows.contains_key(id) && !deletions.contains_key(id) {
            findings.differ(
                Difference::Invented,
                format!("{id}: events of a task the database never had"),
            );
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
        use Difference::{Invented, Lost, OutOfOrder, Resurrected, Stale};
        let tombstone = json!({"id": "a", "version": 2, "deletedAt": "t", "deleted": true, "_version": 2});
        let reversed = [updated, created.clone()];
        let lies = [
            (Lost, compare(&one(row(2)), &none, &none, &events)),
            (Lost, compare(&none, &deletion, &none, &events)),
            (Lost, compare(&one(row(1)), &none, &one(document(1)), &[])),
            (Stale, compare(&one(row(2)), &none, &one(document(1)), &events)),
            (Stale, compare(&none, &deletion, &one(tombstone), &events)),
            // An event that was lost.
            (Stale, compare(&one(row(2)), &none, &one(document(2)), &[created])),
            (Resurrected, compare(&none, &deletion, &one(document(2)), &events)),
            (Invented, compare(&none, &none, &one(document(2)), &[])),
            (Invented, compare(&none, &none, &none, &events)),
            (
                OutOfOrder,
                compare(&one(row(2)), &none, &one(document(2)), &reversed),
            ),
        ];
        for (lie, findings) in lies {
            let kinds: Vec<_> = findings.kinds.iter().map(|(kind, _)| *kind).collect();
            assert!(kinds.contains(&lie), "{lie:?} was not found: {findings:?}");
            assert_eq!(findings.count, kinds.len());
        }
    }
}
