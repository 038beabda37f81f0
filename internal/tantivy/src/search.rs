//! Searching.

use std::time::Duration;

use async_trait::async_trait;
use tantivy::collector::{Count, TopDocs};
use tantivy::schema::Value;
use tantivy::{DocAddress, Searcher, TantivyDocument};
use taskwire_domain::{ConsistencyToken, Error, Facet, SearchPage, SearchQuery, Task, TaskSearch};

use crate::TantivyIndex;
use crate::facets::{CountBy, shown};
use crate::index::{Ready, blocking, unavailable};
use crate::query::query;
use crate::ranking::Ranking;

#[async_trait]
impl TaskSearch for TantivyIndex {
    async fn search(&self, query: &SearchQuery) -> Result<SearchPage, Error> {
        let ready = self.ready().map_err(|cause| unavailable(cause.into()))?;
        let query = query.clone();
        let found = blocking(move || find(&ready, &query))
            .await
            .map_err(unavailable)?;
        found.map_err(|cause| unavailable(cause.into()))
    }

    async fn await_writes(&self, writes: &[ConsistencyToken], limit: Duration) -> Result<bool, Error> {
        self.see_writes(writes, limit).await
    }
}

fn find(ready: &Ready, search: &SearchQuery) -> tantivy::Result<SearchPage> {
    let searcher = ready.reader.searcher();
    let all = query(&ready.fields, &searcher, search)?;
    // A facet on which there is no condition counts exactly what is found.
    let (restricted, free): (Vec<Facet>, Vec<Facet>) = search
        .facets
        .iter()
        .partition(|&&facet| search.filter.restricts(facet));
    let counting = (Count, CountBy(free));
    let (from, size) = (search.window.from as usize, search.window.size as usize);
    let (best, (total, mut counts)) = match size {
        0 => (Vec::new(), searcher.search(&all, &counting)?),
        _ => {
            let best = TopDocs::with_limit(size)
                .and_offset(from)
                .order_by(Ranking::of(search));
            searcher.search(&all, &(best, counting))?
        }
    };
    for facet in restricted {
        let others = SearchQuery {
            filter: search.filter.without(facet),
            ..search.clone()
        };
        let others = query(&ready.fields, &searcher, &others)?;
        counts.extend(searcher.search(&others, &CountBy(vec![facet]))?);
    }
    let mut tasks = Vec::with_capacity(best.len());
    for (_, address) in best {
        tasks.extend(task(ready, &searcher, address)?);
    }
    Ok(SearchPage {
        tasks,
        total: total as u64,
        facets: counts
            .into_iter()
            .map(|(facet, counts)| (facet, shown(facet, counts)))
            .collect(),
    })
}

/// The task of a document. One that is no task cannot have been written; it is passed over all the same, so that it does
/// not break every search that meets it.
fn task(ready: &Ready, searcher: &Searcher, address: DocAddress) -> tantivy::Result<Option<Task>> {
    let document: TantivyDocument = searcher.doc(address)?;
    let source = document.get_first(ready.fields.source);
    let source = source
        .as_ref()
        .and_then(|value| value.as_bytes())
        .unwrap_or_default();
    let parsed = serde_json::from_slice(source);
    Ok(parsed
        .inspect_err(|error| tracing::warn!(%error, "indexed document is not a task"))
        .ok())
}
