//! How long it takes until a new write can be searched.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Told, call};
use crate::load::Load;

/// After which it is given up.
const LIMIT: Duration = Duration::from_secs(180);
/// For one call: a server that is frozen is no reason to wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// Between two calls. Several probes may be at work, and they are not the load.
const AGAIN: Duration = Duration::from_millis(200);

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Creates a task through whichever server takes it and waits until a search through either finds it; how long both
/// took together, or `None` when that is not so within three minutes.
pub(crate) async fn recovery(load: &Load) -> Option<Duration> {
    let began = Instant::now();
    // One word, that nothing else contains.
    let word = format!("probe{}x", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut created = None;
    while began.elapsed() < LIMIT {
        // A create that is given up here may still be answered: it is unknown for the history, too.
        if let Ok(Some(task)) = timeout(PATIENCE, load.create_marked(&word, None)).await {
            created = Some(task);
            break;
        }
        sleep(AGAIN).await;
    }
    let id = created?["id"].clone();
    let mut turn = 0;
    while began.elapsed() < LIMIT {
        let api = &load.site.apis[turn % 2];
        turn += 1;
        let query = json!({"description": word, "size": 5});
        let found = timeout(
            PATIENCE,
            call(api, Method::POST, "/tasks/search", &[], Some(&query)),
        )
        .await;
        if let Ok(Told::Answered(answer)) = found
            && let Some(tasks) = answer.body["tasks"].as_array()
            && tasks.iter().any(|task| task["id"] == id)
        {
            return Some(began.elapsed());
        }
        sleep(AGAIN).await;
    }
    None
}
