//! The relay's way to the topic.

use std::collections::HashSet;

use async_trait::async_trait;
use rdkafka::message::{Header, OwnedHeaders};
use taskwire_domain::{EventPublisher, OutboxRecord, PublishFault};

use crate::config::KafkaSettings;
use crate::producer::{BatchProducer, Outgoing, SendFault};

/// Publishes events to the topic of the settings, keyed by the task's hyphenated id.
///
/// A batch that fails is to be published again as a whole, with whatever precedes it in the outbox. For one task, the
/// first occurrences of its versions then stand in the topic in order:
/// - A batch goes out in two waves: the first event of each task, then the rest. When the second wave starts, every
///   partition that it touches knows this client, and from then on nothing is appended behind a failed record (see
///   `BatchProducer`). While that does not hold yet, there is only one event of each task under way.
/// - A purged request that reaches the broker late carries records in the same order as their repetition does.
///
/// Some records will stand there twice; versions make that harmless. Across tasks there is no order.
pub struct KafkaPublisher {
    producer: BatchProducer,
}

impl KafkaPublisher {
    /// Connects with the first batch.
    pub fn new(settings: &KafkaSettings) -> Self {
        Self {
            producer: BatchProducer::new(settings.client(), settings.kafka_topic.clone()),
        }
    }
}

impl From<SendFault> for PublishFault {
    fn from(fault: SendFault) -> Self {
        Self {
            detail: fault.detail,
            cause: Some(fault.cause.into()),
        }
    }
}

#[async_trait]
impl EventPublisher for KafkaPublisher {
    async fn publish(&self, batch: &[OutboxRecord]) -> Result<(), PublishFault> {
        let keys: Vec<String> = batch
            .iter()
            .map(|record| record.event.task_id.to_string())
            .collect();
        let mut seen = HashSet::with_capacity(batch.len());
        let (mut first, mut rest) = (Vec::with_capacity(batch.len()), Vec::new());
        for (record, key) in batch.iter().zip(&keys) {
            let wave = if seen.insert(record.event.task_id) {
                &mut first
            } else {
                &mut rest
            };
            wave.push(Outgoing {
                key: Some(key.as_bytes()),
                value: Some(&record.event.payload),
                headers: headers(&record.event.headers),
            });
        }
        Ok(self.producer.send([first, rest]).await?)
    }

    async fn purge(&self) {
        self.producer.purge().await;
    }
}

fn headers(pairs: &[(String, String)]) -> OwnedHeaders {
    let empty = OwnedHeaders::new_with_capacity(pairs.len());
    pairs.iter().fold(empty, |headers, (key, value)| {
        headers.insert(Header {
            key,
            value: Some(value),
        })
    })
}
