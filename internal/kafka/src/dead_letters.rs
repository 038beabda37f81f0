//! Where records go that can never be applied.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::message::{Header, OwnedHeaders};
use taskwire_domain::{Clock, DeadLetter, DeadLetterQueue, ParkFault};
use tokio::time::timeout;

use crate::config::{ConsumerSettings, KafkaSettings};
use crate::diagnosis::{code, is_refusal, must_be_repaired};
use crate::producer::{BatchProducer, Outgoing, SendFault};
use crate::topics::DEAD_LETTER_BYTES;

/// The brokers may take this long before the caller is told.
const PARK_LIMIT: Duration = Duration::from_secs(30);

/// A longer explanation is cut, so that a letter is never much larger than its record.
const DETAIL_BYTES: usize = 4096;

/// Writes to the dead-letter topic: the record's key, value and headers as they were read, followed by `dlq.reason`,
/// `dlq.detail`, `dlq.topic`, `dlq.partition`, `dlq.offset`, `dlq.attempts` (how often it was sent to be applied) and
/// `dlq.time`. A letter may come twice.
pub struct KafkaDeadLetters {
    producer: BatchProducer,
    source_topic: String,
    clock: Arc<dyn Clock>,
    limit: Duration,
}

impl KafkaDeadLetters {
    /// Connects with the first letter. Letters are said to come from the topic of `kafka`.
    pub fn new(kafka: &KafkaSettings, consumer: &ConsumerSettings, clock: Arc<dyn Clock>) -> Self {
        let mut config = kafka.client();
        config.set("message.max.bytes", DEAD_LETTER_BYTES);
        Self {
            producer: BatchProducer::new(config, consumer.kafka_dlq_topic.clone()),
            source_topic: kafka.kafka_topic.clone(),
            clock,
            limit: PARK_LIMIT,
        }
    }

    /// With another time limit than 30 s.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn headers(&self, letter: &DeadLetter) -> OwnedHeaders {
        let position = letter.record.position;
        let own = [
            ("dlq.reason", letter.reason.to_owned()),
            ("dlq.detail", cut(&letter.detail).to_owned()),
            ("dlq.topic", self.source_topic.clone()),
            ("dlq.partition", position.partition.to_string()),
            ("dlq.offset", position.offset.to_string()),
            ("dlq.attempts", letter.attempts.to_string()),
            ("dlq.time", self.clock.now().to_string()),
        ];
        let mut headers = OwnedHeaders::new_with_capacity(letter.record.headers.len() + own.len());
        for (key, value) in &letter.record.headers {
            headers = headers.insert(Header {
                key,
                value: value.as_deref(),
            });
        }
        own.iter().fold(headers, |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        })
    }
}

fn cut(detail: &str) -> &str {
    &detail[..detail.floor_char_boundary(DETAIL_BYTES)]
}

impl From<SendFault> for ParkFault {
    fn from(fault: SendFault) -> Self {
        let refused = code(&fault.cause).is_some_and(|code| is_refusal(code) || must_be_repaired(code));
        let (detail, cause) = (fault.detail, Some(fault.cause.into()));
        if refused {
            Self::Refused { detail, cause }
        } else {
            Self::Retry { detail, cause }
        }
    }
}

#[async_trait]
impl DeadLetterQueue for KafkaDeadLetters {
    async fn park(&self, letters: &[DeadLetter]) -> Result<(), ParkFault> {
        let records = letters.iter().map(|letter| Outgoing {
            key: letter.record.key.as_deref(),
            value: letter.record.value.as_deref(),
            headers: self.headers(letter),
        });
        match timeout(self.limit, self.producer.send([records.collect()])).await {
            Ok(outcome) => Ok(outcome?),
            Err(elapsed) => {
                self.producer.purge().await;
                Err(ParkFault::Retry {
                    detail: format!(
                        "not acknowledged within {} s; waiting for the brokers to come back",
                        self.limit.as_secs_f32()
                    ),
                    cause: Some(elapsed.into()),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let detail = "ä".repeat(DETAIL_BYTES);
        assert_eq!(cut(&detail).len(), DETAIL_BYTES);
        assert_eq!(cut(&format!("x{detail}")).len(), DETAIL_BYTES - 1);
        assert_eq!(cut("short"), "short");
    }
}
