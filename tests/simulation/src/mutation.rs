//! The design broken on purpose, one break at a time: each is a wrong implementation of a modelled port or of a step of
//! a shell. The simulation is worth something only if it catches every one of them.

use std::fmt;
use std::str::FromStr;

/// A break of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// The index deletes a deleted task's document, and in time forgets that it did.
    ElasticsearchHardDelete,
    /// The index takes every write, whatever version it has.
    UnversionedIndex,
    /// A deletion leaves no row in `deleted_tasks`, so a rebuild knows nothing of it.
    DeleteWithoutDeletedTasksRow,
    /// The source stores the offset of a record as soon as it has handed it out.
    AutomaticOffsetStore,
    /// The consumer's shell stores the offsets of a bulk when it is sent.
    OffsetStoredBeforeBulkAnswered,
    /// The relay's shell deletes the rows of a batch when it begins to publish it.
    OutboxDeletedBeforeAcknowledgement,
    /// The outbox is read behind the last id that was deleted.
    CursorIdGreaterThanLast,
    /// The outbox is emptied up to the greatest id of the batch.
    RangeDelete,
    /// An item of a bulk that is answered with 429 counts as done.
    Item429Ignored,
    /// The dead-letter queue answers before it has written.
    ParkAfterAcknowledge,
    /// A rebuild notes where the topic ends after it has read the rows, not before.
    StartCapturedAfterBackfill,
    /// The publisher sends all events of a task in one wave, to partitions that do not know it yet, too.
    PublishInOneWave,
}

impl Mutation {
    /// Every break.
    pub const ALL: [Self; 12] = [
        Self::ElasticsearchHardDelete,
        Self::UnversionedIndex,
        Self::DeleteWithoutDeletedTasksRow,
        Self::AutomaticOffsetStore,
        Self::OffsetStoredBeforeBulkAnswered,
        Self::OutboxDeletedBeforeAcknowledgement,
        Self::CursorIdGreaterThanLast,
        Self::RangeDelete,
        Self::Item429Ignored,
        Self::ParkAfterAcknowledge,
        Self::StartCapturedAfterBackfill,
        Self::PublishInOneWave,
    ];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ElasticsearchHardDelete => "elasticsearch-hard-delete",
            Self::UnversionedIndex => "unversioned-index",
            Self::DeleteWithoutDeletedTasksRow => "delete-without-deleted-tasks-row",
            Self::AutomaticOffsetStore => "automatic-offset-store",
            Self::OffsetStoredBeforeBulkAnswered => "offset-stored-before-bulk-answered",
            Self::OutboxDeletedBeforeAcknowledgement => "outbox-deleted-before-acknowledgement",
            Self::CursorIdGreaterThanLast => "cursor-id-greater-than-last",
            Self::RangeDelete => "range-delete",
            Self::Item429Ignored => "item-429-ignored",
            Self::ParkAfterAcknowledge => "park-after-acknowledge",
            Self::StartCapturedAfterBackfill => "start-captured-after-backfill",
            Self::PublishInOneWave => "publish-in-one-wave",
        }
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Mutation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|mutation| mutation.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no mutation; there are {names}")
        })
    }
}
