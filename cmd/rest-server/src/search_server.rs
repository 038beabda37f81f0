//! Which search server there is.

use std::time::Duration;

use taskwire_domain::{Chain, IndexFault};
use taskwire_elasticsearch::{Client, check_server};
use taskwire_lifecycle::Lifecycle;

/// How long to wait before a server that is away is asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// Asks the server once it answers, and holds nothing up: requests are served meanwhile. One that cannot be worked with ends
/// the process, for no waiting would help.
pub(crate) fn start_check(lifecycle: &mut Lifecycle, client: Client) {
    let stopping = lifecycle.stopping();
    lifecycle.spawn("search server check", async move {
        tokio::select! {
            checked = check_when_possible(&client) => checked?,
            () = stopping.cancelled() => return Ok(()),
        }
        stopping.cancelled().await;
        Ok(())
    });
}

async fn check_when_possible(client: &Client) -> Result<(), IndexFault> {
    loop {
        match check_server(client).await {
            Err(fault @ IndexFault::Retry { .. }) => {
                tracing::debug!(error = %Chain(&fault), retry.after_ms = PAUSE.as_millis(), "the search server does not answer yet");
                tokio::time::sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}
