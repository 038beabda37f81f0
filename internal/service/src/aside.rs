//! Work that keeps a processor busy, beside the threads that serve.

use std::sync::Arc;
use std::thread::available_parallelism;

use taskwire_domain::Error;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Carries out as many pieces of work at once as there are processors, the others in the order in which they came.
#[derive(Debug)]
pub(crate) struct Aside {
    places: Arc<Semaphore>,
}

impl Default for Aside {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            places: Arc::new(Semaphore::new(processors)),
        }
    }
}

impl Aside {
    /// Carries the work out when it is its turn. It keeps its place to its end, even when nobody waits for it any more.
    ///
    /// # Errors
    /// [`Error::Internal`] when it panics.
    pub(crate) async fn carry_out<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let done = spawn_blocking(move || {
            // The semaphore is never closed, so there is always a place.
            let _kept_to_the_end = place;
            work()
        });
        done.await.map_err(|cause| Error::Internal {
            context: "a piece of work was not done to its end",
            cause: cause.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_was_given_up_keeps_its_place_until_it_is_done() {
        let aside = Aside::default();
        let free = || aside.places.available_permits();
        let all = free();
        let (begins, begun) = oneshot::channel();
        let (end, ends) = mpsc::channel::<()>();
        let work = aside.carry_out(move || {
            begins.send(()).unwrap();
            // Until the other side is gone.
            ends.recv().is_ok()
        });
        tokio::select! {
            done = work => panic!("{done:?}"),
            begun = begun => begun.unwrap(),
        }
        assert_eq!(free(), all - 1);
        drop(end);
        let again = aside.places.acquire_many(all.try_into().unwrap());
        again.await.unwrap().forget();
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_frees_its_place() {
        let aside = Aside::default();
        let all = aside.places.available_permits();
        for _ in 0..=all {
            let done = aside.carry_out(|| panic!("on purpose")).await;
            assert!(matches!(done, Err(Error::Internal { .. })), "{done:?}");
        }
    }
}
