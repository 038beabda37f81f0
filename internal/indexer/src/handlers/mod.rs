//! One file an event type, and the list of them.

mod task_created;
mod task_deleted;
mod task_updated;

use bytes::Bytes;
use taskwire_dispatch::{HandlerMap, Poison};
use taskwire_domain::{Document, IndexOperation, Task};

/// What the daemon understands.
pub fn handlers() -> HandlerMap<IndexOperation> {
    HandlerMap::new()
        .with::<task_created::TaskCreated>()
        .with::<task_updated::TaskUpdated>()
        .with::<task_deleted::TaskDeleted>()
}

/// The live document of a task. The whole value is decoded although only three fields are used: a document that
/// is no task would be found by a search and could not be returned.
fn live_document(value: Bytes) -> Result<IndexOperation, Poison> {
    let task: Task = serde_json::from_slice(&value)
        .map_err(|error| Poison::malformed(format!("the event's value is not a task: {error}")))?;
    let document = Document::Live {
        source: value,
        priority_rank: task.fields.priority.rank(),
    };
    Ok(IndexOperation {
        id: task.id,
        version: task.version,
        document,
    })
}

#[cfg(test)]
mod tests {
    use taskwire_domain::{
        DeletedTask, EventKind, Partition, Position, Priority, Record, TaskEvent, Version,
    };

    use super::*;

    const TASK: &str = r#"{"id":"0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10","externalId":null,"description":"buy milk","priority":"high","dates":{"start":null,"due":null},"isDone":false,"parentId":null,"categories":[],"createdAt":"2026-05-01T09:00:00.000Z","updatedAt":"2026-05-01T09:00:00.000Z","completedAt":null,"version":3}"#;

    fn operation(value: &[u8]) -> Result<IndexOperation, Poison> {
        let position = Position {
            partition: Partition(0),
            offset: 0,
        };
        let value = Some(Bytes::copy_from_slice(value));
        let record = Record {
            position,
            key: None,
            value,
            headers: Vec::new(),
            time: None,
        };
        handlers()
            .dispatch(&record)
            .map(|operation| operation.expect("a record with a value"))
    }

    #[test]
    fn every_event_the_service_publishes_is_understood() {
        let mut known: Vec<_> = handlers().kinds().collect();
        let mut published = EventKind::ALL.map(EventKind::as_str).to_vec();
        known.sort_unstable();
        published.sort_unstable();
        assert_eq!(known, published);
    }

    #[test]
    fn a_created_or_updated_task_becomes_its_document_byte_for_byte() {
        let task: Task = serde_json::from_str(TASK).unwrap();
        for event in [TaskEvent::Created(&task), TaskEvent::Updated(&task)] {
            let event = event.encode(None).unwrap();
            let operation = operation(&event.payload).unwrap();
            assert_eq!(
                (operation.id, operation.version),
                (task.id, Version::new(3).unwrap())
            );
            let wanted = Document::Live {
                source: Bytes::from_static(TASK.as_bytes()),
                priority_rank: Priority::High.rank(),
            };
            assert_eq!(operation.document, wanted);
        }
    }

    #[test]
    fn a_deleted_task_becomes_a_tombstone_at_the_next_version() {
        let deleted = DeletedTask {
            id: "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap(),
            version: Version::new(4).unwrap(),
            deleted_at: "2026-05-01T09:00:00Z".parse().unwrap(),
        };
        let event = TaskEvent::Deleted(&deleted).encode(None).unwrap();
        let wanted = IndexOperation {
            id: deleted.id,
            version: deleted.version,
            document: Document::Tombstone {
                deleted_at: deleted.deleted_at,
            },
        };
        assert_eq!(operation(&event.payload), Ok(wanted));
    }

    #[test]
    fn a_field_that_a_newer_service_adds_is_kept_and_passed_over() {
        let newer = TASK.replacen('{', r#"{"color":"red","#, 1);
        let event = format!(r#"{{"type":"Task.Updated","value":{newer}}}"#);
        let Document::Live { source, .. } = operation(event.as_bytes()).unwrap().document else {
            panic!("not live")
        };
        assert_eq!(source, newer);
    }

    #[test]
    fn a_value_that_is_no_task_is_poison() {
        let broken = [
            r#"{"type":"Task.Created","value":{}}"#.to_owned(),
            r#"{"type":"Task.Deleted","value":{"id":"no uuid","version":2,"deletedAt":"2026-05-01T09:00:00Z"}}"#.to_owned(),
            format!(r#"{{"type":"Task.Created","value":{}}}"#, TASK.replace("\"version\":3", "\"version\":0")),
            format!(r#"{{"type":"Task.Created","value":{}}}"#, TASK.replace("buy milk", " ")),
            format!(r#"{{"type":"Task.Created","value":{}}}"#, TASK.replace("\"high\"", "\"urgent\"")),
        ];
        for text in broken {
            assert_eq!(
                operation(text.as_bytes()).unwrap_err().reason,
                "malformed-event",
                "{text}"
            );
        }
    }
}
