//! A task came to be.

use bytes::Bytes;
use taskwire_dispatch::{Handler, Poison};
use taskwire_domain::{EventKind, IndexOperation};

/// `Task.Created`: the task's document, as of its version.
pub(super) struct TaskCreated;

impl Handler for TaskCreated {
    const KIND: &'static str = EventKind::Created.as_str();
    type Operation = IndexOperation;

    fn handle(value: Bytes) -> Result<IndexOperation, Poison> {
        super::live_document(value)
    }
}
