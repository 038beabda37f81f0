//! How far the relay is behind: for the metrics, and for the bound on the outbox.

use std::sync::Arc;
use std::time::Duration;

use taskwire_domain::Chain;
use taskwire_lifecycle::Lifecycle;
use taskwire_postgres::{OutboxBound, PostgresTasks};

/// How often the outbox is measured.
const INTERVAL: Duration = Duration::from_secs(5);

/// Measures the outbox now and then, the number of events in it and the age of the oldest, and tells the bound.
pub(crate) fn start(lifecycle: &mut Lifecycle, tasks: Arc<PostgresTasks>, bound: Arc<OutboxBound>) {
    let meter = opentelemetry::global::meter("taskwire-rest-server");
    let events = meter
        .u64_gauge("taskwire.outbox.events")
        .with_description("events not yet published")
        .build();
    let oldest = meter
        .f64_gauge("taskwire.outbox.oldest")
        .with_unit("s")
        .with_description("age of the oldest event not yet published")
        .build();
    let limit = meter
        .u64_gauge("taskwire.outbox.limit")
        .with_description("events not yet published at which writes are refused; 0 is never")
        .build();
    let full = meter
        .u64_gauge("taskwire.outbox.full")
        .with_description("1 while writes are refused because the limit was reached")
        .build();
    limit.record(bound.limit(), &[]);
    let stopping = lifecycle.stopping();
    lifecycle.spawn("outbox measurement", async move {
        let mut is_measured = true;
        while !stopping.is_cancelled() {
            match tasks.backlog().await {
                Ok(backlog) => {
                    if !std::mem::replace(&mut is_measured, true) {
                        tracing::info!("the outbox is measured again");
                    }
                    events.record(backlog.events, &[]);
                    oldest.record(backlog.oldest.as_secs_f64(), &[]);
                    bound.judge(backlog.events);
                    full.record(u64::from(bound.is_full()), &[]);
                }
                // The bound stays as it was judged last, which nobody would see otherwise.
                Err(error) => {
                    if std::mem::replace(&mut is_measured, false) {
                        tracing::warn!(error = %Chain(&error), "the outbox cannot be measured, its metrics and its limit stand still");
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stopping.cancelled() => {}
            }
        }
        Ok(())
    });
}
