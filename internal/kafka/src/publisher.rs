//! The relay's way to the topic.

use std::collections::HashSet;

use async_trait::async_trait;
use rdkafka::message::{Header, OwnedHeaders};
use taskwire_domain::{Chain, EventPublisher, OutboxRecord, PublishFault};
use tracing::{debug, warn};

use crate::config::KafkaSettings;
use crate::diagnosis::{is_for_size, is_for_want_of_topic};
use crate::producer::{BatchProducer, Outgoing, SendFault};
use crate::topics::{TopicPlan, create_topic};

/// No more records than this are looked for in one batch that are too large: each costs a new client, several times.
const MOST_REFUSED: usize = 10;

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
///
/// A batch that is refused for its size is halved until it passes or the record is found that is too large by itself;
/// of that one's task nothing more is sent.
pub struct KafkaPublisher {
    producer: BatchProducer,
    settings: KafkaSettings,
    plan: Option<TopicPlan>,
}

impl KafkaPublisher {
    /// Connects with the first batch.
    pub fn new(settings: &KafkaSettings) -> Self {
        Self {
            producer: BatchProducer::new(settings.client(), settings.kafka_topic.clone()),
            settings: settings.clone(),
            plan: None,
        }
    }

    /// Creates the topic when it turns out to be gone, for the next batch.
    #[must_use]
    pub fn creating(mut self, plan: TopicPlan) -> Self {
        self.plan = Some(plan);
        self
    }

    /// In two waves, as the type's documentation says.
    async fn send(&self, batch: &[&OutboxRecord]) -> Result<(), SendFault> {
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
        self.producer.send([first, rest]).await
    }

    async fn create_missing_topic(&self) {
        let Some(plan) = &self.plan else { return };
        warn!(
            kafka.topic = self.settings.kafka_topic,
            "kafka topic is gone and is created anew; an index that had not read all of it lacks events"
        );
        if let Err(fault) = create_topic(&self.settings, plan).await {
            warn!(kafka.topic = self.settings.kafka_topic, error = %Chain(&fault), "kafka topic could not be created anew");
        }
    }
}

impl From<SendFault> for PublishFault {
    fn from(fault: SendFault) -> Self {
        Self {
            detail: fault.detail,
            refused: Vec::new(),
            cause: Some(fault.cause.into()),
        }
    }
}

#[async_trait]
impl EventPublisher for KafkaPublisher {
    async fn publish(&self, batch: &[OutboxRecord]) -> Result<(), PublishFault> {
        // A stack of what is still to be sent, the oldest on top.
        let mut parts: Vec<Vec<&OutboxRecord>> = vec![batch.iter().collect()];
        let mut refused: Vec<&OutboxRecord> = Vec::new();
        let mut refusal = None;
        while let Some(mut part) = parts.pop() {
            part.retain(|record| {
                let task_id = record.event.task_id;
                refused.iter().all(|refused| refused.event.task_id != task_id)
            });
            match (self.send(&part).await, part.as_slice()) {
                (Ok(()), _) => {}
                (Err(fault), [record]) if is_for_size(&fault.cause) => {
                    refused.push(record);
                    refusal = Some(fault);
                    if refused.len() == MOST_REFUSED {
                        break;
                    }
                }
                (Err(fault), _) if is_for_size(&fault.cause) => {
                    debug!(
                        batch.events = part.len(),
                        "a batch was too large as one and is halved"
                    );
                    let newer = part.split_off(part.len() / 2);
                    parts.extend([newer, part]);
                }
                (Err(fault), _) => {
                    if is_for_want_of_topic(&fault.cause) {
                        self.create_missing_topic().await;
                    }
                    return Err(fault.into());
                }
            }
        }
        match refusal {
            None => Ok(()),
            Some(fault) => Err(PublishFault {
                refused: refused.iter().map(|record| record.id).collect(),
                ..fault.into()
            }),
        }
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
