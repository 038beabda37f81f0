//! The shell: carries the machine's actions out against the source, the sink and the dead-letter queue.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use taskwire_domain::{
    Chain, DeadLetter, DeadLetterQueue, EventSource, IndexFault, ItemOutcome, ParkFault, RevocationGuard,
    SourceEvent, SourceFault,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::DispatchMetrics;
use crate::{Action, Consumer, DispatchSettings, Ending, HandlerMap, Input};

/// How long a stop waits for the batch in flight. Without its answer it is not acknowledged, and so it is repeated.
const LAST_BATCH: Duration = Duration::from_secs(10);

/// The minute in which parked records are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// Where operations go.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// What it can apply.
    type Operation: Clone + Send + Sync + 'static;

    /// Applies the operations; the answer has one outcome for each, in their order.
    async fn apply(&self, operations: Vec<Self::Operation>) -> Result<Vec<ItemOutcome>, IndexFault>;
}

/// The consumer must not go on; the sentence says why and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Halted {
    /// What went wrong and what an operator should do.
    pub detail: String,
}

/// Consumes until `stopping` is cancelled, then finishes the batch in flight, commits and leaves the group.
///
/// # Errors
/// [`Halted`] when the source, the sink or the dead-letter queue forbids going on. What was finished by then is
/// committed.
pub async fn run<S: Sink>(
    source: Box<dyn EventSource>,
    handlers: HandlerMap<S::Operation>,
    sink: Arc<S>,
    dead_letters: Arc<dyn DeadLetterQueue>,
    settings: DispatchSettings,
    stopping: CancellationToken,
) -> Result<(), Halted> {
    let kinds: Vec<_> = handlers.kinds().collect();
    tracing::info!(
        event.topic = source.topic(),
        event.types = kinds.join(" "),
        "consuming"
    );
    let metrics = Arc::new(DispatchMetrics::new());
    let mut shell = Shell {
        source,
        handlers,
        sink,
        dead_letters,
        metrics,
        guards: Vec::new(),
        work: None,
    };
    let mut consumer = Consumer::new(settings);
    let mut stop_by: Option<Instant> = None;
    let mut minute: Option<Instant> = None;
    loop {
        let input = tokio::select! {
            // In this order: answers before new records, so that nothing piles up.
            biased;
            () = stopping.cancelled(), if stop_by.is_none() => {
                stop_by = Some(Instant::now() + LAST_BATCH);
                Input::Stop
            }
            () = passed(stop_by) => Input::StopNow,
            () = passed(minute) => {
                minute = None;
                Input::MinuteOver
            }
            input = under_way(&mut shell.work) => {
                shell.work = None;
                input
            }
            event = shell.source.next() => shell.translate(event),
        };
        for action in consumer.step(input) {
            if matches!(action, Action::CountMinute) {
                minute = Some(Instant::now() + MINUTE);
            }
            match shell.carry_out(action) {
                Ok(None) => {}
                Ok(Some(ending)) => return shell.close(ending).await,
                Err(fault) => return shell.close(halted(&fault)).await,
            }
        }
    }
}

struct Shell<S: Sink> {
    source: Box<dyn EventSource>,
    handlers: HandlerMap<S::Operation>,
    sink: Arc<S>,
    dead_letters: Arc<dyn DeadLetterQueue>,
    metrics: Arc<DispatchMetrics>,
    guards: Vec<RevocationGuard>,
    /// What is under way: an application, a parking or a pause.
    work: Option<BoxFuture<'static, Input<S::Operation>>>,
}

