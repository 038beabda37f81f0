//! How many requests are worked on at once. One more is refused at once instead of being made to wait: behind the
//! endpoints stand queues that are bounded already (the database's connections, the writer's batch), and a longer one
//! would only make every answer later.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::failure::Refusal;

/// The places for requests in progress. A place is for work alone: waiting for a body takes none, and neither does an
/// answer that its caller is slow to read.
pub(crate) struct Capacity {
    limit: u32,
    places: Semaphore,
    began: Instant,
    refused: AtomicU64,
    /// The second, counted from `began`, in which refusals were last logged.
    logged: AtomicU64,
}

impl Capacity {
    /// Room for so many requests.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            places: Semaphore::new(limit as usize),
            began: Instant::now(),
            refused: AtomicU64::new(0),
            logged: AtomicU64::new(u64::MAX),
        }
    }

    /// Refuses while there is no place, before anything is spent on the request.
    pub(crate) fn look(&self) -> Result<(), Refusal> {
        match self.places.available_permits() {
            0 => Err(self.refuse()),
            _ => Ok(()),
        }
    }

    /// Takes a place, which is free again when the permit is dropped.
    pub(crate) fn enter(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.places.try_acquire().map_err(|_| self.refuse())
    }

    /// Logged at most once a second: a line for each would be one more load.
    fn refuse(&self) -> Refusal {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let second = self.began.elapsed().as_secs();
        if self.logged.swap(second, Ordering::Relaxed) != second {
            let refused = self.refused.swap(0, Ordering::Relaxed);
            tracing::warn!(
                requests.refused = refused,
                requests.limit = self.limit,
                "requests refused, too many are in progress"
            );
        }
        Refusal::Overloaded
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::config::RestConfig;
    use crate::testing::{Behaviour, TASK, TestApi, json_request, post, request};

    fn two_at_once() -> TestApi {
        TestApi::with(RestConfig {
            max_requests: 2,
            ..RestConfig::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn one_more_than_there_are_places_is_503_at_once_and_probes_are_answered() {
        let api = two_at_once();
        api.engines_now(Behaviour::Hangs);
        let path = format!("/tasks/{TASK}");
        let working = join_all([
            api.send(request("GET", &path, &[])),
            api.send(request("GET", &path, &[])),
        ]);
        let others = async {
            tokio::task::yield_now().await;
            let began = Instant::now();
            for refused in [
                request("GET", &path, &[]),
                post("/tasks", r#"{"description": "a"}"#),
                request("GET", "/", &[]),
            ] {
                let answer = api.send(refused).await;
                assert_eq!(answer.problem(), (503, "overloaded"));
                assert_eq!(answer.header("retry-after"), "1");
            }
            for probe in ["/healthz/live", "/healthz/ready"] {
                assert_eq!(api.send(request("GET", probe, &[])).await.status, 200, "{probe}");
            }
            assert!(began.elapsed().is_zero());
        };
        let (worked, ()) = tokio::join!(working, others);
        for answer in worked {
            assert_eq!(answer.problem(), (504, "timeout"));
        }
        api.engines_now(Behaviour::Answers);
        assert_eq!(api.send(request("GET", &path, &[])).await.status, 404);
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_hangs_up_or_sends_slowly_keeps_no_place() {
        let api = two_at_once();
        api.engines_now(Behaviour::Hangs);
        let path = format!("/tasks/{TASK}");
        for _ in 0..3 {
            let left = api.send(request("GET", &path, &[]));
            assert!(
                tokio::time::timeout(std::time::Duration::from_secs(1), left)
                    .await
                    .is_err()
            );
        }
        api.engines_now(Behaviour::Answers);
        let slow =
            || axum::body::Body::from_stream(futures::stream::pending::<std::io::Result<bytes::Bytes>>());
        let slow = join_all([(); 3].map(|()| api.send(json_request("POST", "/tasks", &[], slow()))));
        let meanwhile = async {
            tokio::task::yield_now().await;
            api.send(request("GET", &path, &[])).await.status
        };
        let (slow, status) = tokio::join!(slow, meanwhile);
        assert_eq!(status, 404);
        for answer in slow {
            assert_eq!(answer.problem(), (408, "body-too-slow"));
        }
    }
}
