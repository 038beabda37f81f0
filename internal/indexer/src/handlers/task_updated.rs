//! A task changed.

use bytes::Bytes;
use taskwire_dispatch::{Handler, Poison};
use taskwire_domain::{EventKind, IndexOperation};

/// `Task.Updated`: the task's document, as of its version.
pub(super) struct TaskUpdated;

impl Handler for TaskUpdated {
    const KIND: &'static str = EventKind::Updated.as_str();
    type Operation = IndexOperation;

    fn handle(value: Bytes) -> Result<IndexOperation, Poison> {
        super::live_document(value)
    }
}
