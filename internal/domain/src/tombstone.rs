//! Tombstones that have served: what has to be known before one may go, and what takes it away.
//!
//! A tombstone stands twice: as a document of the index and as a row of `deleted_tasks`, from which a rebuilt index gets
//! its document back. It may go when no event of its task can be read any more.

use async_trait::async_trait;

use crate::{BoxError, Error, IndexFault, TaskId, Timestamp, Version};

/// One deletion, as both sides know it. Ids are never used again, so it names the same tombstone for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tombstone {
    /// The task that is gone.
    pub id: TaskId,
    /// Its last version plus one.
    pub version: Version,
}

/// The rows of deletions.
#[async_trait]
pub trait TombstoneRows: Send + Sync {
    /// Deletions that were recorded at `recorded_before` or earlier and none of whose task's events still waits in the
    /// outbox, in the order of ids, those behind `after`, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Internal`].
    async fn read(
        &self,
        recorded_before: Timestamp,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<Tombstone>, Error>;

    /// Deletes these rows, each only if it still has that version, and says how many there were.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::OutcomeUnknown`], [`Error::Internal`]; whatever happened, it may be done again.
    async fn delete(&self, tombstones: &[Tombstone]) -> Result<u64, Error>;
}

/// What became of one tombstone's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purged {
    /// There is none any more, or there was none.
    Gone,
    /// The document is of a newer version and was left alone.
    Newer,
}

/// The documents of deletions.
#[async_trait]
pub trait TombstoneDocuments: Send + Sync {
    /// Removes the documents of these tasks for good, each unless it is newer than the tombstone. Durable when it returns;
    /// the answer has one outcome for each, in their order.
    ///
    /// # Errors
    /// As [`TaskIndex::apply`](crate::TaskIndex::apply); what was removed already stays so, and it may be done again.
    async fn purge(&self, tombstones: &[Tombstone]) -> Result<Vec<Purged>, IndexFault>;
}

/// What can be read of one partition: offsets from `low` up to, and not including, `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// The first record there still is.
    pub low: i64,
    /// Where the next record will stand, whoever writes it and whether or not a transaction is open.
    pub high: i64,
}

/// What can be read of the topic of the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicExtent {
    /// The topic's name.
    pub topic: String,
    /// Each partition from 0 on; never empty.
    pub partitions: Vec<Watermarks>,
}

/// The broker did not say, or the topic is not there.
#[derive(Debug, thiserror::Error)]
#[error("it is not known what can still be read of the topic: {detail}")]
pub struct ExtentFault {
    /// What was said.
    pub detail: String,
    /// Why, for the log.
    #[source]
    pub cause: Option<BoxError>,
}

/// The topic of the events, as one who waits for the end of its oldest records sees it.
#[async_trait]
pub trait EventTopic: Send + Sync {
    /// Asks every partition's leader.
    async fn extent(&self) -> Result<TopicExtent, ExtentFault>;
}

/// The ends of all partitions at one moment: whatever had been published by then stands before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedEnds {
    /// The topic's name.
    pub topic: String,
    /// The high watermark of each partition from 0 on.
    pub ends: Vec<i64>,
}

/// How far a round of the purge has come. It takes weeks, so it outlives the process. Times are the database's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PurgeStage {
    /// No round.
    #[default]
    Idle,
    /// No event as old as these deletions waits in the outbox, and has not since `since`.
    Published {
        /// The round is about deletions that were recorded by then.
        recorded_before: Timestamp,
        /// Since when.
        since: Timestamp,
    },
    /// All their events stand before these ends, and some can still be read.
    Readable {
        /// As above.
        recorded_before: Timestamp,
        /// Noted after the last of their events was published.
        ends: NotedEnds,
    },
    /// Nothing that stood before these ends can be read since `since`.
    Unreadable {
        /// As above.
        recorded_before: Timestamp,
        /// As above.
        ends: NotedEnds,
        /// Since when.
        since: Timestamp,
    },
}

/// What the database knows of the purge, read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeSurvey {
    /// The database's clock, which also dates deletions and outbox rows: one clock, whichever server asks.
    pub now: Timestamp,
    /// When the oldest event that still waits in the outbox was written.
    pub oldest_event: Option<Timestamp>,
    /// When the oldest deletion that is still kept was recorded.
    pub oldest_tombstone: Option<Timestamp>,
    /// How many deletions are kept.
    pub tombstones: u64,
    /// How far the round has come.
    pub stage: PurgeStage,
    /// Counts the changes of `stage`.
    pub revision: i64,
}

/// Where a round's progress is kept, for all servers of one database.
#[async_trait]
pub trait PurgeLedger: Send + Sync {
    /// Reads it.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Internal`].
    async fn survey(&self) -> Result<PurgeSurvey, Error>;

    /// Puts the round at this stage, if nobody has changed it since `revision` was read; says whether that was so.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::OutcomeUnknown`], [`Error::Internal`].
    async fn save(&self, revision: i64, stage: &PurgeStage) -> Result<bool, Error>;
}
