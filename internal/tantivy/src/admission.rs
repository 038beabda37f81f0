//! How many searches go on at once.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use taskwire_domain::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::index::{blocking, unavailable};

/// How many searches go on for each processor. More of them end no sooner, and each has its own memory.
const PER_PROCESSOR: usize = 2;

/// For how long a search waits for its turn. A queue that is longer than this is no rush any more; most of those in it would
/// be given up by their callers before their turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lets in so many searches, the others in the order in which they came.
pub(crate) struct Admission {
    places: Arc<Semaphore>,
}

impl Default for Admission {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            places: Arc::new(Semaphore::new(PER_PROCESSOR * processors)),
        }
    }
}

impl Admission {
    /// Carries a search out when it is its turn. It goes on to its end even when nobody waits for it any more, and keeps its
    /// place until then: searches that were given up must not add up behind those that are new.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when its turn does not come, or it fails.
    pub(crate) async fn carry_out<T: Send + 'static>(
        &self,
        search: impl FnOnce() -> tantivy::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned());
        let place = turn.await.map_err(|_| unavailable(TooMany.into()))?;
        // It is never closed, so there is always a place.
        let place = place.map_err(|closed| unavailable(closed.into()))?;
        let found = blocking(move || {
            let _kept_to_the_end = place;
            search()
        });
        let found = found.await.map_err(unavailable)?;
        found.map_err(|cause| unavailable(cause.into()))
    }
}

/// Those before it did not end in time.
#[derive(Debug, thiserror::Error)]
#[error("too many searches are going on")]
struct TooMany;

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use taskwire_domain::{MistypedText, SearchFilter, SearchQuery, SearchText, TaskSearch, WalkStep};
    use tempfile::TempDir;
    use tokio::sync::{OwnedSemaphorePermit, oneshot};
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::TantivyIndex;

    async fn empty(folder: &TempDir) -> TantivyIndex {
        let index = TantivyIndex::open(folder.path()).await.unwrap().index;
        index.rebuild().await.unwrap().finish().await.unwrap();
        index
    }

    async fn all_places(admission: &Admission) -> OwnedSemaphorePermit {
        let all = admission.places.available_permits().try_into().unwrap();
        Arc::clone(&admission.places)
            .acquire_many_owned(all)
            .await
            .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_whose_turn_does_not_come_is_unavailable_after_a_moment() {
        let folder = TempDir::new().unwrap();
        let index = empty(&folder).await;
        let places = all_places(index.admission()).await;
        let query = SearchQuery::default();
        let text = SearchText::parse("mistyped".to_owned()).unwrap().unwrap();
        let text = MistypedText::of(&text).unwrap();
        let began = Instant::now();
        let searches = tokio::join!(
            async { index.search(&query).await.map(drop) },
            async { index.walk(&query, &WalkStep::Begin).await.map(drop) },
            async { index.likest(&text, &SearchFilter::default()).await.map(drop) },
        );
        for outcome in <[_; 3]>::from(searches) {
            assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(3));
        drop(places);
        index.search(&query).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_waits_for_a_short_queue() {
        let folder = TempDir::new().unwrap();
        let index = empty(&folder).await;
        let places = all_places(index.admission()).await;
        let began = Instant::now();
        let free_a_place = async {
            sleep(PATIENCE / 2).await;
            drop(places);
        };
        let query = SearchQuery::default();
        let (found, ()) = tokio::join!(index.search(&query), free_a_place);
        assert_eq!(found.unwrap().total, 0);
        assert!(began.elapsed() >= PATIENCE / 2);
    }

    #[tokio::test]
    async fn a_search_that_was_given_up_keeps_its_place_until_it_ends() {
        let admission = Admission::default();
        let free = || admission.places.available_permits();
        let all = free();
        let (begins, begun) = oneshot::channel();
        let (end, ends) = mpsc::channel::<()>();
        let search = admission.carry_out(move || {
            begins.send(()).unwrap();
            // Until the other side is gone.
            Ok(ends.recv().is_ok())
        });
        tokio::select! {
            outcome = search => panic!("{outcome:?}"),
            begun = begun => begun.unwrap(),
        }
        assert_eq!(free(), all - 1);
        drop(end);
        let again = admission.places.acquire_many(all.try_into().unwrap());
        again.await.unwrap().forget();
    }
}
