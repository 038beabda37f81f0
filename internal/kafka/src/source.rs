//! The consume loop's side of a consumer group.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use taskwire_domain::{EventSource, Position, SourceEvent, SourceFault};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use crate::config::KafkaSettings;
use crate::diagnosis::describe;
use crate::group::{Group, Member};
use crate::handover::{Ending, Handover, Room};
use crate::lag::LagSnapshot;
use crate::poll_thread::{self, LAG_REFRESH, Milestones};

/// The last commit may take this long when the source is closed…
const COMMIT_LIMIT: Duration = Duration::from_secs(15);
/// …and leaving the group this long after it. Destroying a consumer is known to hang at times.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);

/// How much and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderLimits {
    /// A member that is silent for so long loses its partitions. Brokers refuse less than their
    /// `group.min.session.timeout.ms`, 6 s by default.
    pub session_timeout: Duration,
    /// How long [`SourceEvent::Revoking`]'s guard is waited for.
    pub revocation: Duration,
    /// Records read ahead of the loop; may be overshot by one batch of 1,000.
    pub read_ahead_records: usize,
    /// Bytes read ahead of the loop; may be overshot by one batch of 4 MiB. As much again is held by librdkafka.
    pub read_ahead_bytes: usize,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(10),
            revocation: Duration::from_secs(5),
            read_ahead_records: 10_000,
            read_ahead_bytes: 16 << 20,
        }
    }
}

/// Reads the topic of the settings in a consumer group.
///
/// A group without a committed offset begins at 0; if a record from there to the end is gone, or the committed offset
/// is not within the partition, the source fails with "reindex needed". Brokers that are away and a topic that does not
/// exist yet are waited for. Dropping the source without [`close`](EventSource::close) leaves the group without a
/// last commit.
pub struct KafkaSource {
    topic: String,
    handover: Arc<Handover>,
    lag: LagSnapshot,
    thread: Option<JoinHandle<()>>,
    committed: Option<oneshot::Receiver<Result<(), SourceFault>>>,
    gone: Option<oneshot::Receiver<()>>,
}

impl KafkaSource {
    /// Joins the group in the background, from a thread of its own.
    ///
    /// # Errors
    /// If librdkafka refuses the settings or there is no thread to be had.
    pub fn start(settings: &KafkaSettings, group: &str, limits: ReaderLimits) -> Result<Self, SourceFault> {
        let topic = settings.kafka_topic.clone();
        let room = Room {
            records: limits.read_ahead_records,
            bytes: limits.read_ahead_bytes,
        };
        let handover = Arc::new(Handover::new(room));
        let lag = LagSnapshot::default();
        let context = Group::new(
            topic.clone(),
            Arc::clone(&handover),
            lag.clone(),
            limits.revocation,
        );
        let member: Member = consumer(settings, group, limits)
            .create_with_context(context)
            .map_err(refused)?;
        member.subscribe(&[&topic]).map_err(refused)?;

        let (committed, last_commit) = oneshot::channel();
        let (gone, end) = oneshot::channel();
        let milestones = Milestones { committed, gone };
        let (theirs, their_lag) = (Arc::clone(&handover), lag.clone());
        let thread = std::thread::Builder::new()
            .name("kafka-source".to_owned())
            .spawn(move || poll_thread::run(member, &theirs, &their_lag, milestones))
            .map_err(|error| SourceFault {
                detail: "there is no thread for the kafka consumer: raise the limit of threads".to_owned(),
                cause: Some(error.into()),
            })?;
        Ok(Self {
            topic,
            handover,
            lag,
            thread: Some(thread),
            committed: Some(last_commit),
            gone: Some(end),
        })
    }

    /// The lag of the partitions that this source reads, for metrics; lives on when the source is closed.
    pub fn lag(&self) -> LagSnapshot {
        self.lag.clone()
    }

    /// Records that were read and not yet handed out by [`next`](EventSource::next).
    pub fn read_ahead(&self) -> usize {
        self.handover.buffered_records()
    }
}

fn refused(error: KafkaError) -> SourceFault {
    SourceFault {
        detail: format!("the kafka consumer could not be made: {}", describe(&error)),
        cause: Some(error.into()),
    }
}

fn consumer(settings: &KafkaSettings, group: &str, limits: ReaderLimits) -> ClientConfig {
    let session_ms = limits.session_timeout.as_millis();
    let mut config = settings.client();
    config
        .set("group.id", group)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session_ms.to_string())
        .set("heartbeat.interval.ms", (session_ms / 4).to_string())
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "1000")
        // The destructor polls and throws records away: with automatic storing their offsets would be committed.
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        .set("isolation.level", "read_committed")
        // How soon a topic that is created late, or anew, is noticed; and the lines by which the latter is.
        .set("topic.metadata.refresh.interval.ms", "3000")
        .set("debug", "metadata")
        // So that the end is reached behind records that nobody is given, too.
        .set("enable.partition.eof", "true")
        .set_log_level(RDKafkaLogLevel::Debug)
        .set("statistics.interval.ms", LAG_REFRESH.as_millis().to_string())
        .set("fetch.wait.max.ms", "100")
        // The default of a second is a cliff in throughput whenever the queue has filled up.
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.min.messages", "20000")
        .set("queued.max.messages.kbytes", "16384")
        // Bounds a synchronous commit.
        .set("socket.timeout.ms", "10000");
    config
}

#[async_trait]
impl EventSource for KafkaSource {
    fn topic(&self) -> &str {
        &self.topic
    }

    async fn next(&mut self) -> SourceEvent {
        self.handover.next().await
    }

    /// The poll thread passes it on within 50 ms, and in any case before it commits on a revocation or at the end.
    fn store(&mut self, positions: &[Position]) -> Result<(), SourceFault> {
        for position in self.handover.store(positions) {
            self.lag.stored(position.partition.0, position.offset);
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<(), SourceFault> {
        self.handover.set_paused(true);
        Ok(())
    }

    fn resume(&mut self) -> Result<(), SourceFault> {
        self.handover.set_paused(false);
        Ok(())
    }

    /// Takes 25 s at most.
    async fn close(mut self: Box<Self>) -> Result<(), SourceFault> {
        self.handover.end(Ending::Orderly);
        let (Some(committed), Some(gone)) = (self.committed.take(), self.gone.take()) else {
            return Ok(());
        };
        let outcome = match timeout(COMMIT_LIMIT, committed).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(SourceFault {
                detail: "the last positions were not committed in time, some records will be read again"
                    .to_owned(),
                cause: None,
            }),
        };
        match (timeout(LEAVE_LIMIT, gone).await, self.thread.take()) {
            (Ok(_), Some(thread)) => {
                // It has nothing left to do.
                if thread.join().is_err() {
                    warn!(
                        kafka.topic = self.topic,
                        "the thread of the kafka consumer panicked at its end"
                    );
                }
            }
            _ => poll_thread::warn_of_hanging_end(&self.topic, LEAVE_LIMIT),
        }
        outcome
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.handover.end(Ending::Abandoned);
    }
}
