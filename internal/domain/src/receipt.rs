//! What a write leaves its caller.

use std::fmt;

use crate::{Task, TaskId, Version};

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
