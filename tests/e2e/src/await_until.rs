//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// Asks `condition` again and again until it answers `Some`; how long that took comes with the answer.
///
/// # Panics
/// When it has not within `limit`, naming `what` was awaited.
pub async fn until<T, F>(what: &str, limit: Duration, mut condition: impl FnMut() -> F) -> (T, Duration)
where
    F: Future<Output = Option<T>>,
{
    let began = Instant::now();
    loop {
        if let Some(found) = condition().await {
            return (found, began.elapsed());
        }
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
