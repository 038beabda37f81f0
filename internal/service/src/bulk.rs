//! Many writes in one transaction.

use std::sync::Arc;

use bytes::Bytes;
use taskwire_domain::{Error, FieldError, Receipt, TaskFields, TaskId, TaskPatch};

use crate::{CallerKey, Precondition};

/// One write of a bulk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkOperation {
    /// Store a new task.
    Create {
        /// What the caller decides about it.
        fields: TaskFields,
        /// Where the fields stand in the request, as a JSON pointer: where an error that is found when the task is
        /// placed belongs.
        pointer: String,
    },
    /// Change single fields of a task.
    Patch {
        /// The task.
        id: TaskId,
        /// What changes.
        patch: TaskPatch,
        /// At which versions.
        precondition: Precondition,
        /// Where the patch stands in the request, as a JSON pointer: where an error that is found when it is
        /// applied belongs.
        pointer: String,
    },
    /// Delete a task without sub-tasks.
    Delete {
        /// The task.
        id: TaskId,
        /// At which versions.
        precondition: Precondition,
    },
    /// Breaks rules by itself: refused, and if the bulk is atomic all others with it.
    Invalid(Vec<FieldError>),
}

/// A bulk. No task is named twice; the transport has made sure of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkRequest {
    /// In the caller's order, and carried out as if in this order.
    pub operations: Vec<BulkOperation>,
    /// One refusal rolls all back.
    pub atomic: bool,
}

impl BulkRequest {
    /// The most operations in one bulk.
    pub const MAX_OPERATIONS: usize = 500;
}

/// What came of each operation, in the caller's order. In an atomic bulk with a refusal, those that were not refused
/// themselves are [`Conflict::RolledBack`](taskwire_domain::Conflict::RolledBack).
pub type BulkResults = Vec<Result<Receipt, Error>>;

/// A caller's key for a bulk, with how to render the results that are kept under it.
#[derive(Clone)]
pub struct BulkKey {
    /// The key.
    pub key: CallerKey,
    /// Makes the answer to keep.
    pub render: Arc<dyn Fn(&BulkResults) -> Bytes + Send + Sync>,
}
