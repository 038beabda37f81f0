//! What remains of deleted tasks, when it is to go.

use async_trait::async_trait;
use rusqlite::params;
use taskwire_domain::{Error, TaskId, Timestamp, Tombstone, TombstoneRows};

use crate::SqliteDatabase;
use crate::columns::{read_id, read_version, uuid_bytes};
use crate::command::{Command, Done, Failure, Stage};

/// An event of the same task that is still in the outbox is not in the index for certain, or will be read again: until
/// it is deleted, the deletion stays.
const READ: &str = "
    select id, version from deleted_tasks
    where deleted_at <= ?1 and id > ?2 and id not in (select task_id from outbox)
    order by id limit ?3";

const DELETE: &str = "delete from deleted_tasks where id = ?1 and version = ?2";

/// [`TombstoneRows`] in this database. A deletion counts as recorded when it was made: one process, one clock.
#[derive(Debug, Clone)]
pub struct SqliteTombstones {
    database: SqliteDatabase,
}

impl SqliteTombstones {
    /// Those in this database.
    pub fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

#[async_trait]
impl TombstoneRows for SqliteTombstones {
    async fn read(
        &self,
        recorded_before: Timestamp,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<Tombstone>, Error> {
        let readers = self.database.readers();
        // An empty key is below every other.
        let after = after.map(uuid_bytes);
        let read = readers.read("the tombstones could not be read", move |connection| {
            let after: &[u8] = after.as_ref().map_or(&[], |id| &id[..]);
            let mut read = connection.prepare_cached(READ)?;
            let rows = read.query_map(params![recorded_before.unix_millis(), after, limit], |row| {
                Ok(Tombstone {
                    id: read_id(row, 0)?,
                    version: read_version(row, 1)?,
                })
            })?;
            rows.collect()
        });
        read.await
    }

    async fn delete(&self, tombstones: &[Tombstone]) -> Result<u64, Error> {
        if tombstones.is_empty() {
            return Ok(0);
        }
        // It can wait, and must not take a caller's place in a queue that is full.
        self.database
            .write_patiently(DeleteTombstones(tombstones.to_vec()))
            .await
    }
}

/// Forget these deletions.
struct DeleteTombstones(Vec<Tombstone>);

impl Command for DeleteTombstones {
    type Answer = u64;

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<u64>, Failure> {
        let mut delete = stage.connection.prepare_cached(DELETE)?;
        let mut deleted = 0;
        for Tombstone { id, version } in &self.0 {
            deleted += delete.execute(params![uuid_bytes(*id), version.get()])?;
        }
        Ok(Done::silently(deleted as u64))
    }
}
