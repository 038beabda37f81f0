//! The relay inside the server.

use std::sync::Arc;
use std::time::Duration;

use taskwire_domain::{Chain, EventPublisher, Outbox};
use taskwire_kafka::{KafkaPublisher, KafkaSettings, TopicFault, TopicPlan, create_topic};
use taskwire_lifecycle::Lifecycle;
use tokio::sync::Notify;

use crate::settings::ServeSettings;
use crate::storage;

/// How long to wait before a topic that could not be created is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The same after the brokers refused: somebody has to change something first.
const LONG_PAUSE: Duration = Duration::from_secs(30);

/// What it publishes with.
pub(crate) fn publisher(settings: &ServeSettings) -> KafkaPublisher {
    let publisher = KafkaPublisher::new(&settings.kafka);
    match plan(settings) {
        Some(plan) => publisher.creating(plan),
        None => publisher,
    }
}

/// The topic, if we may create it.
fn plan(settings: &ServeSettings) -> Option<TopicPlan> {
    settings
        .create_topics
        .then(|| TopicPlan::events(&settings.kafka, &settings.topic))
}

/// Starts it: first the schema, then the topic, then the election. None of it holds up the API: requests are 503 until
/// the schema is there, and then writes gather in the outbox.
pub(crate) fn start(
    lifecycle: &mut Lifecycle,
    settings: &ServeSettings,
    outbox: Arc<dyn Outbox>,
    publisher: Arc<dyn EventPublisher>,
    written: Arc<Notify>,
) {
    let stopping = lifecycle.stopping();
    let (database, auto_migrate) = (settings.postgres.url.clone(), settings.auto_migrate);
    let (kafka, relay) = (settings.kafka.clone(), settings.relay.clone());
    let plan = plan(settings);
    lifecycle.spawn("relay", async move {
        let prepared = async {
            storage::prepare(&database, auto_migrate).await?;
            if let Some(plan) = plan {
                create_when_possible(&kafka, &plan).await;
            }
            anyhow::Ok(())
        };
        tokio::select! {
            prepared = prepared => prepared?,
            () = stopping.cancelled() => return Ok(()),
        }
        taskwire_relay::run(outbox, publisher, written, relay, stopping).await;
        Ok(())
    });
}

/// Returns when the topic exists. A broker's refusal is not a reason to end the API, and may end by itself: a new topic
/// is refused while a broker is down that one of its copies would be on.
async fn create_when_possible(kafka: &KafkaSettings, plan: &TopicPlan) {
    loop {
        let pause = match create_topic(kafka, plan).await {
            Ok(()) => return,
            Err(fault @ TopicFault::Unreachable { .. }) => {
                tracing::warn!(error = %Chain(&fault), retry.after_ms = PAUSE.as_millis(), "waiting for kafka");
                PAUSE
            }
            Err(fault @ TopicFault::Refused { .. }) => {
                tracing::error!(error = %Chain(&fault), retry.after_ms = LONG_PAUSE.as_millis(), "no event is published before the topic exists");
                LONG_PAUSE
            }
        };
        tokio::time::sleep(pause).await;
    }
}
