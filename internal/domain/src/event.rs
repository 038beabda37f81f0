//! What a change announces to the world: the records of the topic `tasks`.

use bytes::Bytes;
use serde::Serialize;

use crate::{Error, Task, TaskId, Timestamp, Version};

/// The type of an event, by the name that stands in its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A task came to be.
    Created,
    /// A task changed.
    Updated,
    /// A task is gone.
    Deleted,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Deleted];

    /// The name in the event's `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Task.Created",
            Self::Updated => "Task.Updated",
            Self::Deleted => "Task.Deleted",
        }
    }
}

/// What remains of a deleted task: the `value` of `Task.Deleted`, a row of `deleted_tasks`, a tombstone document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedTask {
    /// The task that is gone.
    pub id: TaskId,
    /// Its last version plus one.
    pub version: Version,
    /// When it was deleted.
    pub deleted_at: Timestamp,
}

/// A change of one task.
#[derive(Debug, Clone, Copy)]
pub enum TaskEvent<'a> {
    /// The task as created.
    Created(&'a Task),
    /// The task after the change.
    Updated(&'a Task),
    /// What remains of it.
    Deleted(&'a DeletedTask),
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    r#type: &'static str,
    value: &'a T,
}

impl TaskEvent<'_> {
    /// Which type of event this is.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Created(_) => EventKind::Created,
            Self::Updated(_) => EventKind::Updated,
            Self::Deleted(_) => EventKind::Deleted,
        }
    }

    /// The task's id, the new version and the time of the change.
    fn coordinates(&self) -> (TaskId, Version, Timestamp) {
        match self {
            Self::Created(task) | Self::Updated(task) => (task.id, task.version, task.updated_at),
            Self::Deleted(deleted) => (deleted.id, deleted.version, deleted.deleted_at),
        }
    }

    /// The final bytes and headers: what goes into the outbox and from there, untouched, to the broker.
    /// `traceparent` is the W3C context of a sampled trace.
    ///
    /// # Errors
    /// [`Error::Internal`] if the event cannot be written as JSON, which no event of ours can cause.
    pub fn encode(&self, traceparent: Option<&str>) -> Result<EncodedEvent, Error> {
        let kind = self.kind();
        let payload = match self {
            Self::Created(task) | Self::Updated(task) => serde_json::to_vec(&Envelope {
                r#type: kind.as_str(),
                value: task,
            }),
            Self::Deleted(deleted) => serde_json::to_vec(&Envelope {
                r#type: kind.as_str(),
                value: deleted,
            }),
        }
        .map_err(|cause| Error::Internal {
            context: "an event could not be encoded",
            cause: cause.into(),
        })?;
        let (task_id, version, time) = self.coordinates();
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("ce_specversion".to_owned(), "1.0".to_owned()),
            ("ce_id".to_owned(), format!("{task_id}:{version}")),
            ("ce_type".to_owned(), kind.as_str().to_owned()),
            ("ce_source".to_owned(), "/tasks".to_owned()),
            ("ce_time".to_owned(), time.to_string()),
            ("ce_subject".to_owned(), task_id.to_string()),
            ("ce_taskversion".to_owned(), version.to_string()),
        ];
        headers.extend(traceparent.map(|value| ("traceparent".to_owned(), value.to_owned())));
        Ok(EncodedEvent {
            task_id,
            version,
            payload: payload.into(),
            headers,
        })
    }
}

/// An event in its final form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The task; its hyphenated text is the record's key, which keeps a task's events in one partition.
    pub task_id: TaskId,
    /// The version that the event announces.
    pub version: Version,
    /// The record's value: JSON, `{"type":…,"value":…}`, compact, no newline.
    pub payload: Bytes,
    /// The record's headers, in order (the Kafka binding of CloudEvents 1.0, binary mode).
    pub headers: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_is_encoded_with_its_cloudevents_headers() {
        let deleted = DeletedTask {
            id: "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap(),
            version: Version::new(4).unwrap(),
            deleted_at: "2026-05-01T09:00:00Z".parse().unwrap(),
        };
        let event = TaskEvent::Deleted(&deleted)
            .encode(Some("00-0af7-b7ad-01"))
            .unwrap();
        let text = std::str::from_utf8(&event.payload).unwrap();
        let wanted = r#"{"type":"Task.Deleted","value":{"id":"0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10","version":4,"deletedAt":"2026-05-01T09:00:00.000Z"}}"#;
        assert_eq!(text, wanted);
        let headers: Vec<_> = event
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let wanted = [
            ("content-type", "application/json"),
            ("ce_specversion", "1.0"),
            ("ce_id", "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10:4"),
            ("ce_type", "Task.Deleted"),
            ("ce_source", "/tasks"),
            ("ce_time", "2026-05-01T09:00:00.000Z"),
            ("ce_subject", "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10"),
            ("ce_taskversion", "4"),
            ("traceparent", "00-0af7-b7ad-01"),
        ];
        assert_eq!(headers, wanted);
    }
}
