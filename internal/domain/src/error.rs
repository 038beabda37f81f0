//! What can go wrong, sorted by what a caller can do about it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::{TaskId, Version};

/// A cause from outside this crate, kept for the log and never shown to a caller.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// An error and its causes on one line, for the log: an error's own text never repeats its cause.
pub struct Chain<'a>(pub &'a dyn StdError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// An outcome other than success, named for what the caller can do next. Each transport has one exhaustive
/// table from these to its own statuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks rules; correct it. Holds every broken rule, never none.
    #[error("the request breaks {} rule(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// There is no such task; asking again will not help.
    #[error("task {0} does not exist")]
    NotFound(TaskId),
    /// The request is sound, the task's state forbids it; read and decide again.
    #[error(transparent)]
    Conflict(Conflict),
    /// The view of the index in which a search was to go on is not kept any more; begin anew.
    #[error("the view of the search is gone")]
    ViewGone,
    /// A dependency is away and **certainly nothing was applied**; the same request may be sent again.
    #[error("{dependency} is unavailable")]
    Unavailable {
        /// The dependency's name, as in the health report.
        dependency: &'static str,
        /// How long a caller should wait before the next attempt.
        retry_after: Duration,
        /// Why, for the log.
        #[source]
        cause: BoxError,
    },
    /// A write was sent and its answer was lost: it may have been applied or not. It must not be repeated
    /// behind the caller's back.
    #[error("the outcome of the write is unknown")]
    OutcomeUnknown {
        /// Why, for the log.
        #[source]
        cause: BoxError,
    },
    /// A fault nobody foresaw.
    #[error("{context}")]
    Internal {
        /// What was being done.
        context: &'static str,
        /// Why, for the log.
        #[source]
        cause: BoxError,
    },
}

impl Error {
    /// One broken rule.
    pub fn invalid(location: Location, violation: Violation) -> Self {
        Self::Invalid(vec![FieldError { location, violation }])
    }
}

/// The ways in which a task's state can forbid a sound request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The task still has sub-tasks and so cannot be deleted.
    #[error("the task still has sub-tasks")]
    HasSubtasks,
    /// The new parent is the task itself or one of its descendants.
    #[error("the task would become its own ancestor")]
    ParentCycle,
    /// Another task carries this external id.
    #[error("another task already has this external id")]
    ExternalIdTaken,
    /// No version that the caller named is the task's version.
    #[error("the task is at version {current}, which the request does not accept")]
    VersionMismatch {
        /// The version the task has.
        current: Version,
    },
    /// The task kept changing while the write was retried; nothing was applied.
    #[error("the task is being changed too often by others")]
    Contended,
    /// More tasks stand below the task than may be deleted or moved at once.
    #[error("there are more than {at_most} tasks in the subtree")]
    SubtreeTooLarge {
        /// How many there may be.
        at_most: usize,
    },
    /// The operation is sound, but another of its atomic batch is not, so neither was applied.
    #[error("another operation of the batch was refused")]
    RolledBack,
    /// The caller's key was used with another body.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// The caller insists that searches see its writes, and they do not yet.
    #[error("searches do not see the writes yet")]
    NotYetSearchable,
    /// A request with the same key is still being carried out.
    #[error("a request with the same idempotency key is in progress")]
    TwinInFlight,
}

/// A rule that a value breaks: a stable kebab-case code and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Stable, kebab-case; clients may branch on it.
    pub code: &'static str,
    /// A sentence that says what is wrong and what would be right.
    pub detail: String,
}

impl Violation {
    /// A broken rule with its code and sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

/// Where in a request a wrong value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A JSON pointer (RFC 6901) into the body; empty for the body as a whole.
    Pointer(String),
    /// A path or query parameter.
    Parameter(String),
    /// A header, in lower case.
    Header(String),
}

/// One wrong value: where it stands and which rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where.
    pub location: Location,
    /// Which rule.
    pub violation: Violation,
}

impl FieldError {
    /// A wrong value at a JSON pointer of the body.
    pub fn at_pointer(pointer: impl Into<String>, violation: Violation) -> Self {
        Self {
            location: Location::Pointer(pointer.into()),
            violation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_every_cause_once() {
        let cause = "connection refused".into();
        let error = Error::Unavailable {
            dependency: "postgresql",
            retry_after: Duration::from_secs(1),
            cause,
        };
        assert_eq!(
            Chain(&error).to_string(),
            "postgresql is unavailable: connection refused"
        );
    }
}
