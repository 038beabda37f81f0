//! Waiting until searches see certain writes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Searcher};
use taskwire_domain::{ConsistencyToken, Error, TaskId, Version};
use tokio::sync::oneshot;

use crate::TantivyIndex;
use crate::document::id_term;
use crate::index::{Ready, blocking, unavailable};
use crate::schema::VERSION;

/// Those who wait, each told once when the last of its writes can be searched.
#[derive(Default)]
pub(crate) struct AwaitedWrites(Mutex<Vec<Waiter>>);

struct Waiter {
    missing: Vec<ConsistencyToken>,
    told: oneshot::Sender<()>,
}

impl AwaitedWrites {
    fn waiters(&self) -> MutexGuard<'_, Vec<Waiter>> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, writes: &[ConsistencyToken]) -> oneshot::Receiver<()> {
        let (told, is_told) = oneshot::channel();
        let missing = writes.to_vec();
        let mut waiters = self.waiters();
        waiters.retain(|waiter| !waiter.told.is_closed());
        waiters.push(Waiter { missing, told });
        is_told
    }

    /// These can be searched now. Whoever does not wait any more is forgotten.
    pub(crate) fn note(&self, applied: &[(TaskId, Version)]) {
        let mut waiters = self.waiters();
        if waiters.is_empty() {
            return;
        }
        let applied: HashMap<_, _> = applied.iter().copied().collect();
        for waiter in waiters.iter_mut() {
            let is_missing =
                |token: &ConsistencyToken| applied.get(&token.id).is_none_or(|seen| *seen < token.version);
            waiter.missing.retain(is_missing);
        }
        let done = waiters.extract_if(.., |waiter| waiter.missing.is_empty() || waiter.told.is_closed());
        for waiter in done {
            // Nobody is there to be told when the wait was given up.
            let _ = waiter.told.send(());
        }
    }
}

impl TantivyIndex {
    /// Whether searches see the writes, at the latest after `limit`.
    pub(crate) async fn see_writes(
        &self,
        writes: &[ConsistencyToken],
        limit: Duration,
    ) -> Result<bool, Error> {
        // Before looking, so that what is applied meanwhile is not missed.
        let told = self.awaited().register(writes);
        let ready = self.ready().map_err(|cause| unavailable(cause.into()))?;
        let wanted = writes.to_vec();
        let seen = blocking(move || are_seen(&ready, &wanted))
            .await
            .map_err(unavailable)?;
        if seen.map_err(|cause| unavailable(cause.into()))? {
            return Ok(true);
        }
        Ok(matches!(tokio::time::timeout(limit, told).await, Ok(Ok(()))))
    }
}

fn are_seen(ready: &Ready, writes: &[ConsistencyToken]) -> tantivy::Result<bool> {
    let searcher = ready.reader.searcher();
    for write in writes {
        if version(ready, &searcher, write)?.is_none_or(|version| version < write.version.get()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The version of the task's document that searches see, tombstones included.
fn version(ready: &Ready, searcher: &Searcher, write: &ConsistencyToken) -> tantivy::Result<Option<i64>> {
    let term = id_term(&ready.fields, write.id);
    for segment in searcher.segment_readers() {
        let postings = segment
            .inverted_index(ready.fields.id)?
            .read_postings(&term, IndexRecordOption::Basic)?;
        let Some(mut postings) = postings else { continue };
        let versions = segment.fast_fields().i64(VERSION)?;
        while postings.doc() != tantivy::TERMINATED {
            let document = postings.doc();
            let is_alive = segment
                .alive_bitset()
                .is_none_or(|alive| alive.is_alive(document));
            if is_alive {
                return Ok(versions.first(document));
            }
            postings.advance();
        }
    }
    Ok(None)
}
