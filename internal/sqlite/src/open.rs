//! Opening the file: who may, what is refused, and how each connection is set up.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use taskwire_domain::BoxError;

use crate::schema::{self, Kind};

const DATABASE_FILE: &str = "taskwire.db";
/// Locked by the process that uses the folder. SQLite alone would let several in.
const LOCK_FILE: &str = "lock";

/// Nobody else writes to the file; only somebody with a tool of their own could hold its lock for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is cut to this once it has been written back.
const LOG_LIMIT_BYTES: i64 = 64 << 20;
/// A file up to this size is checked as a whole when it is opened, which takes a fraction of a second.
const WHOLE_CHECK_BYTES: i64 = 64 << 20;

/// Why the database cannot be used; one sentence that says what to do. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process is at work in the folder.
    #[error("another process uses the data folder {}: stop it, or choose another folder", .folder.display())]
    InUse {
        /// Which folder.
        folder: PathBuf,
    },
    /// The folder or a file in it cannot be written.
    #[error("the data folder {} cannot be written: give this user the right to, or choose another folder", .folder.display())]
    ReadOnly {
        /// Which folder.
        folder: PathBuf,
        /// Why, for the log.
        #[source]
        cause: BoxError,
    },
    /// There is no room.
    #[error("the disk of the data folder {} is full: make room, or choose another folder", .folder.display())]
    DiskFull {
        /// Which folder.
        folder: PathBuf,
        /// Why, for the log.
        #[source]
        cause: BoxError,
    },
    /// The file is something else.
    #[error("{} is not a database of this program: move it away, or choose another folder", .file.display())]
    Foreign {
        /// Which file.
        file: PathBuf,
    },
    /// A newer release wrote the file.
    #[error("{} was written by a newer release: use that release, or choose another folder", .file.display())]
    Newer {
        /// Which file.
        file: PathBuf,
    },
    /// The file is ours and broken.
    #[error("{} is damaged: put a backup of it back, or move it away and begin anew", .file.display())]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What was found, for the log.
        #[source]
        cause: BoxError,
    },
    /// Anything else.
    #[error("the data folder {} cannot be used", .folder.display())]
    Unusable {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: BoxError,
    },
}

/// The folder, ours alone for as long as this lives: the operating system releases the lock with the file, whatever
/// becomes of the process.
pub(crate) struct OwnedFolder {
    path: PathBuf,
    _lock: File,
}

impl OwnedFolder {
    /// Creates the folder if it is not there.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let refused = |error| not_written(path, error);
        std::fs::create_dir_all(path).map_err(refused)?;
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false);
        let lock = options.open(path.join(LOCK_FILE)).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
                folder: path.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(refused(error)),
        }
    }

    pub(crate) fn database_file(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// The connection that writes, to a file that is ours, whole as far as can be told quickly, and of this schema.
    pub(crate) fn open_writer(&self) -> Result<Connection, OpenError> {
        let file = self.database_file();
        let of = |error| self.meaning(error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let mut connection = Connection::open_with_flags(&file, flags).map_err(of)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(of)?;
        // Before anything that would write to it: the file may be somebody else's.
        let already_run = match schema::identify(&connection).map_err(of)? {
            Kind::Known(already_run) => already_run,
            Kind::Newer => return Err(OpenError::Newer { file }),
            Kind::Foreign => return Err(OpenError::Foreign { file }),
        };
        if connection.is_readonly("main").map_err(of)? {
            return Err(OpenError::ReadOnly {
                folder: self.path.clone(),
                cause: format!("{} cannot be written", file.display()).into(),
            });
        }
        set_up_writer(&connection).map_err(of)?;
        schema::migrate(&mut connection, already_run).map_err(of)?;
        match find_damage(&connection).map_err(of)? {
            None => Ok(connection),
            Some(found) => Err(OpenError::Damaged {
                file,
                cause: found.into(),
            }),
        }
    }

    fn meaning(&self, error: rusqlite::Error) -> OpenError {
        let (folder, file) = (self.path.clone(), self.database_file());
        // The index of the log could not get its size, for which there is hardly another reason.
        if error.sqlite_error().map(|error| error.extended_code) == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
        {
            return OpenError::DiskFull {
                folder,
                cause: error.into(),
            };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::Foreign { file },
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged {
                file,
                cause: error.into(),
            },
            Some(ErrorCode::DiskFull) => OpenError::DiskFull {
                folder,
                cause: error.into(),
            },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                OpenError::ReadOnly {
                    folder,
                    cause: error.into(),
                }
            }
            _ => OpenError::Unusable {
                folder,
                cause: error.into(),
            },
        }
    }
}

fn not_written(folder: &Path, error: io::Error) -> OpenError {
    let (folder, kind, cause) = (folder.to_owned(), error.kind(), error.into());
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            OpenError::ReadOnly { folder, cause }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::DiskFull { folder, cause },
        _ => OpenError::Unusable { folder, cause },
    }
}

/// A connection that only reads. It does not wait for the writer, nor the writer for it.
pub(crate) fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    // Not opened read-only: a reader of the log has to be able to map its index.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    distrust_the_schema(&connection)?;
    // Lists come in many forms.
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn set_up_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| {
        let mode: String = row.get(0)?;
        if mode == "wal" {
            return Ok(());
        }
        let refused = "the file system cannot share memory between connections, as network drives cannot";
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        Err(rusqlite::Error::SqliteFailure(error, Some(refused.to_owned())))
    })?;
    // Every commit is synced before it is answered.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT_BYTES)?;
    // What is undone of a failed write in a batch need not be kept on the disk.
    connection.pragma_update(None, "temp_store", "memory")?;
    // In KiB when negative.
    connection.pragma_update(None, "cache_size", -16_384)?;
    distrust_the_schema(connection)
}

/// A file that somebody prepared must not make us run what stands in its schema, nor may we write over its pages.
fn distrust_the_schema(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(())
}

/// Both ends of the tables that grow, with all the pages that lead there.
const ENDS: &str = "
    select (select length(description) from tasks order by rowid limit 1),
           (select length(description) from tasks order by rowid desc limit 1),
           (select length(payload) from outbox order by id limit 1),
           (select length(payload) from outbox order by id desc limit 1)";

/// What is wrong with the file. A large one is only looked at where reading and writing begin; whatever else is broken
/// in it fails the request that meets it.
fn find_damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let page_size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let check = if pages * page_size <= WHOLE_CHECK_BYTES {
        "pragma quick_check(1)"
    } else {
        connection.query_row(ENDS, [], |_| Ok(()))?;
        "pragma quick_check('meta')"
    };
    let found: String = connection.query_row(check, [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_system_refuses_is_told_apart() {
        let of = |kind| not_written(Path::new("data"), io::Error::from(kind));
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            assert!(matches!(of(kind), OpenError::ReadOnly { .. }), "{kind}");
        }
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert!(matches!(of(kind), OpenError::DiskFull { .. }), "{kind}");
        }
        assert!(matches!(
            of(io::ErrorKind::NotADirectory),
            OpenError::Unusable { .. }
        ));
    }
}
