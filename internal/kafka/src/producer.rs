//! A producer that answers for a whole batch: every record acknowledged, or a fault and nothing sent after it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, NoCustomPartitioner, Producer, ProducerContext, PurgeConfig, ThreadedProducer,
};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use crate::diagnosis::describe;
use crate::throttle::Throttle;

/// How long to let librdkafka's queue empty before trying again.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(2);

/// How long acknowledgements may be missing before that is logged, again and again.
const STALL: Duration = Duration::from_secs(10);

/// One record on its way.
pub(crate) struct Outgoing<'a> {
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: OwnedHeaders,
}

/// Why a batch was not wholly acknowledged.
#[derive(Debug)]
pub(crate) struct SendFault {
    pub(crate) detail: String,
    pub(crate) cause: KafkaError,
}

impl From<KafkaError> for SendFault {
    fn from(cause: KafkaError) -> Self {
        Self {
            detail: describe(&cause),
            cause,
        }
    }
}

/// Sends batches to one topic.
///
/// What holds: **once a record of this client stands in a partition, a record that fails is the last one there**; nothing
/// after it is appended, now or later. `enable.idempotence` makes the broker refuse a gap in the sequence numbers, so
/// requests already under way fail too. `enable.gapless.guarantee` makes the client fail for good instead of numbering
/// anew behind the gap. The failed client is thrown away with everything in it, and the next batch gets a new one.
///
/// What does not hold is the same for a client's **first** records in a partition: a broker that knows nothing of a
/// client takes any sequence number for its first (seen with Kafka 4.1, even with one request in flight). Whoever
/// needs order sends a batch in waves, each acknowledged before the next.
pub(crate) struct BatchProducer {
    config: ClientConfig,
    topic: String,
    current: Mutex<Option<Arc<Connection>>>,
}

impl BatchProducer {
    /// Nothing is connected before the first batch.
    pub(crate) fn new(mut config: ClientConfig, topic: String) -> Self {
        config
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            // A floor under the time that an awaited batch takes.
            .set("linger.ms", "1")
            // For ever: a record given up by age would be a gap that is not noticed as one.
            .set("message.timeout.ms", "0");
        Self {
            config,
            topic,
            current: Mutex::new(None),
        }
    }

