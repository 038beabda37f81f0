//! The stream of records that a consumer reads, and the queue for those that can never be applied.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{BoxError, Timestamp};

/// One partition of the source's topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub i32);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Which partition.
    pub partition: Partition,
    /// Which offset in it, from 0.
    pub offset: i64,
}

/// A record as it was read. Bytes are shared, not copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it was read.
    pub position: Position,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; `None` is a log-compaction tombstone.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// The record's own time: when it was produced.
    pub time: Option<Timestamp>,
}

impl Record {
    /// About how many bytes it costs to hold: key, value, headers and the record itself.
    pub fn size(&self) -> usize {
        let length = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len);
        let header = |(name, value): &(String, Option<Bytes>)| {
            size_of::<(String, Option<Bytes>)>() + name.len() + length(value)
        };
        let headers: usize = self.headers.iter().map(header).sum();
        size_of::<Self>() + length(&self.key) + length(&self.value) + headers
    }
}

/// The source can no longer be read; the process has to end and say so.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct SourceFault {
    /// What went wrong and what an operator should do.
    pub detail: String,
    /// Why, for the log.
    #[source]
    pub cause: Option<BoxError>,
}

/// Held while partitions are being taken away. The source waits (up to a limit of its own) until it is
/// dropped; only then are the partitions given to another consumer.
pub struct RevocationGuard(Option<Box<dyn FnOnce() + Send>>);

impl RevocationGuard {
    /// `release` runs when the guard is dropped.
    pub fn new(release: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl Drop for RevocationGuard {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

impl fmt::Debug for RevocationGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevocationGuard")
    }
}

/// What a source has to tell.
#[derive(Debug)]
pub enum SourceEvent {
    /// Records, each partition's in order of offset.
    Records(Vec<Record>),
    /// These partitions are ours from now on. Their next records start where the stored positions say.
    Assigned(Vec<Partition>),
    /// These partitions are being taken away: finish or abandon what was read from them, store what is
    /// finished, then drop the guard. Records of them already handed out and not yet stored will be read again
    /// by their next owner.
    Revoking(Vec<Partition>, RevocationGuard),
    /// These partitions are gone already (a session that timed out): nothing can be stored for them.
    Lost(Vec<Partition>),
    /// The end: no further event follows.
    Failed(SourceFault),
}

/// A stream of records read in a consumer group.
#[async_trait]
pub trait EventSource: Send {
    /// The topic's name, for logs and dead letters.
    fn topic(&self) -> &str;

    /// The next event. Cancel-safe: an event is never lost by dropping the future.
    async fn next(&mut self) -> SourceEvent;

    /// Marks everything before `offset` of a partition as done for good; it is committed in the background and
    /// on [`close`](Self::close). `offset` is the **next** one to read. Partitions that are no longer ours are
    /// passed over in silence: their new owner reads again what was not committed.
    fn store(&mut self, positions: &[Position]) -> Result<(), SourceFault>;

    /// Stops reading ahead without leaving the group; [`Revoking`](SourceEvent::Revoking) and
    /// [`Assigned`](SourceEvent::Assigned) still arrive, and so may records that were already read.
    fn pause(&mut self) -> Result<(), SourceFault>;

    /// Reads on after [`pause`](Self::pause).
    fn resume(&mut self) -> Result<(), SourceFault>;

    /// Commits what was stored, leaves the group, and ends.
    async fn close(self: Box<Self>) -> Result<(), SourceFault>;
}

/// A record that can never be applied, with its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record as it was read.
    pub record: Record,
    /// A stable kebab-case word: `malformed-event`, `unknown-type`, `rejected-by-index`.
    pub reason: &'static str,
    /// A sentence for people.
    pub detail: String,
    /// How often the record was sent to be applied; 0 when it could not even be understood.
    pub attempts: u32,
}

/// The dead-letter queue did not take the letters; nothing may be acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum ParkFault {
    /// Trouble that may pass: wait and send the same letters again. Some of them may have been taken; a letter that
    /// comes twice harms nobody.
    #[error("the dead-letter queue is in trouble: {detail}")]
    Retry {
        /// What was said.
        detail: String,
        /// Why, for the log.
        #[source]
        cause: Option<BoxError>,
    },
    /// Waiting does not help.
    #[error("the dead-letter queue refuses the record: {detail}")]
    Refused {
        /// What was said, and what to do.
        detail: String,
        /// Why, for the log.
        #[source]
        cause: Option<BoxError>,
    },
}

/// Where records go that can never be applied, with their cause and their origin.
#[async_trait]
pub trait DeadLetterQueue: Send + Sync {
    /// Returns when every letter is durable.
    async fn park(&self, letters: &[DeadLetter]) -> Result<(), ParkFault>;
}
