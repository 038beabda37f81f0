//! Walking all tasks, page by page.

use taskwire_domain::{Error, ListFilter, ListOrder, ListPosition, ListQuery, Task};

use crate::cursor::CursorSigner;

/// A page that a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// Which tasks.
    pub filter: ListFilter,
    /// In which order.
    pub order: ListOrder,
    /// What the page before said comes next; `None` for the first page.
    pub cursor: Option<String>,
    /// How many at most, 1 to [`ListQuery::MAX_LIMIT`](taskwire_domain::ListQuery::MAX_LIMIT).
    pub limit: u32,
}

impl ListRequest {
    /// What to ask the database for: one task more than are shown, which tells whether there is another page.
    pub(crate) fn query(&self, cursors: &CursorSigner) -> Result<ListQuery, Error> {
        let cursor = self.cursor.as_ref();
        let after = cursor.map(|cursor| cursors.verify(self.order, &self.filter, cursor));
        Ok(ListQuery {
            filter: self.filter.clone(),
            order: self.order,
            after: after.transpose()?,
            limit: self.limit.saturating_add(1),
        })
    }

    /// The page that the answer to [`query`](Self::query) makes.
    pub(crate) fn page(&self, mut tasks: Vec<Task>, cursors: &CursorSigner) -> ListPage {
        let shown = self.limit as usize;
        let there_is_more = tasks.len() > shown;
        tasks.truncate(shown);
        let last_shown = tasks.last().filter(|_| there_is_more);
        let next_cursor = last_shown.map(|task| {
            let behind = ListPosition::behind(task, self.order.key);
            cursors.sign(self.order, &self.filter, &behind)
        });
        ListPage { tasks, next_cursor }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Leads to the next page; `None` when this is the last.
    pub next_cursor: Option<String>,
}
