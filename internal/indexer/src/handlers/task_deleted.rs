//! A task is gone.

use bytes::Bytes;
use taskwire_dispatch::{Handler, Poison};
use taskwire_domain::{DeletedTask, Document, EventKind, IndexOperation};

/// `Task.Deleted`: a tombstone, which older versions cannot replace.
pub(super) struct TaskDeleted;

impl Handler for TaskDeleted {
    const KIND: &'static str = EventKind::Deleted.as_str();
    type Operation = IndexOperation;

    fn handle(value: Bytes) -> Result<IndexOperation, Poison> {
        let deleted: DeletedTask = serde_json::from_slice(&value)
            .map_err(|error| Poison::malformed(format!("the event's value is not a deletion: {error}")))?;
        let document = Document::Tombstone {
            deleted_at: deleted.deleted_at,
        };
        Ok(IndexOperation {
            id: deleted.id,
            version: deleted.version,
            document,
        })
    }
}
