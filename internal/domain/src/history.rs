//! Whether the index and the database tell the same history.
//!
//! Nothing reaches the index that was not committed first, so a document is never newer than what the database says of
//! its task afterwards. One that is proves that the database was put back to an older state.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::{Error, IndexFault, TaskId, Timestamp, Version};

/// One state of a task, live or deleted, as either side knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownState {
    /// Its version; of a deletion, the last one plus one.
    pub version: Version,
    /// When it came to be: `updatedAt`, of a deletion `deletedAt`.
    pub time: Timestamp,
    /// Whether it is a deletion.
    pub deleted: bool,
}

impl KnownState {
    /// Whether this document, given what the database said of its task **after** the document was read, belongs to a
    /// history that the database does not have.
    ///
    /// A tombstone without a row proves nothing: the row goes when it has served. Of one version there is one state, so
    /// another time, or a deletion in place of a change, is another history. And a task that was deleted never lives on.
    pub fn contradicts(&self, row: Option<&KnownState>) -> bool {
        match row {
            None => !self.deleted,
            Some(row) if self.deleted && !row.deleted => true,
            Some(row) if row.version == self.version => row != self,
            Some(row) => self.version > row.version,
        }
    }
}

/// A document of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDocument {
    /// Whose.
    pub id: TaskId,
    /// Its state.
    pub state: KnownState,
}

/// The index, as one who compares it sees it: documents and tombstones alike.
#[async_trait]
pub trait IndexedStates: Send + Sync {
    /// Names the generation that is looked at; an index that is built anew has another.
    async fn generation(&self) -> Result<String, IndexFault>;

    /// The `limit` documents that changed last and the `limit` tombstones that came last, as of the last refresh.
    async fn newest(&self, limit: u32) -> Result<Vec<KnownDocument>, IndexFault>;

    /// The documents behind `after` in the order of their ids, at most `limit`, as of the last refresh. None is the end.
    async fn walk(&self, after: Option<TaskId>, limit: u32) -> Result<Vec<KnownDocument>, IndexFault>;

    /// The documents of these tasks as they are at this moment; those that there are.
    async fn present(&self, ids: &[TaskId]) -> Result<Vec<KnownDocument>, IndexFault>;
}

/// The database, as one who compares it sees it.
#[async_trait]
pub trait StoredStates: Send + Sync {
    /// What the database says of these tasks, all at one moment that is later than the call: their rows, or what is kept
    /// of their deletions. `None` from a server that may lag behind, which can prove nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Internal`].
    async fn stored(&self, ids: &[TaskId]) -> Result<Option<HashMap<TaskId, KnownState>>, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(version: i64, second: i64, deleted: bool) -> KnownState {
        KnownState {
            version: Version::new(version).unwrap(),
            time: Timestamp::from_unix_millis(second * 1_000).unwrap(),
            deleted,
        }
    }

    #[test]
    fn a_document_is_proof_exactly_when_no_later_look_at_its_history_could_show_it() {
        let live = state(5, 50, false);
        let tombstone = state(5, 50, true);
        let table = [
            (live, Some(state(5, 50, false)), false, "the same"),
            (live, Some(state(6, 60, false)), false, "older than its row"),
            (
                live,
                Some(state(6, 60, true)),
                false,
                "its deletion not indexed yet",
            ),
            (live, Some(state(4, 40, false)), true, "newer than its row"),
            (
                live,
                Some(state(5, 49, false)),
                true,
                "another state of this version",
            ),
            (live, Some(state(5, 50, true)), true, "deleted under this version"),
            (
                live,
                Some(state(4, 40, true)),
                true,
                "live again after its deletion",
            ),
            (live, None, true, "neither row nor deletion"),
            (tombstone, Some(state(5, 50, true)), false, "the same deletion"),
            (tombstone, None, false, "its row was purged"),
            (
                tombstone,
                Some(state(4, 40, false)),
                true,
                "its deletion was undone",
            ),
            (
                tombstone,
                Some(state(6, 60, false)),
                true,
                "a task that lives on after its deletion",
            ),
        ];
        for (document, row, wanted, why) in table {
            assert_eq!(document.contradicts(row.as_ref()), wanted, "{why}");
        }
    }
}
