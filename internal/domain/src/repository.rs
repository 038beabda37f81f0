//! Where tasks are kept.

use async_trait::async_trait;

use crate::{DeletedTask, EncodedEvent, Error, Task, TaskId, Version};

/// Whether a write that named a version was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The row and its event are durable.
    Applied,
    /// The task has another version or is gone; nothing was applied. Read and decide again.
    Stale,
}

/// The database of tasks. A write takes its event with it: the row, the event's outbox row and, for a
/// deletion, the `deleted_tasks` row become durable together or not at all.
///
/// Errors, for every method: [`Error::Unavailable`] when certainly nothing was applied, for a write
/// [`Error::OutcomeUnknown`] when its answer was lost, [`Error::Internal`] for what nobody foresaw.
#[async_trait]
pub trait TaskRepository: Send + Sync {
    /// Stores a new task.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `/parentId` when the parent does not exist or the task would be deeper than 16,
    /// [`Conflict::ExternalIdTaken`](crate::Conflict::ExternalIdTaken).
    async fn create(&self, task: &Task, event: &EncodedEvent) -> Result<(), Error>;

    /// Replaces the task if it is at version `expected`; `task.version` is the one after.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`Conflict::ParentCycle`](crate::Conflict::ParentCycle).
    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error>;

    /// Deletes the task if it is at version `expected`, and remembers `deleted`.
    ///
    /// # Errors
    /// [`Conflict::HasSubtasks`](crate::Conflict::HasSubtasks).
    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error>;

    /// The task as it stands, `None` if there is none.
    async fn find(&self, id: TaskId) -> Result<Option<Task>, Error>;
}