/// Completes when the moment has come; never without one.
async fn passed(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn under_way<O>(work: &mut Option<BoxFuture<'static, Input<O>>>) -> Input<O> {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

impl<S: Sink> Shell<S> {
    fn translate(&mut self, event: SourceEvent) -> Input<S::Operation> {
        match event {
            SourceEvent::Assigned(partitions) => {
                tracing::info!(event.partitions = ?partitions, "partitions assigned");
                Input::Assigned(partitions)
            }
            SourceEvent::Revoking(partitions, guard) => {
                self.guards.push(guard);
                Input::Revoking(partitions)
            }
            SourceEvent::Lost(partitions) => {
                tracing::warn!(event.partitions = ?partitions, "partitions were lost");
                Input::Lost(partitions)
            }
            SourceEvent::Records(records) => {
                let dispatched = records.into_iter().map(|record| {
                    let operation = self.handlers.dispatch(&record);
                    (record, operation)
                });
                Input::Read(dispatched.collect())
            }
            SourceEvent::Failed(fault) => Input::Halt(Chain(&fault).to_string()),
        }
    }

    fn carry_out(&mut self, action: Action<S::Operation>) -> Result<Option<Ending>, SourceFault> {
        match action {
            Action::Apply(operations) => {
                let (sink, metrics) = (self.sink.clone(), self.metrics.clone());
                self.work = Some(Box::pin(async move { apply(&*sink, operations, &metrics).await }));
            }
            Action::Park(letters) => {
                let (queue, metrics) = (self.dead_letters.clone(), self.metrics.clone());
                self.work = Some(Box::pin(async move { park(&*queue, &letters, &metrics).await }));
            }
            Action::BackOff(pause) => {
                self.work = Some(Box::pin(async move {
                    tokio::time::sleep(pause).await;
                    Input::BackedOff
                }));
            }
            Action::Store(positions) => self.source.store(&positions)?,
            Action::Pause => {
                self.metrics.paused.record(1, &[]);
                self.source.pause()?;
            }
            Action::Resume => {
                self.metrics.paused.record(0, &[]);
                self.source.resume()?;
            }
            Action::Release => self.guards.clear(),
            // The loop keeps the time.
            Action::CountMinute => {}
            Action::Finish(ending) => return Ok(Some(ending)),
        }
        Ok(None)
    }

    async fn close(mut self, ending: Ending) -> Result<(), Halted> {
        // An application that is still running is dropped here; it was not acknowledged and will be repeated.
        self.work = None;
        self.guards.clear();
        if let Err(fault) = self.source.close().await {
            tracing::warn!(error = %Chain(&fault), "the source was not closed in order; what was not committed is read again");
        }
        match ending {
            Ending::Stopped => Ok(()),
            Ending::Halted(detail) => Err(Halted { detail }),
        }
    }
}

fn halted(fault: &SourceFault) -> Ending {
    Ending::Halted(Chain(fault).to_string())
}

async fn apply<S: Sink>(
    sink: &S,
    operations: Vec<S::Operation>,
    metrics: &DispatchMetrics,
) -> Input<S::Operation> {
    let count = operations.len();
    metrics.batch.record(count as u64, &[]);
    match sink.apply(operations).await {
        Ok(outcomes) => {
            let done = outcomes
                .iter()
                .filter(|outcome| **outcome == ItemOutcome::Done)
                .count();
            metrics.applied.add(done as u64, &[]);
            let retry = outcomes.iter().find_map(|outcome| match outcome {
                ItemOutcome::Retry { detail } => Some(detail),
                ItemOutcome::Done | ItemOutcome::Rejected { .. } => None,
            });
            if let Some(detail) = retry {
                metrics.retries.add(1, &[]);
                tracing::warn!(
                    batch.operations = count,
                    batch.done = done,
                    error = detail,
                    "part of a batch has to be applied again"
                );
            }
            Input::Applied(outcomes)
        }
        Err(fault @ IndexFault::Retry { .. }) => {
            metrics.retries.add(1, &[]);
            tracing::warn!(batch.operations = count, error = %Chain(&fault), "a batch was not applied; waiting");
            Input::ApplyFailed
        }
        Err(fault @ IndexFault::Halt { .. }) => Input::Halt(Chain(&fault).to_string()),
    }
}

async fn park<O>(queue: &dyn DeadLetterQueue, letters: &[DeadLetter], metrics: &DispatchMetrics) -> Input<O> {
    match queue.park(letters).await {
        Ok(()) => {
            metrics.parked.add(letters.len() as u64, &[]);
            for letter in letters {
                tracing::error!(
                    event.partition = letter.record.position.partition.0,
                    event.offset = letter.record.position.offset,
                    dlq.reason = letter.reason,
                    dlq.detail = letter.detail,
                    "a record was parked in the dead-letter queue"
                );
            }
            Input::Parked
        }
        Err(fault) => {
            metrics.retries.add(1, &[]);
            tracing::warn!(letters = letters.len(), error = %Chain(&fault), "records could not be parked");
            match fault {
                ParkFault::Retry { .. } => Input::ParkFailed,
                ParkFault::Refused { .. } => Input::ParkRefused(Chain(&fault).to_string()),
            }
        }
    }
}
