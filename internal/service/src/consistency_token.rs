//! What a caller keeps of a write, to ask later for a search that includes it.

use std::fmt;

use taskwire_domain::{Task, TaskId, Version};

/// Names one write by its outcome. As text it is `<id>@<version>`.
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
