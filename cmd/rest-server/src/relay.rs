//! The relay inside the server.

use std::sync::Arc;
use std::time::Duration;

use taskwire_domain::Chain;
use taskwire_kafka::{KafkaPublisher, KafkaSettings, TopicFault, TopicPlan, create_topic};
use taskwire_lifecycle::Lifecycle;
use taskwire_postgres::PostgresOutbox;
use tokio::sync::Notify;

use crate::settings::ServeSettings;

/// How long to wait before a topic that could not be created is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts it: first the topic, then the election. Neither holds up the API: writes gather in the outbox.
pub(crate) fn start(lifecycle: &mut Lifecycle, settings: &ServeSettings, written: Arc<Notify>) {
    let stopping = lifecycle.stopping();
    let outbox = Arc::new(PostgresOutbox::new(&settings.postgres.url));
    let publisher = Arc::new(KafkaPublisher::new(&settings.kafka));
    let (kafka, relay) = (settings.kafka.clone(), settings.relay.clone());
    let plan = settings
        .create_topics
        .then(|| TopicPlan::events(&settings.kafka, &settings.topic));
    lifecycle.spawn("relay", async move {
        if let Some(plan) = plan {
            tokio::select! {
                created = create_when_possible(&kafka, &plan) => created?,
                () = stopping.cancelled() => return Ok(()),
            }
        }
        taskwire_relay::run(outbox, publisher, written, relay, stopping).await;
        Ok(())
    });
}

async fn create_when_possible(kafka: &KafkaSettings, plan: &TopicPlan) -> Result<(), TopicFault> {
    loop {
        match create_topic(kafka, plan).await {
            Err(fault @ TopicFault::Unreachable { .. }) => {
                tracing::warn!(error = %Chain(&fault), retry.after_ms = PAUSE.as_millis(), "waiting for kafka");
                tokio::time::sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}
