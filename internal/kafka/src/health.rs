//! Whether the brokers are there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use taskwire_domain::{Dependency, Unreachable};
use tokio::task::spawn_blocking;

use crate::config::KafkaSettings;
use crate::producer::log_line;

/// The broker's answer is awaited no longer than this.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// Asks for the metadata of the topic over a connection of its own. A topic that does not exist is no failure: the
/// brokers have answered.
pub struct KafkaHealth {
    client: Arc<BaseConsumer<Quiet>>,
    topic: String,
}

/// The failure is in the answer to `check`; librdkafka's complaints would say it a second time.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}

impl KafkaHealth {
    /// Connects in the background.
    ///
    /// # Errors
    /// If librdkafka refuses the settings.
    pub fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        // Without a group it is a client for questions only; unlike a producer's, its questions never create a topic.
        let client: BaseConsumer<Quiet> = settings.client().create_with_context(Quiet)?;
        Ok(Self {
            client: Arc::new(client),
            topic: settings.kafka_topic.clone(),
        })
    }
}

#[async_trait]
impl Dependency for KafkaHealth {
    fn name(&self) -> &'static str {
        "kafka"
    }

    async fn check(&self) -> Result<(), Unreachable> {
        let (client, topic) = (Arc::clone(&self.client), self.topic.clone());
        let asked = spawn_blocking(move || {
            let answer = client.fetch_metadata(Some(&topic), ANSWER_LIMIT).map(|_| ());
            empty_queue(&client);
            answer
        });
        let cause = match asked.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(error) => error.into(),
        };
        Err(Unreachable {
            dependency: "kafka",
            cause,
        })
    }
}

/// Log lines and errors wait in the client's queue until somebody polls; nobody else does.
fn empty_queue(client: &BaseConsumer<Quiet>) {
    for _ in 0..256 {
        drop(client.poll(Duration::ZERO));
    }
}
