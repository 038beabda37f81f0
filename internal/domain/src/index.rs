//! The search index, as the indexer sees it.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{BoxError, TaskId, Timestamp, Version};

/// What a task's document is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// The task as it stands: the event's `value`, untouched, plus what the index derives from it.
    Live {
        /// The task's JSON object, compact, no newline.
        source: Bytes,
        /// 0 to 3, to sort by: [`Priority::rank`](crate::Priority::rank).
        priority_rank: i16,
    },
    /// A tombstone: it hides the task from searches and lets no older version come back.
    Tombstone {
        /// When the task was deleted.
        deleted_at: Timestamp,
    },
}

/// "Let this document be as of this version", which loses against a newer version already there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexOperation {
    /// Whose document.
    pub id: TaskId,
    /// As of which version.
    pub version: Version,
    /// What it becomes.
    pub document: Document,
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Durable, or already superseded by the same or a newer version.
    Done,
    /// Not applied; may be sent again.
    Retry {
        /// Why.
        detail: String,
    },
    /// Can never be applied: park the record.
    Rejected {
        /// Why.
        detail: String,
    },
}

/// A batch as a whole was not answered, or answered in a way that forbids going on.
#[derive(Debug, thiserror::Error)]
pub enum IndexFault {
    /// Trouble that may pass: wait and send the same batch again. Any part of it may have been applied, which
    /// is harmless because versions decide.
    #[error("the index is in trouble: {detail}")]
    Retry {
        /// What was said.
        detail: String,
        /// Why, for the log.
        #[source]
        cause: Option<BoxError>,
    },
    /// Not understood or not ours to repair (401, 403, a missing index): stop, and say what to do.
    #[error("{detail}")]
    Halt {
        /// What went wrong and what an operator should do.
        detail: String,
        /// Why, for the log.
        #[source]
        cause: Option<BoxError>,
    },
}

/// The index of task documents.
#[async_trait]
pub trait TaskIndex: Send + Sync {
    /// Applies the operations; the answer has one outcome for each, in their order. An id should stand in a
    /// batch once; if it does not, the higher version wins all the same.
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault>;
}
