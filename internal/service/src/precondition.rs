//! The versions at which a caller allows a write.

use taskwire_domain::{Conflict, Error, Version};

/// Which versions of an existing task a write may replace. It is judged once the task has been found: a task
/// that is not there is "not found" under every precondition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Any version; a lost race is retried for the caller.
    #[default]
    Any,
    /// One of these. An empty list accepts none.
    OneOf(Vec<Version>),
}

impl Precondition {
    /// Whether a task at version `current` may be written.
    ///
    /// # Errors
    /// [`Conflict::VersionMismatch`].
    pub fn judge(&self, current: Version) -> Result<(), Error> {
        match self {
            Self::OneOf(versions) if !versions.contains(&current) => {
                Err(Error::Conflict(Conflict::VersionMismatch { current }))
            }
            Self::Any | Self::OneOf(_) => Ok(()),
        }
    }
}
