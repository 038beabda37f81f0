//! The shell: looks, asks the machine, and does what it says.

use std::sync::Arc;
use std::time::Duration;

use taskwire_domain::{
    BoxError, Chain, Clock, EventTopic, PurgeLedger, PurgeStage, PurgeSurvey, TombstoneDocuments,
    TombstoneRows,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::PurgeMetrics;
use crate::{Observation, PurgeSettings, Step, Swept, step, sweep};

/// How often it is looked whether a round goes on. All waits are longer, so nothing is gained by looking more often.
const INTERVAL: Duration = Duration::from_secs(600);

/// The first look: start-up is over by then.
const FIRST: Duration = Duration::from_secs(60);

/// How often it is said that a round waits for the topic's retention.
const REMINDER: Duration = Duration::from_secs(24 * 3_600);

/// What a round needs.
#[derive(Clone)]
pub struct PurgePorts {
    /// Where its progress is kept.
    pub ledger: Arc<dyn PurgeLedger>,
    /// What can still be read.
    pub topic: Arc<dyn EventTopic>,
    /// The rows of deletions.
    pub rows: Arc<dyn TombstoneRows>,
    /// Their documents.
    pub documents: Arc<dyn TombstoneDocuments>,
}

/// What one look led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advanced {
    /// Nothing: the round waits.
    Waits,
    /// The round is at this stage now.
    Entered(PurgeStage),
    /// Another server changed the round meanwhile.
    Overtaken,
    /// Tombstones went, and the round is over.
    Purged(Swept),
}

/// Looks once and goes one step. Any number of servers may do so at once: a stage is saved only over the one that was
/// looked at, and a sweep that two make takes nothing that one would not.
///
/// # Errors
/// When one of the engines did not answer; the next look begins where this one did.
pub async fn advance(
    ports: &PurgePorts,
    settings: PurgeSettings,
) -> Result<(PurgeSurvey, Advanced), BoxError> {
    let survey = ports.ledger.survey().await?;
    let extent = ports.topic.extent().await?;
    let observation = Observation {
        survey: &survey,
        extent: &extent,
    };
    let advanced = match step(observation, settings.days) {
        Step::Wait => Advanced::Waits,
        Step::Enter(stage) if ports.ledger.save(survey.revision, &stage).await? => Advanced::Entered(stage),
        Step::Enter(_) => Advanced::Overtaken,
        Step::Purge { recorded_before } => {
            let swept = sweep(&*ports.rows, &*ports.documents, recorded_before).await?;
            // If another server was faster, the round is over all the same.
            ports.ledger.save(survey.revision, &PurgeStage::Idle).await?;
            Advanced::Purged(swept)
        }
    };
    Ok((survey, advanced))
}

/// Advances after a minute and then every ten, until `stopping` is cancelled. Never ends by itself: trouble with an
/// engine is waited out.
pub async fn run(ports: PurgePorts, settings: PurgeSettings, stopping: CancellationToken) {
    let metrics = PurgeMetrics::new();
    let mut report = Report::default();
    let mut wait = FIRST;
    while pause(&stopping, wait).await {
        wait = INTERVAL;
        let advanced = tokio::select! {
            advanced = advance(&ports, settings) => advanced,
            () = stopping.cancelled() => return,
        };
        match advanced {
            Ok((survey, advanced)) => {
                report.failing = false;
                metrics.kept.record(survey.tombstones, &[]);
                if let Advanced::Purged(swept) = advanced {
                    metrics.purged.add(swept.purged, &[]);
                }
                report.tell(&survey, &advanced);
            }
            Err(error) => report.fail(&*error),
        }
    }
}

/// Takes away tombstones older than the settings say whose events have left the outbox, after a minute and then every
/// ten, until `stopping` is cancelled. For one process that owns both sides, with the clock that dates its deletions.
///
/// There the outbox is the only place where events stand: one who has read an event deletes it after its operation is
/// durable, and a rebuild of the index reads rows and deletions at one moment.
pub async fn run_in_one_process(
    rows: Arc<dyn TombstoneRows>,
    documents: Arc<dyn TombstoneDocuments>,
    clock: Arc<dyn Clock>,
    settings: PurgeSettings,
    stopping: CancellationToken,
) {
    let metrics = PurgeMetrics::new();
    let mut report = Report::default();
    let mut wait = FIRST;
    while pause(&stopping, wait).await {
        wait = INTERVAL;
        let recorded_before = clock.now().plus_days(-i64::from(settings.days));
        let swept = tokio::select! {
            swept = sweep(&*rows, &*documents, recorded_before) => swept,
            () = stopping.cancelled() => return,
        };
        match swept {
            Ok(swept) => {
                report.failing = false;
                metrics.purged.add(swept.purged, &[]);
                tell_swept(swept);
            }
            Err(fault) => report.fail(&fault),
        }
    }
}

/// Waits; `false` when it is time to stop.
async fn pause(stopping: &CancellationToken, wait: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(wait) => true,
        () = stopping.cancelled() => false,
    }
}

/// What has been said, so that it is not said every ten minutes.
#[derive(Default)]
struct Report {
    failing: bool,
    reminded: Option<Instant>,
}

impl Report {
    fn tell(&mut self, survey: &PurgeSurvey, advanced: &Advanced) {
        match advanced {
            Advanced::Purged(swept) => tell_swept(*swept),
            Advanced::Entered(stage) => {
                tracing::debug!(purge.stage = ?stage, "the purge of tombstones went on")
            }
            Advanced::Overtaken => tracing::debug!("another server goes on with the purge of tombstones"),
            Advanced::Waits => self.remind(survey),
        }
    }

    fn remind(&mut self, survey: &PurgeSurvey) {
        let PurgeStage::Readable {
            recorded_before,
            ends,
        } = &survey.stage
        else {
            return;
        };
        if self
            .reminded
            .is_some_and(|reminded| reminded.elapsed() < REMINDER)
        {
            return;
        }
        self.reminded = Some(Instant::now());
        tracing::info!(
            tombstones = survey.tombstones,
            purge.recorded_before = %recorded_before,
            kafka.topic = ends.topic,
            "tombstones stay until the topic's retention has taken the events of their tasks; with unlimited retention, for ever"
        );
    }

    /// One line for a whole outage.
    fn fail(&mut self, error: &(dyn std::error::Error + 'static)) {
        if self.failing {
            return;
        }
        self.failing = true;
        tracing::warn!(
            error = %Chain(error),
            retry.after_ms = INTERVAL.as_millis(),
            "the purge of tombstones could not go on; none is lost and none went too early"
        );
    }
}

fn tell_swept(Swept { purged, kept }: Swept) {
    if purged > 0 {
        tracing::info!(tombstones = purged, "tombstones purged");
    }
    if kept > 0 {
        tracing::warn!(
            tombstones = kept,
            "tombstones were kept because the index has newer documents of their tasks"
        );
    }
}
