//! Searching.

use async_trait::async_trait;
use tantivy::collector::{Count, TopDocs};
use tantivy::schema::Value;
use tantivy::{DocAddress, Searcher, TantivyDocument};
use taskwire_domain::{Error, SearchPage, SearchQuery, Task, TaskSearch};

use crate::TantivyIndex;
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
}

fn find(ready: &Ready, search: &SearchQuery) -> tantivy::Result<SearchPage> {
    let searcher = ready.reader.searcher();
    let query = query(&ready.fields, &searcher, search)?;
    let (from, size) = (search.window.from as usize, search.window.size as usize);
    if size == 0 {
        let total = searcher.search(&query, &Count)? as u64;
        return Ok(SearchPage {
            tasks: Vec::new(),
            total,
        });
    }
    let by_score = search.searched().is_some();
    let best = TopDocs::with_limit(size)
        .and_offset(from)
        .order_by(Ranking { by_score });
    let (best, total) = searcher.search(&query, &(best, Count))?;
    let mut tasks = Vec::with_capacity(best.len());
    for (_, address) in best {
        tasks.extend(task(ready, &searcher, address)?);
    }
    Ok(SearchPage {
        tasks,
        total: total as u64,
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
