//! What a write leaves its caller.

use std::fmt;
use std::str::FromStr;

use crate::{Task, TaskId, Version, Violation};

/// Names one write by its outcome, to ask later for a search that includes it. As text it is `<id>@<version>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsistencyToken {
    /// The task that was written.
    pub id: TaskId,
    /// The version it has since; for a deletion, the tombstone's.
    pub version: Version,
}

impl ConsistencyToken {
    /// The token of the write that made `task` what it is.
    pub fn of(task: &Task) -> Self {
        Self {
            id: task.id,
            version: task.version,
        }
    }
}

impl FromStr for ConsistencyToken {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        let read = || {
            let (id, version) = text.split_once('@')?;
            let digits = version.bytes().all(|byte| byte.is_ascii_digit());
            let version = version.parse().ok().filter(|_| digits).and_then(Version::new)?;
            Some(Self {
                id: id.parse().ok()?,
                version,
            })
        };
        read().ok_or_else(|| {
            let detail =
                "must be what X-Consistency-Token said, such as 0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10@1";
            Violation::new("invalid-token", detail)
        })
    }
}

impl fmt::Display for ConsistencyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

/// What a write left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The task as it stands after the write; for a deletion, as it last stood.
    pub task: Task,
    /// Names the write in a later search.
    pub token: ConsistencyToken,
}

impl Receipt {
    /// The receipt of the write that made `task` what it is.
    pub fn of(task: Task) -> Self {
        let token = ConsistencyToken::of(&task);
        Self { task, token }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_is_one() {
        let text = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10@17";
        let token: ConsistencyToken = text.parse().unwrap();
        assert_eq!(token.to_string(), text);
        for wrong in ["", "@", "17", "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10", "x@1"] {
            assert_eq!(
                wrong.parse::<ConsistencyToken>().unwrap_err().code,
                "invalid-token",
                "{wrong}"
            );
        }
        for version in ["", "0", "-1", "+1", "1 ", "1.0", "99999999999999999999"] {
            let wrong = format!("0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10@{version}");
            assert!(wrong.parse::<ConsistencyToken>().is_err(), "{wrong}");
        }
    }
}
