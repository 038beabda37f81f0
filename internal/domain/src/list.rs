//! Lists of tasks straight from the database: never behind, and walked page by page along one order.

use crate::{ExternalId, Priority, Task, TaskId, Timestamp};

/// Exact conditions; all that are present apply. Absent is not false.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Done, or not done.
    pub is_done: Option<bool>,
    /// This priority.
    pub priority: Option<Priority>,
    /// Carries this category, exactly as written.
    pub category: Option<String>,
    /// Sub-tasks of this task.
    pub parent_id: Option<TaskId>,
    /// The task with this external id.
    pub external_id: Option<ExternalId>,
    /// Due earlier than this; a task without a due time is not.
    pub due_before: Option<Timestamp>,
    /// Due later than this; a task without a due time is not.
    pub due_after: Option<Timestamp>,
}

/// What a list is sorted by. The id breaks ties, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKey {
    /// It never changes, so a walk sees every task that exists throughout exactly once.
    CreatedAt,
    /// A task that is changed during a walk moves, and may be seen twice or not at all.
    UpdatedAt,
    /// As `UpdatedAt`, when the due time changes. Tasks without one come last in both directions.
    Due,
    /// As `UpdatedAt`, when the priority changes. From none to high.
    Priority,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListOrder {
    /// Sorted by this.
    pub key: ListKey,
    /// From the greatest to the least.
    pub descending: bool,
}

impl Default for ListOrder {
    /// Oldest first: a walk also reaches what is created meanwhile.
    fn default() -> Self {
        Self {
            key: ListKey::CreatedAt,
            descending: false,
        }
    }
}

/// What a task is sorted by, as far as its id does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListRank {
    /// Its time under `CreatedAt`, `UpdatedAt` or `Due`; `None` for a task without a due time.
    Time(Option<Timestamp>),
    /// Its priority.
    Priority(Priority),
}

/// A place in an order: just behind the task with this rank and id, whether or not there still is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPosition {
    /// Its rank; of the kind that the order's key has.
    pub rank: ListRank,
    /// Its id.
    pub id: TaskId,
}

impl ListPosition {
    /// The place just behind `task`.
    pub fn behind(task: &Task, key: ListKey) -> Self {
        let rank = match key {
            ListKey::CreatedAt => ListRank::Time(Some(task.created_at)),
            ListKey::UpdatedAt => ListRank::Time(Some(task.updated_at)),
            ListKey::Due => ListRank::Time(task.fields.dates.due()),
            ListKey::Priority => ListRank::Priority(task.fields.priority),
        };
        Self { rank, id: task.id }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Which tasks.
    pub filter: ListFilter,
    /// In which order.
    pub order: ListOrder,
    /// From where on; `None` from the beginning.
    pub after: Option<ListPosition>,
    /// How many at most; not 0.
    pub limit: u32,
}

impl ListQuery {
    /// The greatest page.
    pub const MAX_LIMIT: u32 = 200;
    /// The page of a caller who does not say.
    pub const DEFAULT_LIMIT: u32 = 50;
}
