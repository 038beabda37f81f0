//! What a fault of SQLite means to a caller. Everything we know about its result codes
//! (<https://www.sqlite.org/rescode.html>) is here.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};
use taskwire_domain::{BoxError, Error};

/// The name in errors and in the health report.
pub(crate) const DEPENDENCY: &str = "sqlite";

/// Long enough for somebody to notice a full disk, and for a full queue to empty many times.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A constraint that a caller's request can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constraint {
    /// No two tasks have the same external id.
    ExternalIdUnique,
    /// A parent exists as long as it has sub-tasks.
    ParentExists,
}

/// Which constraint a statement on `tasks` broke. The only unique column beside the primary key, which has a code of
/// its own, is the external id, and the only foreign key is the parent's.
pub(crate) fn broken_constraint(error: &rusqlite::Error) -> Option<Constraint> {
    match error.sqlite_error()?.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE => Some(Constraint::ExternalIdUnique),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Some(Constraint::ParentExists),
        _ => None,
    }
}

/// Whether the fault is the disk's, the memory's or a lock's: it meets whoever comes next as well, and may pass.
pub(crate) fn is_trouble(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted
        )
    )
}

/// Whether a fault of `commit` leaves no doubt. A commit is written to the log and then synced. One that could not be
/// written ends before its last frame, without which nobody takes it for a commit. One that could not be synced stands
/// in the log, and is found there after a crash unless another commit has overwritten it.
fn certainly_not_committed(error: &rusqlite::Error) -> bool {
    let Some(error) = error.sqlite_error() else {
        return false;
    };
    error.code == ErrorCode::DiskFull
        || error.code == ErrorCode::DatabaseBusy
        || error.extended_code == ffi::SQLITE_IOERR_WRITE
}

/// Why a whole batch of writes failed, to be told to each of its callers.
#[derive(Debug, Clone)]
pub(crate) enum BatchFault {
    /// Before the commit: the transaction was rolled back.
    BeforeCommit(Arc<rusqlite::Error>),
    /// The commit itself failed.
    AtCommit(Arc<rusqlite::Error>),
}

impl BatchFault {
    pub(crate) fn before_commit(error: rusqlite::Error) -> Self {
        Self::BeforeCommit(Arc::new(error))
    }

    pub(crate) fn at_commit(error: rusqlite::Error) -> Self {
        Self::AtCommit(Arc::new(error))
    }
}

impl From<BatchFault> for Error {
    fn from(fault: BatchFault) -> Self {
        match fault {
            BatchFault::BeforeCommit(cause) if is_trouble(&cause) => unavailable(cause),
            BatchFault::BeforeCommit(cause) => internal("a batch of writes could not be applied", cause),
            BatchFault::AtCommit(cause) if certainly_not_committed(&cause) => unavailable(cause),
            BatchFault::AtCommit(cause) => Error::OutcomeUnknown { cause: cause.into() },
        }
    }
}

/// A fault of a read, or of a write that was rolled back.
pub(crate) fn not_applied(context: &'static str, error: rusqlite::Error) -> Error {
    if is_trouble(&error) {
        unavailable(error)
    } else {
        internal(context, error)
    }
}

/// Nothing was applied; it may be tried again.
pub(crate) fn unavailable(cause: impl Into<BoxError>) -> Error {
    Error::Unavailable {
        dependency: DEPENDENCY,
        retry_after: RETRY_AFTER,
        cause: cause.into(),
    }
}

/// A fault nobody foresaw.
pub(crate) fn internal(context: &'static str, cause: impl Into<BoxError>) -> Error {
    Error::Internal {
        context,
        cause: cause.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(extended_code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(extended_code), None)
    }

    #[test]
    fn trouble_before_the_commit_is_unavailable() {
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_BUSY_SNAPSHOT,
        ] {
            let error = Error::from(BatchFault::before_commit(reported(code)));
            assert!(
                matches!(
                    error,
                    Error::Unavailable {
                        dependency: "sqlite",
                        ..
                    }
                ),
                "{code}: {error:?}"
            );
        }
    }

    #[test]
    fn a_commit_that_was_not_written_is_unavailable_and_one_that_was_not_synced_is_unknown() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE] {
            let error = Error::from(BatchFault::at_commit(reported(code)));
            assert!(matches!(error, Error::Unavailable { .. }), "{code}: {error:?}");
        }
        for code in [
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_SHMMAP,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_CORRUPT,
        ] {
            let error = Error::from(BatchFault::at_commit(reported(code)));
            assert!(matches!(error, Error::OutcomeUnknown { .. }), "{code}: {error:?}");
        }
    }

    #[test]
    fn what_waiting_cannot_cure_is_internal() {
        for code in [
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_CONSTRAINT_CHECK,
            ffi::SQLITE_ERROR,
            ffi::SQLITE_TOOBIG,
        ] {
            let error = not_applied("", reported(code));
            assert!(matches!(error, Error::Internal { .. }), "{code}: {error:?}");
        }
        let wrong_column = not_applied("", rusqlite::Error::QueryReturnedNoRows);
        assert!(matches!(wrong_column, Error::Internal { .. }));
    }
}
