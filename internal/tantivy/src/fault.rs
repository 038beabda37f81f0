//! What can be wrong with the folder.

use std::io;
use std::path::PathBuf;

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use taskwire_domain::BoxError;

/// Why the index has to be built anew. What was there is of no use, and nothing is lost: all of it is in the database.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// There is none yet.
    #[error("there is no search index yet")]
    Missing,
    /// An older version of this program made it.
    #[error("the search index was made by an older version")]
    Older,
    /// A file is missing, cut off or altered, or does not hold what it should.
    #[error("the search index is damaged")]
    Damaged(#[source] BoxError),
}

/// Why the folder cannot be used at all, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the search index in {} is in use by another process; stop that one, or choose another folder", .0.display())]
    InUse(PathBuf),
    /// A newer version of this program made it.
    #[error("the search index in {} was made by a newer version; use that version, or delete the folder to have it built anew", .0.display())]
    Newer(PathBuf),
    /// It cannot be read or written: rights, a full disk, a read-only file system.
    #[error("the search index in {} cannot be read and written; see that the folder belongs to you and its disk has room", folder.display())]
    Unusable {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: BoxError,
    },
}

/// The operating system's error behind one of tantivy's.
pub(crate) fn io_error(error: &TantivyError) -> Option<&io::Error> {
    match error {
        TantivyError::IoError(error) => Some(error),
        TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error, .. })
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. })
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, .. })
        | TantivyError::LockFailure(LockError::IoError(io_error), _) => Some(io_error),
        _ => None,
    }
}

/// Whether the files say something that can never be right, however often they are read.
pub(crate) fn is_damage(error: &TantivyError) -> bool {
    use io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    match error {
        TantivyError::DataCorruption(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::OpenDirectoryError(OpenDirectoryError::DoesNotExist(_))
        | TantivyError::OpenReadError(
            OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_),
        ) => true,
        error => io_error(error)
            .is_some_and(|error| matches!(error.kind(), InvalidData | NotFound | UnexpectedEof)),
    }
}

/// What a panic said.
#[derive(Debug, thiserror::Error)]
#[error("the search engine panicked: {0}")]
pub(crate) struct Panicked(pub(crate) String);

impl Panicked {
    /// From what was caught.
    pub(crate) fn caught(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Self(text.unwrap_or("without a word").to_owned())
    }
}
