//! The daemon that reads task events from Kafka and keeps the Elasticsearch index equal to the database: its wiring and
//! nothing else. It must decide nothing about records; [`taskwire_dispatch`] does.
//!
//! It is a library so that a test can run the very same wiring with a port of its own in front of an adapter.

mod assignment;
mod lag;
mod preparation;
mod settings;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use taskwire_domain::{DeadLetterQueue, EventSource, SystemClock, TaskIndex};
use taskwire_elasticsearch::{Client, ElasticsearchIndex, ElasticsearchSearch, Generation};
use taskwire_indexer::{TaskSink, handlers};
use taskwire_kafka::{KafkaDeadLetters, KafkaHealth, KafkaSource, ReaderLimits};
use taskwire_lifecycle::Lifecycle;
use taskwire_rest::{Readiness, listen, serve_operations};
use taskwire_telemetry::{Metrics, start_logs, start_metrics};

pub use settings::Settings;

use assignment::Assignment;

/// How long the batch in flight, the last commit and leaving the group may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(45);

/// What the consume loop works with.
pub struct Ports {
    /// Where records come from.
    pub source: Box<dyn EventSource>,
    /// Where operations go.
    pub index: Arc<dyn TaskIndex>,
    /// Where records go that can never be applied.
    pub dead_letters: Arc<dyn DeadLetterQueue>,
}

/// The whole program, from the command line to the exit code. `arrange` is given the adapters once both engines were
/// reached, with the index they are for; what it returns is used. The program itself returns them as they are.
pub async fn program(arrange: impl FnOnce(&Settings, &Generation, Ports) -> Ports) -> ExitCode {
    let settings = Settings::parse();
    if let Err(error) = start_logs(&settings.telemetry) {
        return fail_unlogged(&error);
    }
    run(settings, arrange).await.unwrap_or_else(|error| {
        tracing::error!(error = format!("{error:#}"), "search-indexer cannot go on");
        ExitCode::FAILURE
    })
}

#[allow(clippy::print_stderr, reason = "there are no logs to say it in")]
fn fail_unlogged(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

async fn run(
    settings: Settings,
    arrange: impl FnOnce(&Settings, &Generation, Ports) -> Ports,
) -> anyhow::Result<ExitCode> {
    let mut lifecycle = Lifecycle::new()?;
    let metrics = start_metrics()?;
    let client = Client::new(&settings.elasticsearch)?;
    let assignment = Arc::new(Assignment::default());
    if let Some(address) = settings.telemetry.metrics_addr {
        let readiness = readiness(&settings, client.clone(), assignment.clone())?;
        start_operations(&mut lifecycle, readiness, address, metrics).await?;
    }

    let prepared = preparation::prepare(&settings, &client);
    let Some(prepared) = lifecycle.start_up(prepared).await else {
        return Ok(ExitCode::SUCCESS);
    };
    let generation = prepared?;

    let ports = connect(&settings, client, &generation, &assignment)?;
    consume(&mut lifecycle, &settings, arrange(&settings, &generation, ports));
    Ok(lifecycle.run_until_stopped(DRAIN).await)
}

/// The adapters, reading in the generation's own group and writing into the generation.
fn connect(
    settings: &Settings,
    client: Client,
    generation: &Generation,
    assignment: &Assignment,
) -> anyhow::Result<Ports> {
    let group = format!("{}.{}", settings.consumer.kafka_group, generation.group);
    tracing::info!(
        index.name = generation.name,
        kafka.group = group,
        version = env!("CARGO_PKG_VERSION"),
        "starting"
    );
    let source = KafkaSource::start(&settings.kafka, &group, ReaderLimits::default())?;
    assignment.follow(source.lag());
    lag::publish(source.lag());
    let index = ElasticsearchIndex::new(client, generation, &settings.index);
    let dead_letters = KafkaDeadLetters::new(&settings.kafka, &settings.consumer, Arc::new(SystemClock));
    Ok(Ports {
        source: Box::new(source),
        index: Arc::new(index),
        dead_letters: Arc::new(dead_letters),
    })
}

fn consume(lifecycle: &mut Lifecycle, settings: &Settings, ports: Ports) {
    let (dispatch, stopping) = (settings.dispatch.clone(), lifecycle.stopping());
    let sink = Arc::new(TaskSink::new(ports.index));
    lifecycle.spawn("consumer", async move {
        taskwire_dispatch::run(
            ports.source,
            handlers(),
            sink,
            ports.dead_letters,
            dispatch,
            stopping,
        )
        .await?;
        Ok(())
    });
}

/// Nothing is required: both engines are waited out, so a daemon without one, or without partitions yet, is
/// degraded, not broken.
fn readiness(settings: &Settings, client: Client, assignment: Arc<Assignment>) -> anyhow::Result<Readiness> {
    let kafka = KafkaHealth::new(&settings.kafka).context("the Kafka client cannot be made")?;
    let search = ElasticsearchSearch::new(client, settings.elasticsearch.index.clone(), &settings.search);
    Ok(Readiness::new(
        Vec::new(),
        vec![Arc::new(kafka), Arc::new(search), assignment],
    ))
}

/// Serves metrics and health from the first moment, so that a daemon that waits can be seen waiting.
async fn start_operations(
    lifecycle: &mut Lifecycle,
    readiness: Readiness,
    address: SocketAddr,
    metrics: Metrics,
) -> anyhow::Result<()> {
    let listener = listen(address, "METRICS_ADDR").await?;
    let render = move || Ok(metrics.render()?);
    let stopped = lifecycle.stopping().cancelled_owned();
    lifecycle.spawn("metrics", async move {
        serve_operations(
            listener,
            Arc::new(readiness),
            Metrics::CONTENT_TYPE,
            render,
            stopped,
        )
        .await;
        Ok(())
    });
    Ok(())
}
