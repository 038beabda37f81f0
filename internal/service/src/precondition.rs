//! The versions at which a caller allows a write.

use taskwire_domain::{Conflict, Error, Version};

/// Some of the versions that a task can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// Every one.
    All,
    /// These alone; an empty list is none.
    These(Vec<Version>),
}

impl Versions {
    /// Not a single one.
    pub const NONE: Self = Self::These(Vec::new());

    /// Whether this version is among them.
    pub fn include(&self, version: Version) -> bool {
        match self {
            Self::All => true,
            Self::These(versions) => versions.contains(&version),
        }
    }
}

/// Which versions of an existing task a write may replace. It is judged once the task has been found: a task
/// that is not there is "not found" under every precondition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition {
    /// Only these may be replaced.
    pub allowed: Versions,
    /// These may not, even if they are allowed.
    pub refused: Versions,
}

impl Precondition {
    /// Any version may be replaced; a lost race is retried for the caller.
    pub const ANY: Self = Self::only(Versions::All);

    /// One of these may be replaced.
    pub const fn only(allowed: Versions) -> Self {
        Self {
            allowed,
            refused: Versions::NONE,
        }
    }

    /// Whether a task at version `current` may be written.
    ///
    /// # Errors
    /// [`Conflict::VersionMismatch`].
    pub fn judge(&self, current: Version) -> Result<(), Error> {
        if self.allowed.include(current) && !self.refused.include(current) {
            Ok(())
        } else {
            Err(Error::Conflict(Conflict::VersionMismatch { current }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_that_is_allowed_and_not_refused() {
        let these = |numbers: &[i64]| {
            let versions = numbers.iter().map(|&number| Version::new(number).unwrap());
            Versions::These(versions.collect())
        };
        for (allowed, refused, may) in [
            (Versions::All, Versions::NONE, true),
            (Versions::All, Versions::All, false),
            (Versions::All, these(&[1, 3]), false),
            (Versions::All, these(&[2]), true),
            (Versions::NONE, Versions::NONE, false),
            (these(&[2, 3]), Versions::NONE, true),
            (these(&[2, 3]), these(&[3]), false),
            (these(&[2]), Versions::NONE, false),
        ] {
            let precondition = Precondition { allowed, refused };
            let judged = precondition.judge(Version::new(3).unwrap());
            assert_eq!(judged.is_ok(), may, "{precondition:?}");
        }
    }
}
