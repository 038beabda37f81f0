//! From the database to the broker: the outbox, read by one elected relay, and the publisher it feeds.

use async_trait::async_trait;

use crate::{BoxError, EncodedEvent, TaskId};

/// A published-not-yet event and the outbox row that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRecord {
    /// The row's id. For one task, ids grow with versions.
    pub id: i64,
    /// The event.
    pub event: EncodedEvent,
}

/// The outbox by name, where a write is refused because too many events wait in it, and in the health report.
pub const OUTBOX: &str = "outbox";

/// The outbox could not be reached or refused; the session, if there was one, is lost and with it the
/// leadership.
#[derive(Debug, thiserror::Error)]
#[error("the outbox could not be used: {action}")]
pub struct OutboxFault {
    /// What was being done.
    pub action: &'static str,
    /// Why, for the log.
    #[source]
    pub cause: BoxError,
}

/// The outbox, as one who wants to lead sees it.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Stands for election. `None` when another relay leads.
    async fn elect(&self) -> Result<Option<Box<dyn OutboxSession>>, OutboxFault>;
}

/// Leadership, for as long as the session's connection lives. Reading and deleting go through the same
/// connection that holds the lock, so one who lost the lock cannot delete.
#[async_trait]
pub trait OutboxSession: Send {
    /// The oldest `limit` rows of the whole table but those of the tasks in `set_aside`, in the order of their ids,
    /// from one snapshot. There is no cursor on purpose: a lower id may be committed late, and a cursor would pass it
    /// by.
    async fn read(&mut self, limit: u32, set_aside: &[TaskId]) -> Result<Vec<OutboxRecord>, OutboxFault>;

    /// Deletes exactly these rows. Never a range: a range would take rows that were committed late and not
    /// published.
    async fn delete(&mut self, ids: &[i64]) -> Result<(), OutboxFault>;

    /// A round trip that keeps the session from being closed as idle, and shows that it still lives.
    async fn heartbeat(&mut self) -> Result<(), OutboxFault>;

    /// Gives the leadership up at once, so that another need not wait for a time-out.
    async fn resign(self: Box<Self>) -> Result<(), OutboxFault>;
}

/// A batch was not wholly acknowledged. Some of it may have been; the whole batch is to be published again.
#[derive(Debug, thiserror::Error)]
#[error("the broker did not take the batch: {detail}")]
pub struct PublishFault {
    /// What the broker or its client said, and what to do where we know it.
    pub detail: String,
    /// The rows that the broker will not take as they are, while it takes others: their tasks have to be set aside,
    /// or nothing behind them is ever published. Mostly empty.
    pub refused: Vec<i64>,
    /// Why, for the log.
    #[source]
    pub cause: Option<BoxError>,
}

/// The broker, as the relay sees it.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes the batch in order (for one task: its events reach one partition in this order) and returns
    /// when every record is acknowledged by all in-sync replicas. May take as long as the broker is away.
    /// Dropping the future abandons the wait, not the records: call [`purge`](Self::purge) then.
    async fn publish(&self, batch: &[OutboxRecord]) -> Result<(), PublishFault>;

    /// Forgets every record not yet acknowledged, queued or in flight: called when the leadership is lost, so
    /// that this process publishes nothing behind its successor's back.
    async fn purge(&self);
}
