//! Where tasks are kept.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    AnsweredClaim, Decision, DeletedTask, EncodedEvent, Error, KeyClaim, ListQuery, Once, Receipt, Task,
    TaskId, Timestamp, Version,
};

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

    /// As [`create`](Self::create), once for a caller's key: claimed and answered in the same transaction. A twin in
    /// flight is waited for.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`Conflict::TwinInFlight`](crate::Conflict::TwinInFlight) when the twin
    /// takes longer than a request may.
    async fn create_once(
        &self,
        task: &Task,
        event: &EncodedEvent,
        claim: &AnsweredClaim,
    ) -> Result<Once<()>, Error>;

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

    /// Reads what the decision has to see, lets it decide and applies the verdict, in one transaction: all of its
    /// changes or none. Lost races are decided anew inside. With a claim it is done once for that key, which is
    /// claimed before anything is read.
    ///
    /// # Errors
    /// What the decision refuses with, [`Conflict::SubtreeTooLarge`](crate::Conflict::SubtreeTooLarge),
    /// [`Conflict::Contended`](crate::Conflict::Contended) when the races do not end, and
    /// [`Conflict::TwinInFlight`](crate::Conflict::TwinInFlight) as in [`create_once`](Self::create_once).
    async fn decide(
        &self,
        decision: Arc<dyn Decision>,
        claim: Option<&KeyClaim>,
    ) -> Result<Once<Vec<Result<Receipt, Error>>>, Error>;

    /// A page of a list: the tasks behind `query.after` in `query.order`, at most `query.limit`.
    async fn list(&self, query: &ListQuery) -> Result<Vec<Task>, Error>;

    /// 32 random bytes that this database made for itself once: whoever signs something that callers bring back
    /// takes them as the key, so that every server of one database accepts what the others signed.
    async fn signing_key(&self) -> Result<[u8; 32], Error>;

    /// Forgets keys that were claimed before this time, at most so many at once, and says how many that were.
    async fn forget_claims(&self, claimed_before: Timestamp, at_most: u32) -> Result<u64, Error>;
}
