//! Forgetting callers' keys once they are no longer kept.

use std::sync::Arc;
use std::time::Duration;

use taskwire_domain::Chain;
use tokio_util::sync::CancellationToken;

use crate::TaskService;

/// How often it is looked for keys to forget. A key that is forgotten late does no harm: it gives way to a new claim
/// when its time is over, whether or not it is still stored.
const INTERVAL: Duration = Duration::from_secs(600);

/// The first time: start-up is over by then, and a process that seldom runs for long gets to it as well.
const FIRST: Duration = Duration::from_secs(60);

/// Forgets expired keys after a minute and then every ten minutes, until `stopping` is cancelled. Never ends by itself:
/// trouble with the database is waited out.
pub async fn keep_forgetting_keys(service: Arc<TaskService>, stopping: CancellationToken) {
    let mut failing = false;
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = INTERVAL;
        let forgotten = tokio::select! {
            () = stopping.cancelled() => return,
            forgotten = service.forget_expired_keys() => forgotten,
        };
        match forgotten {
            Ok(keys) => {
                failing = false;
                tracing::debug!(keys, "forgot expired idempotency keys");
            }
            // One line for a whole outage.
            Err(_) if failing => {}
            Err(error) => {
                failing = true;
                tracing::warn!(
                    error = %Chain(&error),
                    retry.after_ms = INTERVAL.as_millis(),
                    "expired idempotency keys could not be forgotten"
                );
            }
        }
    }
}
