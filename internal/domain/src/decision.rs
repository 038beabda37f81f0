//! Writes of many tasks in one transaction. The repository reads and locks what a [`Decision`] has to see, lets it
//! decide, and applies what it decided, all or nothing. The decision itself is pure, so that it can be taken anew
//! when the database asks for it.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{DeletedTask, EncodedEvent, Error, ExternalId, Receipt, Task, TaskId, Version};

/// What a decision has to see. Ids may stand in several lists; those of tasks that do not exist are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Single tasks and what surrounds them.
    Tasks(TasksScope),
    /// A task and everything below it.
    Subtree {
        /// The task at the top.
        root: TaskId,
        /// More tasks than this are refused with [`Conflict::SubtreeTooLarge`](crate::Conflict::SubtreeTooLarge).
        at_most: usize,
    },
}

/// The tasks a decision changes and those that its rules ask about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TasksScope {
    /// Tasks to change or delete: read whole and kept from changing until the decision is applied.
    pub tasks: Vec<TaskId>,
    /// Tasks below which others are to be placed: their links and those of all above them are shown.
    pub parents: Vec<TaskId>,
    /// Tasks that may be given another parent: the links of everything below them are shown. More than
    /// [`TasksScope::MAX_BELOW`] below all of them together are refused with
    /// [`Conflict::SubtreeTooLarge`](crate::Conflict::SubtreeTooLarge), for they are held in memory.
    pub moved: Vec<TaskId>,
    /// Tasks to delete: the links of their direct sub-tasks are shown, or of [`TasksScope::MAX_CHILDREN`] of them.
    pub deleted: Vec<TaskId>,
    /// External ids to be given: who has them is shown.
    pub external_ids: Vec<ExternalId>,
}

impl TasksScope {
    /// How many tasks may stand below those that are moved together.
    pub const MAX_BELOW: usize = 10_000;
    /// How many sub-tasks of a task to delete are shown: one more than a batch can delete.
    pub const MAX_CHILDREN: usize = 501;
}

/// What a decision sees: the state that nobody else can change in a way that matters until it is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The tasks asked for, as they stand. Of a subtree: the root first, every task after its parent.
    pub tasks: Vec<Task>,
    /// Task to parent (`None` at the top), for every task that the scope's parents, moved and deleted name.
    pub links: HashMap<TaskId, Option<TaskId>>,
    /// Which task has an external id, for those asked for that are taken.
    pub external_ids: HashMap<ExternalId, TaskId>,
}

/// One change, with the event that announces it. A verdict holds at most one of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new task.
    Create(Task, EncodedEvent),
    /// The task's next state; the version it has now is the one before.
    Update(Task, EncodedEvent),
    /// The end of the task that is at this version.
    Delete {
        /// What remains of it.
        deleted: DeletedTask,
        /// The version it has now.
        from: Version,
        /// The event.
        event: EncodedEvent,
    },
}

/// What a decision came to.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What to apply. Carried out one by one in this order, every state in between keeps the rules of the tree and
    /// the uniqueness of external ids.
    pub changes: Vec<Change>,
    /// What to tell the caller once that is applied: one result an operation, in the caller's order.
    pub results: Vec<Result<Receipt, Error>>,
    /// What to keep under the caller's key, if one was claimed. Without it the key remains free, and there must be
    /// no changes.
    pub answer: Option<Bytes>,
}

/// How to decide. Called inside the transaction, on a thread that may block for as long as it takes, and called anew
/// with a newer view when the database undid the first attempt.
pub trait Decision: Send + Sync {
    /// What it has to see.
    fn scope(&self) -> Scope;

    /// Decides from what stands.
    ///
    /// # Errors
    /// Whatever refuses the whole; nothing is applied then.
    fn decide(&self, view: View) -> Result<Verdict, Error>;
}
