//! Whether the brokers are there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use taskwire_domain::{Dependency, Unreachable};
use tokio::task::spawn_blocking;

use crate::config::KafkaSettings;
use crate::questions::{Asker, asker, empty_queue};

/// The broker's answer is awaited no longer than this.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// Asks for the metadata of the topic over a connection of its own. A topic that does not exist is no failure: the
/// brokers have answered.
pub struct KafkaHealth {
    client: Arc<Asker>,
    topic: String,
}

impl KafkaHealth {
    /// Connects in the background.
    ///
    /// # Errors
    /// If librdkafka refuses the settings.
    pub fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        Ok(Self {
            client: Arc::new(asker(settings)?),
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
