//! What a deletion leaves behind, whichever use case asks for it.

use taskwire_domain::{Change, ConsistencyToken, DeletedTask, Error, Receipt, Task, TaskEvent, Timestamp};

/// What remains of `task` when it is deleted now.
pub(crate) fn tombstone(task: &Task, now: Timestamp) -> DeletedTask {
    DeletedTask {
        id: task.id,
        version: task.version.next(),
        // A clock set back must not delete a task before it was last changed.
        deleted_at: now.max(task.updated_at),
    }
}

/// The change that deletes `task`.
pub(crate) fn deletion(task: &Task, now: Timestamp, traceparent: Option<&str>) -> Result<Change, Error> {
    let deleted = tombstone(task, now);
    let event = TaskEvent::Deleted(&deleted).encode(traceparent)?;
    Ok(Change::Delete {
        deleted,
        from: task.version,
        event,
    })
}

/// The receipt of a deletion: the task as it last stood, and the token of its tombstone.
pub(crate) fn farewell(task: Task) -> Receipt {
    let token = ConsistencyToken {
        id: task.id,
        version: task.version.next(),
    };
    Receipt { task, token }
}
