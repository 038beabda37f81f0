//! Searching, in our own terms rather than an engine's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Categories, ConsistencyToken, Error, ExternalId, Facet, FacetCount, ListOrder, MistypedText, Priority,
    SearchText, Task, TaskId, Timestamp, WalkPage, WalkStep,
};

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
    /// Due in this time; a task without a due time is not.
    pub due: TimeRange,
    /// Starting in this time; a task without a start is not.
    pub start: TimeRange,
    /// Created in this time.
    pub created: TimeRange,
}

/// A time between two others, neither of which is in it. One that is absent is no limit, and both are no condition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Later than this.
    pub after: Option<Timestamp>,
    /// Earlier than this.
    pub before: Option<Timestamp>,
}

impl TimeRange {
    /// Whether there is no condition.
    pub fn is_open(&self) -> bool {
        self.after.is_none() && self.before.is_none()
    }
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchOrder {
    /// The best, then the newest, then by id. Without anything to find, none is better than another.
    #[default]
    Relevance,
    /// As a list is sorted: the id breaks ties in the same direction, and tasks without a due time come last in both.
    By(ListOrder),
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
    /// Words and phrases that must occur, and those that must not.
    pub text: Option<SearchText>,
    /// Exact conditions.
    pub filter: SearchFilter,
    /// What comes first.
    pub order: SearchOrder,
    /// Which part of the results.
    pub window: SearchWindow,
    /// What is counted by.
    pub facets: BTreeSet<Facet>,
}

impl SearchQuery {
    /// Whether some results are better than others.
    pub fn ranks(&self) -> bool {
        self.order == SearchOrder::Relevance && self.text.as_ref().is_some_and(SearchText::ranks)
    }
}

/// A part of the results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// The tasks found, in the order asked for.
    pub tasks: Vec<Task>,
    /// How many there are in all, exactly.
    pub total: u64,
    /// The counts of each facet asked for.
    pub facets: BTreeMap<Facet, Vec<FacetCount>>,
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

    /// One page of a walk through everything that the query finds, in its order, however much that is. All pages are of the
    /// view of the index with which the walk began, whatever is written meanwhile. Of the window only the size counts, at
    /// least 1; it may differ from page to page, as the facets may. All else has to stay the same: the caller sees to it.
    ///
    /// A view is kept for a while after each page, and no longer than until the last one: what is left open by callers
    /// who do not go on is closed.
    ///
    /// # Errors
    /// [`Error::ViewGone`] when the view in which to go on is not kept any more; those of [`search`](Self::search).
    async fn walk(&self, query: &SearchQuery, step: &WalkStep) -> Result<WalkPage, Error>;

    /// As [`search`](Self::search), of what [`await_writes`](Self::await_writes) looked at. Where an index has several
    /// copies, one may show what another does not show yet, and there this asks the same one.
    ///
    /// # Errors
    /// Those of `search`.
    async fn search_after_writes(&self, query: &SearchQuery) -> Result<SearchPage, Error> {
        self.search(query).await
    }

    /// The tasks in which something stands for every word of a text that may be mistyped, and nothing of what must not
    /// occur: those with the fewest typos first, then the newest, then by id, at most [`MistypedText::LIKEST`].
    ///
    /// # Errors
    /// Those of [`search`](Self::search).
    async fn likest(&self, text: &MistypedText, filter: &SearchFilter) -> Result<Vec<Task>, Error>;

    /// Waits until searches see these writes, or newer ones of the same tasks, at the latest after `limit`; says whether
    /// they do.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the engine is away.
    async fn await_writes(&self, writes: &[ConsistencyToken], limit: Duration) -> Result<bool, Error>;
}
