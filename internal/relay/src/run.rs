//! The shell: carries the machine's actions out against the ports.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use taskwire_domain::{
    Chain, EventPublisher, Outbox, OutboxFault, OutboxRecord, OutboxSession, PublishFault, TaskId,
};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::RelayMetrics;
use crate::{Action, Input, Relay, RelaySettings};

/// How often the session is used while acknowledgements are awaited: well below the time after which the
/// database closes an idle session.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// How long a stop waits for the acknowledgements of the batch in hand. What is not acknowledged by then stays
/// in the outbox and is published by the next leader.
const LAST_BATCH: Duration = Duration::from_secs(5);

/// How long a task whose event the broker refused is left alone: often enough that a repaired topic is noticed, and
/// seldom enough that the others are not held up.
const ASIDE: Duration = Duration::from_secs(60);

/// Relays until `stopping` is cancelled. `written` wakes an idle leader at once; it is to be notified after a
/// write is committed.
///
/// Never ends by itself: trouble with the database or the broker is waited out.
pub async fn run(
    outbox: Arc<dyn Outbox>,
    publisher: Arc<dyn EventPublisher>,
    written: Arc<Notify>,
    settings: RelaySettings,
    stopping: CancellationToken,
) {
    let mut shell = Shell {
        outbox,
        publisher,
        written,
        stopping,
        session: None,
        leading: false,
        aside_since: None,
        metrics: RelayMetrics::new(),
    };
    let mut relay = Relay::new(settings);
    let mut input = Input::Start;
    loop {
        if shell.stopping.is_cancelled() {
            relay.stop();
        }
        if shell.aside_since.is_some_and(|since| since.elapsed() >= ASIDE) {
            shell.aside_since = None;
            relay.try_set_aside_again();
        }
        let action = relay.step(input);
        shell.show_leadership(relay.leads());
        let set_aside = if relay.leads() { relay.set_aside() } else { 0 };
        shell.metrics.set_aside.record(set_aside as u64, &[]);
        input = match action {
            Action::Elect => shell.elect().await,
            Action::Read { limit, set_aside } => shell.read(limit, &set_aside).await,
            Action::Publish(batch) => shell.publish(&batch).await,
            Action::Delete(ids) => shell.delete(&ids).await,
            Action::Purge => {
                shell.publisher.purge().await;
                Input::Purged
            }
            Action::Wait { at_most, wakeable } => shell.wait(at_most, wakeable).await,
            Action::Resign => shell.resign().await,
            Action::Finish => return,
        };
        if input == Input::SessionLost {
            shell.session = None;
        }
    }
}

struct Shell {
    outbox: Arc<dyn Outbox>,
    publisher: Arc<dyn EventPublisher>,
    written: Arc<Notify>,
    stopping: CancellationToken,
    session: Option<Box<dyn OutboxSession>>,
    leading: bool,
    /// When the first of the tasks that are set aside was.
    aside_since: Option<Instant>,
    metrics: RelayMetrics,
}

impl Shell {
    fn show_leadership(&mut self, leads: bool) {
        if leads == self.leading {
            return;
        }
        self.leading = leads;
        self.metrics.leader.record(u64::from(leads), &[]);
        if leads {
            tracing::info!("this relay leads");
        } else {
            tracing::info!("this relay no longer leads");
        }
    }

    async fn elect(&mut self) -> Input {
        match self.outbox.elect().await {
            Ok(session) => {
                self.session = session;
                Input::Elected(self.session.is_some())
            }
            Err(fault) => lost(&fault),
        }
    }

    async fn read(&mut self, limit: u32, set_aside: &[TaskId]) -> Input {
        let Some(session) = &mut self.session else {
            return Input::SessionLost;
        };
        match session.read(limit, set_aside).await {
            Ok(records) => Input::Read(records),
            Err(fault) => lost(&fault),
        }
    }

    async fn delete(&mut self, ids: &[i64]) -> Input {
        let Some(session) = &mut self.session else {
            return Input::SessionLost;
        };
        match session.delete(ids).await {
            Ok(()) => {
                self.metrics.published.add(ids.len() as u64, &[]);
                Input::Deleted
            }
            Err(fault) => lost(&fault),
        }
    }

    /// Publishes while the session is kept alive, so that a leader whose session is gone notices it even while
    /// the broker is away.
    async fn publish(&mut self, batch: &[OutboxRecord]) -> Input {
        let Some(session) = &mut self.session else {
            return Input::SessionLost;
        };
        let mut published = pin!(self.publisher.publish(batch));
        let stopped = async {
            self.stopping.cancelled().await;
            tokio::time::sleep(LAST_BATCH).await;
        };
        let mut stopped = pin!(stopped);
        loop {
            tokio::select! {
                result = &mut published => match result {
                    Ok(()) => return Input::Published,
                    Err(fault) => {
                        self.metrics.failures.add(1, &[]);
                        let refused = report(&fault, batch);
                        if refused.is_empty() {
                            return Input::PublishFailed;
                        }
                        self.aside_since.get_or_insert_with(Instant::now);
                        return Input::Refused(refused);
                    }
                },
                () = tokio::time::sleep(HEARTBEAT) => {
                    if let Err(fault) = session.heartbeat().await {
                        return lost(&fault);
                    }
                }
                () = &mut stopped => {
                    tracing::warn!(batch.events = batch.len(), "stopping before the broker acknowledged; the events stay in the outbox");
                    return Input::PublishFailed;
                }
            }
        }
    }

    async fn wait(&mut self, at_most: Duration, wakeable: bool) -> Input {
        let woken = async {
            if wakeable {
                self.written.notified().await
            } else {
                std::future::pending().await
            }
        };
        tokio::select! {
            () = tokio::time::sleep(at_most) => {}
            () = woken => {}
            () = self.stopping.cancelled() => {}
        }
        Input::Waited
    }

    async fn resign(&mut self) -> Input {
        if let Some(session) = self.session.take()
            && let Err(fault) = session.resign().await
        {
            tracing::warn!(error = %Chain(&fault), "leadership could not be given up in order; the database ends it with the connection");
        }
        Input::Resigned
    }
}

/// Says what is wrong with a batch; the tasks of which the broker refused an event.
fn report(fault: &PublishFault, batch: &[OutboxRecord]) -> Vec<TaskId> {
    if fault.refused.is_empty() {
        tracing::warn!(error = %Chain(fault), batch.events = batch.len(), "a batch was not published and will be published again");
    }
    let refused = batch.iter().filter(|record| fault.refused.contains(&record.id));
    let set_aside = refused.map(|record| {
        tracing::error!(
            error = %Chain(fault),
            outbox.id = record.id,
            task.id = %record.event.task_id,
            task.version = record.event.version.get(),
            event.bytes = record.event.payload.len(),
            retry.after_ms = ASIDE.as_millis(),
            "the broker refuses an event; it stays in the outbox with all that follow of its task, the others go on"
        );
        record.event.task_id
    });
    set_aside.collect()
}

fn lost(fault: &OutboxFault) -> Input {
    tracing::warn!(error = %Chain(fault), "the outbox is out of reach; trying again");
    Input::SessionLost
}
