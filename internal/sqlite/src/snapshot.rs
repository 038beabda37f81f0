//! Everything as it was at one moment, to build something from it or to compare it with something.

use rusqlite::{Connection, Row};
use taskwire_domain::{DeletedTask, Error, Task, TaskId, Version};

use crate::columns::{read_deleted, read_id, read_task, read_version, task_columns};
use crate::database::read_last_event;
use crate::error::not_applied;
use crate::readers::Readers;

/// How many rows are handed over at once.
const BATCH: usize = 1_000;

const TASKS: &str = concat!("select ", task_columns!(), " from tasks");
const DELETED: &str = "select id, version, deleted_at from deleted_tasks";
const VERSIONS: &str = "
    select id, version, 0 from tasks union all select id, version, 1 from deleted_tasks";
const COUNT: &str = "select (select count(*) from tasks) + (select count(*) from deleted_tasks)";

const CONTEXT: &str = "the tasks could not be read through";

/// A task, or what remains of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// There is such a task.
    Live(Task),
    /// There was.
    Deleted(DeletedTask),
}

/// What a comparison needs of a task or its remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredVersion {
    /// Whose.
    pub id: TaskId,
    /// Its version; for one that is deleted, the last one plus one.
    pub version: Version,
    /// Whether only its remains are left.
    pub is_deleted: bool,
}

/// One moment of the database, whatever is written meanwhile. Every method blocks. While it lives the log of writes
/// grows, so drop it when it has been read.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    last_event: i64,
}

impl Snapshot {
    pub(crate) fn take(readers: &Readers) -> Result<Self, Error> {
        let take = || {
            let connection = readers.open()?;
            connection.execute_batch("begin")?;
            // The first read fixes the moment.
            let last_event = read_last_event(&connection)?;
            Ok(Self {
                connection,
                last_event,
            })
        };
        take().map_err(|error| not_applied(CONTEXT, error))
    }

    /// The last event whose change is in here: everything this snapshot shows is announced by events up to it, and
    /// nothing by a later one. 0 if there was none.
    pub fn last_event(&self) -> i64 {
        self.last_event
    }

    /// How many rows [`for_each_stored`](Self::for_each_stored) will show.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub fn count(&self) -> Result<u64, Error> {
        let count = self.connection.query_row(COUNT, [], |row| row.get::<_, i64>(0));
        count
            .map(i64::unsigned_abs)
            .map_err(|error| not_applied(CONTEXT, error))
    }

    /// Shows every task and what remains of every deleted one, about 1,000 at a time, in no order. The visitor's error
    /// ends it.
    ///
    /// # Errors
    /// The visitor's, [`Error::Unavailable`], [`Error::Internal`].
    pub fn for_each_stored<E: From<Error>>(
        &self,
        mut visit: impl FnMut(Vec<Stored>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.stream(TASKS, |row| read_task(row).map(Stored::Live), &mut visit)?;
        self.stream(DELETED, |row| read_deleted(row).map(Stored::Deleted), &mut visit)
    }

    /// Shows the version of every task and of every deleted one, about 1,000 at a time, in no order. Much cheaper than
    /// [`for_each_stored`](Self::for_each_stored). The visitor's error ends it.
    ///
    /// # Errors
    /// The visitor's, [`Error::Unavailable`], [`Error::Internal`].
    pub fn for_each_version<E: From<Error>>(
        &self,
        mut visit: impl FnMut(Vec<StoredVersion>) -> Result<(), E>,
    ) -> Result<(), E> {
        let read = |row: &Row<'_>| {
            Ok(StoredVersion {
                id: read_id(row, 0)?,
                version: read_version(row, 1)?,
                is_deleted: row.get(2)?,
            })
        };
        self.stream(VERSIONS, read, &mut visit)
    }

    fn stream<T, E: From<Error>>(
        &self,
        query: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        visit: &mut impl FnMut(Vec<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let fault = |error| E::from(not_applied(CONTEXT, error));
        let mut statement = self.connection.prepare_cached(query).map_err(fault)?;
        let mut rows = statement.query([]).map_err(fault)?;
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(row) = rows.next().map_err(fault)? {
            batch.push(read(row).map_err(fault)?);
            if batch.len() == BATCH {
                visit(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))?;
            }
        }
        if batch.is_empty() { Ok(()) } else { visit(batch) }
    }
}
