//! What can still be read of the topic of the events.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use taskwire_domain::{EventTopic, ExtentFault, TopicExtent, Watermarks};
use tokio::task::spawn_blocking;

use crate::config::KafkaSettings;
use crate::diagnosis::describe;
use crate::producer::log_line;

/// The brokers may take this long to name the partitions.
const METADATA_LIMIT: Duration = Duration::from_secs(5);

/// A partition's leader may take this long to answer.
const WATERMARK_LIMIT: Duration = Duration::from_secs(5);

/// Asks over a connection of its own, as a consumer without a group.
pub struct KafkaExtent {
    client: Arc<BaseConsumer<Quiet>>,
    topic: String,
}

/// The failure is in the answer; librdkafka's complaints would say it a second time.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}

impl KafkaExtent {
    /// Connects in the background.
    ///
    /// # Errors
    /// If librdkafka refuses the settings.
    pub fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let mut config = settings.client();
        // By default the end of a partition is told as the beginning of the oldest open transaction, whosever it is. Our
        // events may stand behind that, and would count as gone before they are.
        config.set("isolation.level", "read_uncommitted");
        Ok(Self {
            client: Arc::new(config.create_with_context(Quiet)?),
            topic: settings.kafka_topic.clone(),
        })
    }
}

#[async_trait]
impl EventTopic for KafkaExtent {
    async fn extent(&self) -> Result<TopicExtent, ExtentFault> {
        let (client, topic) = (Arc::clone(&self.client), self.topic.clone());
        let asked = spawn_blocking(move || {
            let answer = ask(&client, topic);
            // Log lines and errors wait in the client's queue until somebody polls; nobody else does.
            for _ in 0..256 {
                drop(client.poll(Duration::ZERO));
            }
            answer
        });
        asked.await.unwrap_or_else(|panicked| {
            Err(ExtentFault {
                detail: "the question was not asked to its end".to_owned(),
                cause: Some(panicked.into()),
            })
        })
    }
}

fn ask(client: &BaseConsumer<Quiet>, topic: String) -> Result<TopicExtent, ExtentFault> {
    let metadata = client
        .fetch_metadata(Some(&topic), METADATA_LIMIT)
        .map_err(fault)?;
    let told = metadata.topics().iter().find(|told| told.name() == topic);
    let mut numbers: Vec<i32> = told
        .iter()
        .flat_map(|told| told.partitions())
        .map(|partition| partition.id())
        .collect();
    numbers.sort_unstable();
    if numbers.is_empty() {
        return Err(ExtentFault {
            detail: format!("the topic `{topic}` does not exist"),
            cause: None,
        });
    }
    // One that is left out would count as one that holds nothing.
    if numbers.iter().zip(0..).any(|(&told, wanted)| told != wanted) {
        return Err(ExtentFault {
            detail: format!("the brokers do not know all partitions of the topic `{topic}`"),
            cause: None,
        });
    }
    let mut partitions = Vec::with_capacity(numbers.len());
    for number in numbers {
        let (low, high) = client
            .fetch_watermarks(&topic, number, WATERMARK_LIMIT)
            .map_err(fault)?;
        partitions.push(Watermarks { low, high });
    }
    Ok(TopicExtent { topic, partitions })
}

fn fault(error: KafkaError) -> ExtentFault {
    ExtentFault {
        detail: describe(&error),
        cause: Some(error.into()),
    }
}
