//! Time and identity, as parameters: a test can fix both.

use uuid::Uuid;

use crate::{TaskId, Timestamp};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Makes task ids.
pub trait IdSource: Send + Sync {
    /// A new id, never returned before.
    fn next_id(&self) -> TaskId;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place where the clock is read"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from_utc(chrono::Utc::now())
    }
}

/// UUIDv7: the time in front keeps database and Lucene indexes local.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place where ids are made"
    )]
    fn next_id(&self) -> TaskId {
        TaskId::from_uuid(Uuid::now_v7())
    }
}
