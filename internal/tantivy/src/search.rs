//! Searching, as many at once as [`admission`](crate::admission) lets in.

use std::time::Duration;

use async_trait::async_trait;
use tantivy::collector::{Count, TopDocs};
use tantivy::schema::Value;
use tantivy::{DocAddress, Searcher, TantivyDocument};
use taskwire_domain::{
    ConsistencyToken, Error, Facet, MistypedText, SearchFilter, SearchPage, SearchQuery, Task, TaskSearch,
    WalkPage, WalkStep,
};

use crate::TantivyIndex;
use crate::facets::{CountBy, shown};
use crate::index::unavailable;
use crate::likest::likest;
use crate::query::query;
use crate::ranking::{Rank, Ranking};
use crate::schema::Fields;
use crate::walk::View;

#[async_trait]
impl TaskSearch for TantivyIndex {
    async fn search(&self, query: &SearchQuery) -> Result<SearchPage, Error> {
        let ready = self.ready().map_err(|cause| unavailable(cause.into()))?;
        let query = query.clone();
        let search = move || find(&View::of(&ready), &query, None);
        Ok(self.admission().carry_out(search).await?.page)
    }

    async fn walk(&self, query: &SearchQuery, step: &WalkStep) -> Result<WalkPage, Error> {
        self.walk_on(query, step).await
    }

    async fn likest(&self, text: &MistypedText, filter: &SearchFilter) -> Result<Vec<Task>, Error> {
        let ready = self.ready().map_err(|cause| unavailable(cause.into()))?;
        let (text, filter) = (text.clone(), filter.clone());
        let search = move || likest(&ready, &text, &filter);
        self.admission().carry_out(search).await
    }

    async fn await_writes(&self, writes: &[ConsistencyToken], limit: Duration) -> Result<bool, Error> {
        self.see_writes(writes, limit).await
    }
}

/// What a search found.
pub(crate) struct Found {
    pub(crate) page: SearchPage,
    /// How many documents are on the page.
    pub(crate) shown: u64,
    /// Where the last of them stands.
    pub(crate) last: Option<Rank>,
}

/// The part of the results that the window tells, of those behind a rank if there is one.
pub(crate) fn find(view: &View, search: &SearchQuery, after: Option<Rank>) -> tantivy::Result<Found> {
    let View { fields, searcher } = view;
    let all = query(fields, searcher, search)?;
    // A facet on which there is no condition counts exactly what is found.
    let (restricted, free): (Vec<Facet>, Vec<Facet>) = search
        .facets
        .iter()
        .partition(|&&facet| search.filter.restricts(facet));
    let counting = (Count, CountBy(free));
    let (from, size) = (search.window.from as usize, search.window.size as usize);
    let (mut best, (total, mut counts)) = match size {
        0 => (Vec::new(), searcher.search(&all, &counting)?),
        _ => {
            let best = TopDocs::with_limit(size)
                .and_offset(from)
                .order_by(Ranking::of(search).behind(after));
            searcher.search(&all, &(best, counting))?
        }
    };
    for facet in restricted {
        let others = SearchQuery {
            filter: search.filter.without(facet),
            ..search.clone()
        };
        let others = query(fields, searcher, &others)?;
        counts.extend(searcher.search(&others, &CountBy(vec![facet]))?);
    }
    best.retain(|(rank, _)| !rank.is_passed());
    let mut tasks = Vec::with_capacity(best.len());
    for (_, address) in &best {
        tasks.extend(task(fields, searcher, *address)?);
    }
    let facets = counts
        .into_iter()
        .map(|(facet, counts)| (facet, shown(facet, counts)));
    Ok(Found {
        page: SearchPage {
            tasks,
            total: total as u64,
            facets: facets.collect(),
        },
        shown: best.len() as u64,
        last: best.last().map(|(rank, _)| *rank),
    })
}

/// The task of a document. One that is no task cannot have been written; it is passed over all the same, so that it does
/// not break every search that meets it.
pub(crate) fn task(
    fields: &Fields,
    searcher: &Searcher,
    address: DocAddress,
) -> tantivy::Result<Option<Task>> {
    let document: TantivyDocument = searcher.doc(address)?;
    let source = document.get_first(fields.source);
    let source = source
        .as_ref()
        .and_then(|value| value.as_bytes())
        .unwrap_or_default();
    let parsed = serde_json::from_slice(source);
    Ok(parsed
        .inspect_err(|error| tracing::warn!(%error, "indexed document is not a task"))
        .ok())
}
