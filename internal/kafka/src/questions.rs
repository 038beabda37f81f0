//! Questions to the brokers, asked over a connection of its own, as a consumer without a group.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;

use crate::config::KafkaSettings;
use crate::producer::log_line;

/// A client for questions only. Unlike a producer's, its questions never create a topic.
pub(crate) type Asker = BaseConsumer<Quiet>;

/// The failure is in the answer; librdkafka's complaints would say it a second time.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}

/// Connects in the background.
///
/// # Errors
/// If librdkafka refuses the settings.
pub(crate) fn asker(settings: &KafkaSettings) -> Result<Asker, KafkaError> {
    let mut config = settings.client();
    // By default the end of a partition is told as the beginning of the oldest open transaction, whosever it is. Our
    // events may stand behind that, and would count as gone before they are.
    config.set("isolation.level", "read_uncommitted");
    config.create_with_context(Quiet)
}

/// Log lines and errors wait in the client's queue until somebody polls; nobody else does.
pub(crate) fn empty_queue(client: &Asker) {
    for _ in 0..256 {
        drop(client.poll(Duration::ZERO));
    }
}

/// The numbers of the topic's partitions, ascending; none if the topic does not exist.
///
/// # Errors
/// If no broker answers within `limit`, or one does not answer for this topic.
pub(crate) fn partitions<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    limit: Duration,
) -> KafkaResult<Vec<i32>> {
    let metadata = client.fetch_metadata(Some(topic), limit)?;
    let Some(told) = metadata.topics().iter().find(|told| told.name() == topic) else {
        return Ok(Vec::new());
    };
    let mut numbers: Vec<i32> = told.partitions().iter().map(|partition| partition.id()).collect();
    numbers.sort_unstable();
    match told.error() {
        Some(error)
            if numbers.is_empty() && error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART =>
        {
            Err(KafkaError::MetadataFetch(RDKafkaErrorCode::from(error)))
        }
        _ => Ok(numbers),
    }
}
