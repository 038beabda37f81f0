//! What can still be read of the topic of the events.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use taskwire_domain::{EventTopic, ExtentFault, TopicExtent, Watermarks};
use tokio::task::spawn_blocking;

use crate::config::KafkaSettings;
use crate::diagnosis::describe;
use crate::questions::{Asker, asker, empty_queue, partitions};

/// The brokers may take this long to name the partitions.
const METADATA_LIMIT: Duration = Duration::from_secs(5);

/// A partition's leader may take this long to answer.
const WATERMARK_LIMIT: Duration = Duration::from_secs(5);

/// Asks over a connection of its own, as a consumer without a group.
pub struct KafkaExtent {
    client: Arc<Asker>,
    topic: String,
}

impl KafkaExtent {
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
impl EventTopic for KafkaExtent {
    async fn extent(&self) -> Result<TopicExtent, ExtentFault> {
        let (client, topic) = (Arc::clone(&self.client), self.topic.clone());
        let asked = spawn_blocking(move || {
            let answer = ask(&client, topic);
            empty_queue(&client);
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

fn ask(client: &Asker, topic: String) -> Result<TopicExtent, ExtentFault> {
    let numbers = partitions(client, &topic, METADATA_LIMIT).map_err(fault)?;
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
    let mut watermarks = Vec::with_capacity(numbers.len());
    for number in numbers {
        let (low, high) = client
            .fetch_watermarks(&topic, number, WATERMARK_LIMIT)
            .map_err(fault)?;
        watermarks.push(Watermarks { low, high });
    }
    Ok(TopicExtent {
        topic,
        partitions: watermarks,
    })
}

fn fault(error: KafkaError) -> ExtentFault {
    ExtentFault {
        detail: describe(&error),
        cause: Some(error.into()),
    }
}
