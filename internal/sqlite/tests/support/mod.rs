//! A data folder of its own for each test, and a look into its file behind the adapter's back.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test target uses its part of it"
)]

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use taskwire_domain::{DeletedTask, EncodedEvent, OutboxRecord, TaskId, Timestamp, Version};
use taskwire_sqlite::{OpenError, SqliteDatabase, SqliteSettings, SqliteTasks};
use uuid::Uuid;

/// A folder that is removed with this value.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// It does not exist until somebody opens it.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("taskwire.db")
    }

    pub(crate) fn try_open(&self) -> Result<SqliteDatabase, OpenError> {
        SqliteDatabase::open(&self.path(), &SqliteSettings::default())
    }

    pub(crate) fn open(&self) -> SqliteDatabase {
        self.try_open().unwrap()
    }

    /// Another connection to the file.
    pub(crate) fn spy(&self) -> Connection {
        spy(&self.file())
    }
}

pub(crate) fn spy(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection
        .busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    connection
}

/// A database, its tasks, and its folder.
pub(crate) struct Fixture {
    pub(crate) database: SqliteDatabase,
    pub(crate) tasks: SqliteTasks,
    pub(crate) folder: Folder,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let database = folder.open();
        Self {
            tasks: SqliteTasks::new(database.clone()),
            database,
            folder,
        }
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        count(&self.folder.spy(), table)
    }
}

pub(crate) fn count(spy: &Connection, table: &str) -> i64 {
    spy.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0))
        .unwrap()
}

/// Everything in the outbox, by id.
pub(crate) fn outbox(spy: &Connection) -> Vec<OutboxRecord> {
    let mut select = spy
        .prepare("select id, task_id, version, payload, headers from outbox order by id")
        .unwrap();
    let rows = select.query_map([], |row| {
        let headers: String = row.get(4)?;
        let flat: Vec<String> = serde_json::from_str(&headers).unwrap();
        let pairs = flat
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()));
        Ok(OutboxRecord {
            id: row.get(0)?,
            event: EncodedEvent {
                task_id: TaskId::from_uuid(Uuid::from_bytes(row.get(1)?)),
                version: Version::new(row.get(2)?).unwrap(),
                payload: row.get::<_, Vec<u8>>(3)?.into(),
                headers: pairs.collect(),
            },
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// What is remembered of deleted tasks.
pub(crate) fn deleted_tasks(spy: &Connection) -> Vec<DeletedTask> {
    let mut select = spy
        .prepare("select id, version, deleted_at from deleted_tasks")
        .unwrap();
    let rows = select.query_map([], |row| {
        let deleted_at = chrono::DateTime::from_timestamp_millis(row.get(2)?).unwrap();
        Ok(DeletedTask {
            id: TaskId::from_uuid(Uuid::from_bytes(row.get(0)?)),
            version: Version::new(row.get(1)?).unwrap(),
            deleted_at: Timestamp::from_utc(deleted_at),
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}
