//! The thread that owns the consumer: it polls, whatever happens, so that the group keeps counting on us.
//!
//! The consumer never leaves this thread. Its callbacks run here, its synchronous commits block here, and its destructor,
//! which polls and is known to hang at times, does so here too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use taskwire_domain::SourceFault;
use tokio::sync::oneshot;
use tracing::{debug, warn};

use crate::diagnosis::describe;
use crate::group::Member;
use crate::handover::{Batch, Ending, Handover};
use crate::lag::LagSnapshot;
use crate::record;

/// Wishes and positions of the loop are seen this soon.
const POLL: Duration = Duration::from_millis(50);

/// A full buffer is waited for this long without polling. Pausing throws away what librdkafka has fetched, and a loop
/// that is merely busy makes room sooner.
const PATIENCE: Duration = Duration::from_millis(500);

/// The ends of paused partitions are asked for this often, and librdkafka's statistics come as often.
pub(crate) const LAG_REFRESH: Duration = Duration::from_secs(5);

/// A partition's leader may take this long to say where the partition ends.
const WATERMARK_LIMIT: Duration = Duration::from_millis(500);

/// Told when the thread has committed for the last time, and when the consumer is gone.
pub(crate) struct Milestones {
    pub(crate) committed: oneshot::Sender<Result<(), SourceFault>>,
    pub(crate) gone: oneshot::Sender<()>,
}

/// Runs until the loop wants an end.
pub(crate) fn run(member: Member, handover: &Arc<Handover>, lag: &LagSnapshot, milestones: Milestones) {
    let polling = AssertUnwindSafe(|| {
        Poller {
            member: &member,
            handover,
            lag,
            lag_asked: None,
        }
        .run()
    });
    if let Err(panic) = catch_unwind(polling) {
        let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
        let said = said
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        handover.fail(SourceFault {
            detail: format!("the thread that reads kafka panicked: {said}"),
            cause: None,
        });
    }
    let committed = last_commit(&member, handover);
    // From here on callbacks answer by themselves.
    handover.end(Ending::Abandoned);
    // Perhaps nobody waits any more, which is fine for both.
    let _ = milestones.committed.send(committed);
    drop(member);
    let _ = milestones.gone.send(());
}

fn last_commit(member: &Member, handover: &Handover) -> Result<(), SourceFault> {
    if handover.ending() != Some(Ending::Orderly) {
        return Ok(());
    }
    let group = member.context();
    group.store(member, handover.take_stored());
    group.commit(member).map_err(|error| SourceFault {
        detail: format!(
            "the last positions could not be committed, some records will be read again: {}",
            describe(&error)
        ),
        cause: Some(error.into()),
    })
}

struct Poller<'a> {
    member: &'a Member,
    handover: &'a Handover,
    lag: &'a LagSnapshot,
    lag_asked: Option<Instant>,
}

impl Poller<'_> {
    fn run(&mut self) {
        let group = Arc::clone(self.member.context());
        let mut overrun = false;
        while self.handover.ending().is_none() {
            group.store(self.member, self.handover.take_stored());
            group.start_waiting_partitions(self.member);
            group.look_for_missing_topic(self.member);
            let wanted = overrun || self.handover.is_paused();
            if wanted != group.paused.load(Ordering::Relaxed) {
                group.set_paused(self.member, wanted);
            }
            if wanted {
                self.refresh_lag();
            }
            self.poll();
            if let Some((code, reason)) = self.member.client().fatal_error()
                && !self.handover.has_failed()
            {
                group.give_up(code, &reason);
            }
            overrun = if overrun {
                !self.handover.has_plenty_of_room()
            } else {
                !self.handover.await_room(PATIENCE)
            };
        }
    }

    /// Hands over what is there now. A poll that serves a callback returns nothing, so a batch never spans a rebalance.
    fn poll(&self) {
        let group = self.member.context();
        let mut batch = Batch::default();
        let mut end = None;
        let mut patience = POLL;
        while !batch.is_full() {
            match self.member.poll(patience) {
                Some(Ok(message)) => batch.push(record::copy(&message)),
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    end = Some(partition);
                    break;
                }
                // The context has seen the error already.
                Some(Err(_)) | None => break,
            }
            patience = Duration::ZERO;
        }
        group.handed_out(&batch.records);
        self.handover.push(batch);
        if let Some(partition) = end {
            group.end_reached(self.member, partition);
        }
    }

    /// A paused partition is not fetched, and librdkafka learns its end from fetches alone.
    fn refresh_lag(&mut self) {
        if self.lag_asked.is_some_and(|asked| asked.elapsed() < LAG_REFRESH) {
            return;
        }
        self.lag_asked = Some(Instant::now());
        for entry in self.lag.partitions() {
            let partition = entry.partition.0;
            match self
                .member
                .fetch_watermarks(self.member.context().topic(), partition, WATERMARK_LIMIT)
            {
                Ok((_, high)) => self.lag.seen(partition, high),
                Err(error) => {
                    debug!(kafka.partition = partition, error = %error, "the end of a partition is not known");
                    return;
                }
            }
        }
    }
}

/// Says that a consumer could not be ended; its thread is left to itself.
pub(crate) fn warn_of_hanging_end(topic: &str, limit: Duration) {
    warn!(
        kafka.topic = topic,
        limit.ms = limit.as_millis(),
        "kafka consumer did not end in time and is left behind"
    );
}
