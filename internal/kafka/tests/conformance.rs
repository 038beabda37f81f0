//! The rules that every event source keeps.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use async_trait::async_trait;
use taskwire_conformance::source;
use taskwire_domain::{EventPublisher, EventSource, OutboxRecord};
use taskwire_kafka::KafkaPublisher;
use taskwire_testkit::Topics;

const PARTITIONS: i32 = 3;

struct Kafka(Topics);

#[async_trait(?Send)]
impl source::Backend for Kafka {
    const FEATURES: source::Features = source::Features {
        partitions: PARTITIONS,
    };

    async fn start() -> Self {
        Self(Topics::create(PARTITIONS).await)
    }

    async fn publish(&self, changes: &[source::Change]) {
        let events = changes.iter().map(|change| change.event.clone());
        let batch: Vec<OutboxRecord> = (0..)
            .zip(events)
            .map(|(id, event)| OutboxRecord { id, event })
            .collect();
        let publisher = KafkaPublisher::new(&support::kafka(&self.0));
        publisher.publish(&batch).await.unwrap();
    }

    async fn open(&self) -> Box<dyn EventSource> {
        support::start(&self.0)
    }
}

taskwire_conformance::source_suite!(Kafka);