    /// Sends one wave after the other; returns when every record is acknowledged by all in-sync replicas. On a fault the
    /// rest is purged first. If the future is dropped, what it enqueued stays under way until [`purge`](Self::purge).
    pub(crate) async fn send(
        &self,
        waves: impl IntoIterator<Item = Vec<Outgoing<'_>>> + Send,
    ) -> Result<(), SendFault> {
        let waves: Vec<_> = waves.into_iter().filter(|wave| !wave.is_empty()).collect();
        if waves.is_empty() {
            return Ok(());
        }
        let connection = self.connection()?;
        for wave in waves {
            if let Err(error) = connection.deliver(&self.topic, wave).await {
                self.retire(connection).await;
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Forgets everything that is not acknowledged; returns when nothing more of it can be sent.
    pub(crate) async fn purge(&self) {
        let current = self.slot().clone();
        if let Some(connection) = current {
            self.retire(connection).await;
        }
    }

    fn connection(&self) -> Result<Arc<Connection>, KafkaError> {
        let mut slot = self.slot();
        if let Some(connection) = slot.as_ref() {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(Connection::open(&self.config)?);
        *slot = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Takes the connection out of use at once, then purges it. A purge in flight breaks the sequence numbers of an
    /// idempotent producer, so it is not used again.
    async fn retire(&self, connection: Arc<Connection>) {
        {
            let mut slot = self.slot();
            if slot
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(current, &connection))
            {
                *slot = None;
            }
        }
        connection.retired.store(true, Ordering::Release);
        // Blocks until librdkafka's threads have emptied their queues.
        let purged = spawn_blocking(move || connection.purge()).await;
        if let Err(error) = purged {
            warn!(error = %error, "kafka producer could not be purged");
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<Connection>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A record as librdkafka wants it, with the batch that waits for it.
type Message<'a> = BaseRecord<'a, [u8], [u8], Arc<Batch>>;

/// A librdkafka client, which is `None` only while it is being dropped.
struct Connection {
    producer: Option<ThreadedProducer<Acknowledgements>>,
    /// Purged or about to be: nothing more may be sent.
    retired: AtomicBool,
}

impl Connection {
    fn open(config: &ClientConfig) -> Result<Self, KafkaError> {
        let context = Acknowledgements {
            complaints: Throttle::new(STALL),
        };
        let producer = ThreadedProducer::from_config_and_context(config, context)?;
        Ok(Self {
            producer: Some(producer),
            retired: AtomicBool::new(false),
        })
    }

    async fn deliver(&self, topic: &str, records: Vec<Outgoing<'_>>) -> Result<(), KafkaError> {
        let batch = Arc::new(Batch::new(records.len()));
        for record in records {
            self.enqueue(topic, record, &batch).await?;
        }
        let started = Instant::now();
        loop {
            match timeout(STALL, batch.changed.notified()).await {
                Ok(()) => {}
                Err(_) => warn!(
                    kafka.topic = topic,
                    records.outstanding = batch.outstanding.load(Ordering::Acquire),
                    waited.ms = started.elapsed().as_millis(),
                    "kafka does not acknowledge, still waiting"
                ),
            }
            if let Some(outcome) = batch.outcome() {
                return outcome;
            }
        }
    }

    /// Waits for as long as the queue is full, which librdkafka does not announce.
    async fn enqueue(&self, topic: &str, record: Outgoing<'_>, batch: &Arc<Batch>) -> Result<(), KafkaError> {
        let mut message = BaseRecord::with_opaque_to(topic, Arc::clone(batch)).headers(record.headers);
        message.key = record.key;
        message.payload = record.value;
        loop {
            if self.retired.load(Ordering::Acquire) {
                return Err(KafkaError::Canceled);
            }
            if let Some(Err(error)) = batch.outcome() {
                return Err(error);
            }
            message = match self.try_enqueue(message) {
                None => return Ok(()),
                Some((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), message)) => message,
                Some((error, _)) => return Err(error),
            };
            sleep(QUEUE_FULL_PAUSE).await;
        }
    }

    fn try_enqueue<'a>(&self, message: Message<'a>) -> Option<(KafkaError, Message<'a>)> {
        self.producer.as_ref()?.send(message).err()
    }

    fn purge(&self) {
        if let Some(producer) = &self.producer {
            producer.purge(PurgeConfig::default().queue().inflight());
        }
    }
}

impl Drop for Connection {
    /// The client's own destructor joins a thread and may flush for half a second: not here, where a runtime's worker
    /// may be the one that drops.
    fn drop(&mut self) {
        let producer = self.producer.take();
        let spawned = std::thread::Builder::new()
            .name("kafka-producer-end".to_owned())
            .spawn(move || drop(producer));
        if let Err(error) = spawned {
            warn!(error = %error, "kafka producer was ended on the spot for want of a thread");
        }
    }
}

/// The count of acknowledgements that one batch waits for.
struct Batch {
    outstanding: AtomicUsize,
    failure: OnceLock<KafkaError>,
    changed: Notify,
}

impl Batch {
    fn new(records: usize) -> Self {
        Self {
            outstanding: AtomicUsize::new(records),
            failure: OnceLock::new(),
            changed: Notify::new(),
        }
    }

    fn outcome(&self) -> Option<Result<(), KafkaError>> {
        match self.failure.get() {
            Some(error) => Some(Err(error.clone())),
            None if self.outstanding.load(Ordering::Acquire) == 0 => Some(Ok(())),
            None => None,
        }
    }

    fn settle(&self, result: Result<(), KafkaError>) {
        match result {
            Ok(()) if self.outstanding.fetch_sub(1, Ordering::AcqRel) > 1 => return,
            Ok(()) => {}
            // The first cause is the one to report; what follows from it is noise.
            Err(error) => drop(self.failure.set(error)),
        }
        self.changed.notify_one();
    }
}

/// Receives librdkafka's delivery reports, on the producer's own thread.
struct Acknowledgements {
    complaints: Throttle,
}

impl ClientContext for Acknowledgements {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(held_back) = self.complaints.admit() {
            warn!(error = %error, reason, held_back, "kafka producer is in trouble, librdkafka goes on trying");
        }
    }
}

impl ProducerContext<NoCustomPartitioner> for Acknowledgements {
    type DeliveryOpaque = Arc<Batch>;

    fn delivery(&self, result: &DeliveryResult<'_>, batch: Arc<Batch>) {
        batch.settle(result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone()));
    }
}

/// librdkafka's own log lines, which repeat what the error callback says: only for those who want to see them.
pub(crate) fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    tracing::debug!(target: "librdkafka", level = ?level, facility, message, "librdkafka");
}
