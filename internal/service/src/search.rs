//! Searching the index, and showing why each task was found.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::SentCursor;
use crate::aside::Aside;
use taskwire_domain::{
    ConsistencyToken, Description, Error, Highlighter, SearchPage, SearchQuery, SearchText, Task, TaskId,
};

/// A search that a caller asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// What to find.
    pub query: SearchQuery,
    /// Whether to show where its words stand.
    pub highlight: bool,
    /// Whether to say, when nothing is found, which text would find something.
    pub suggest: bool,
    /// Which page of a walk through all results; `None` for the part that the query's window tells.
    pub cursor: Option<SentCursor>,
    /// Which writes it has to include; none costs nothing. A walk includes them from its beginning on.
    pub after: Vec<ConsistencyToken>,
    /// How long to wait for them.
    pub patience: Duration,
    /// Whether not to search at all without them.
    pub strict: bool,
}

impl SearchRequest {
    /// The most writes that a search can be asked to include.
    pub const MAX_AFTER: usize = 100;
    /// How long one waits who does not say.
    pub const PATIENCE: Duration = Duration::from_secs(2);
    /// The longest that one can wait: a request as a whole may take twice as long.
    pub const MAX_PATIENCE: Duration = Duration::from_secs(5);
}

/// Fragments of HTML by task.
pub type Highlights = BTreeMap<TaskId, Vec<String>>;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The part asked for.
    pub page: SearchPage,
    /// For the tasks in which a word stands; `None` when nobody asked.
    pub highlights: Option<Highlights>,
    /// A corrected text that finds something; only when nothing was found.
    pub suggestion: Option<String>,
    /// Leads to the next page of a walk; `None` when this is the last, and without one.
    pub next_cursor: Option<String>,
    /// Whether it includes the writes that it was to include; `None` when there were none, and when a walk goes on.
    pub consistent: Option<bool>,
}

impl SearchRequest {
    /// Where the words asked for stand in these tasks; `None` when nobody asked.
    pub(crate) async fn highlights(
        &self,
        aside: &Aside,
        tasks: &[Task],
    ) -> Result<Option<Highlights>, Error> {
        if !self.highlight {
            return Ok(None);
        }
        let Some(text) = self.query.text.clone() else {
            return Ok(Some(Highlights::new()));
        };
        let described: Vec<_> = tasks
            .iter()
            .map(|task| (task.id, task.fields.description.clone()))
            .collect();
        // Every word of a hundred long texts is looked at.
        let highlights = aside.carry_out(move || highlights(&text, &described));
        Ok(Some(highlights.await?))
    }
}

fn highlights(text: &SearchText, described: &[(TaskId, Description)]) -> Highlights {
    let mut highlighter = Highlighter::of(text);
    let fragments = described
        .iter()
        .map(|(id, description)| (*id, highlighter.fragments(description.as_str())));
    fragments.filter(|(_, fragments)| !fragments.is_empty()).collect()
}
