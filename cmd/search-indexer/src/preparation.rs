//! What has to be there before the first record is read: the index and the dead-letter queue.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use taskwire_domain::{Chain, IndexFault};
use taskwire_elasticsearch::{Client, Generation, ensure_generation};
use taskwire_kafka::{TopicFault, TopicPlan, create_topic};

use crate::settings::Settings;

/// Makes sure of both, waiting for engines that are away; safe when several daemons start at once.
pub(crate) async fn prepare(settings: &Settings, client: &Client) -> anyhow::Result<Generation> {
    let generation = generation(settings, client).await?;
    dead_letter_queue(settings).await?;
    Ok(generation)
}

async fn generation(settings: &Settings, client: &Client) -> Result<Generation, IndexFault> {
    for pause in pauses() {
        match ensure_generation(client, &settings.elasticsearch.index, &settings.index).await {
            Err(fault @ IndexFault::Retry { .. }) => wait(&fault, pause, "waiting for elasticsearch").await,
            other => return other,
        }
    }
    unreachable!("the pauses have no end")
}

async fn dead_letter_queue(settings: &Settings) -> Result<(), TopicFault> {
    let plan = TopicPlan::dead_letters(&settings.consumer);
    for pause in pauses() {
        match create_topic(&settings.kafka, &plan).await {
            Err(fault @ TopicFault::Unreachable { .. }) => wait(&fault, pause, "waiting for kafka").await,
            other => return other,
        }
    }
    unreachable!("the pauses have no end")
}

async fn wait(fault: &dyn std::error::Error, pause: Duration, message: &'static str) {
    tracing::warn!(error = %Chain(fault), retry.after_ms = pause.as_millis(), message);
    tokio::time::sleep(pause).await;
}

/// 100 ms, doubled every time, up to five seconds, without an end.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times()
        .build()
}
