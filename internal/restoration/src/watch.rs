//! Looking every minute, and saying what was found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::metrics::Gauge;
use taskwire_domain::{Chain, TaskId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Examination, Finding};

/// What is said, in the log and in the health report.
pub const RESTORED: &str = "database restored: reindex";

/// What to do about it, for the log.
const ADVICE: &str = "the index has documents that are newer than the database, which was put back to an older state; \
                      nothing is repaired by itself: build the index anew (docs/operations.md, \"A restored PostgreSQL\")";

/// How often is looked.
const INTERVAL: Duration = Duration::from_secs(60);

/// The same while nothing has been compared yet: at start an engine may be a little late.
const AT_START: Duration = Duration::from_secs(2);

/// The same while only the walk through the index is missing to show that all is well again.
const HURRY: Duration = Duration::from_secs(1);

/// How often it is said again.
const REMINDER: Duration = Duration::from_secs(3_600);

/// How many tasks a log line names.
const NAMED: usize = 5;

/// Looks at once and then every minute, until `stopping` is cancelled, and sets `is_restored` while the index is known to
/// have documents of another history. Never ends by itself: trouble with an engine is waited out.
pub async fn keep_looking(
    mut examination: Examination,
    is_restored: Arc<AtomicBool>,
    stopping: CancellationToken,
) {
    let mut announcement = Announcement::new(is_restored);
    let mut has_looked = false;
    loop {
        let found = tokio::select! {
            found = examination.look() => found,
            () = stopping.cancelled() => return,
        };
        let wait = match found {
            Ok(finding) => {
                has_looked = true;
                announcement.tell(&finding)
            }
            Err(error) => {
                // The engine that is away is in the health report; this would say it a second time.
                tracing::debug!(error = %Chain(&*error), "index and database could not be compared");
                if has_looked { INTERVAL } else { AT_START }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stopping.cancelled() => return,
        }
    }
}

struct Announcement {
    is_restored: Arc<AtomicBool>,
    gauge: Gauge<u64>,
    said: Option<Instant>,
}

impl Announcement {
    fn new(is_restored: Arc<AtomicBool>) -> Self {
        let gauge = opentelemetry::global::meter("taskwire-restoration")
            .u64_gauge("taskwire.database.restored")
            .with_description("1 while the index has documents that are newer than the database")
            .build();
        gauge.record(0, &[]);
        Self {
            is_restored,
            gauge,
            said: None,
        }
    }

    /// Says what is new, and how long to wait before the next look.
    fn tell(&mut self, finding: &Finding) -> Duration {
        match finding {
            Finding::NotKnown => INTERVAL,
            Finding::Sound => {
                if self.is_restored.swap(false, Ordering::Relaxed) {
                    tracing::info!("the index has no documents any more that are newer than the database");
                }
                self.gauge.record(0, &[]);
                self.said = None;
                INTERVAL
            }
            Finding::Unproven => HURRY,
            Finding::Restored(tasks) => {
                self.is_restored.store(true, Ordering::Relaxed);
                self.gauge.record(1, &[]);
                self.say(tasks);
                INTERVAL
            }
        }
    }

    fn say(&mut self, tasks: &[TaskId]) {
        if self.said.is_some_and(|said| said.elapsed() < REMINDER) {
            return;
        }
        self.said = Some(Instant::now());
        let named: Vec<String> = tasks.iter().take(NAMED).map(TaskId::to_string).collect();
        tracing::error!(
            task.ids = named.join(" "),
            tasks = tasks.len(),
            advice = ADVICE,
            "database restored: reindex"
        );
    }
}
