//! Searching, in our own terms rather than an engine's.

use async_trait::async_trait;

use crate::{Categories, Error, ExternalId, Priority, Task, TaskId};

/// Exact conditions; all that are present apply. Absent is not false: an absent `is_done` finds both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchFilter {
    /// Done, or not done.
    pub is_done: Option<bool>,
    /// This priority.
    pub priority: Option<Priority>,
    /// Each of these categories.
    pub categories: Option<Categories>,
    /// Sub-tasks of this task.
    pub parent_id: Option<TaskId>,
    /// The task with this external id.
    pub external_id: Option<ExternalId>,
}

/// Which part of the results is wanted. `from + size` is at most [`SearchWindow::LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchWindow {
    /// How many results to pass over.
    pub from: u32,
    /// How many to return, 0 to [`SearchWindow::MAX_SIZE`].
    pub size: u32,
}

impl SearchWindow {
    /// The end of the window that can be paged through by position.
    pub const LIMIT: u32 = 10_000;
    /// The greatest page.
    pub const MAX_SIZE: u32 = 100;
}

impl Default for SearchWindow {
    fn default() -> Self {
        Self { from: 0, size: 10 }
    }
}

/// A search. Without text it is filters only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words that must all occur; the last may be the beginning of one; small typos are forgiven.
    pub text: Option<String>,
    /// Exact conditions.
    pub filter: SearchFilter,
    /// Which part of the results.
    pub window: SearchWindow,
}

impl SearchQuery {
    /// The greatest length of the text, in Unicode scalar values.
    pub const MAX_TEXT_CHARS: usize = 1_024;
}

/// A part of the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// The tasks found, best first.
    pub tasks: Vec<Task>,
    /// How many there are in all, exactly.
    pub total: u64,
}

/// The search engine. It may lag behind the database by a refresh interval and whatever is in flight.
#[async_trait]
pub trait TaskSearch: Send + Sync {
    /// Searches live tasks; tombstones are never found.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the engine is away or answers only in part; never an error because of what
    /// the text contains.
    async fn search(&self, query: &SearchQuery) -> Result<SearchPage, Error>;
}
