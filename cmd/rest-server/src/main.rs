//! `rest-server`: the REST API on PostgreSQL and Elasticsearch, and the outbox relay to Kafka.

mod backlog;
mod relay;
mod settings;
mod storage;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use taskwire_domain::{SystemClock, SystemIds};
use taskwire_elasticsearch::{Client, ElasticsearchSearch};
use taskwire_kafka::KafkaHealth;
use taskwire_lifecycle::Lifecycle;
use taskwire_postgres::{PostgresHealth, PostgresPool, PostgresTasks};
use taskwire_rest::{AppState, OPERATORS_CONNECTIONS, Readiness, operations_router, router, serve};
use taskwire_service::{TaskService, keep_forgetting_keys};
use taskwire_telemetry::{Metrics, start_logs, start_metrics};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use settings::{Command, ServeSettings};

/// How long requests in progress and the relay's batch may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::from_command_line();
    if let Err(error) = start_logs(command.telemetry()) {
        return fail_unlogged(&error);
    }
    let outcome = match command {
        Command::Migrate(settings) => storage::migrate(settings.database())
            .await
            .map(|()| ExitCode::SUCCESS),
        Command::Serve(settings) => run(*settings).await,
    };
    outcome.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &anyhow::Error) -> ExitCode {
    tracing::error!(error = format!("{error:#}"), "rest-server cannot go on");
    ExitCode::FAILURE
}

#[allow(clippy::print_stderr, reason = "there are no logs to say it in")]
fn fail_unlogged(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

async fn run(settings: ServeSettings) -> anyhow::Result<ExitCode> {
    let mut lifecycle = Lifecycle::new()?;
    let metrics = start_metrics()?;
    let listener = listen(settings.listen_addr, "LISTEN_ADDR").await?;

    let written = Arc::new(Notify::new());
    let pool = PostgresPool::new(&settings.postgres);
    let tasks = Arc::new(PostgresTasks::new(pool.clone(), written.clone()));
    let client = Client::new(&settings.elasticsearch)?;
    let index = settings.elasticsearch.index.clone();
    let search = Arc::new(ElasticsearchSearch::new(client, index, &settings.search));
    let kafka = Arc::new(KafkaHealth::new(&settings.kafka).context("the Kafka client cannot be made")?);
    let readiness = Readiness::new(
        vec![Arc::new(PostgresHealth::new(pool))],
        vec![kafka, search.clone()],
    );
    let readiness = Arc::new(readiness);
    let service = TaskService::new(tasks.clone(), search, Arc::new(SystemClock), Arc::new(SystemIds));
    let service = Arc::new(service);
    let state = AppState {
        tasks: service.clone(),
        readiness: readiness.clone(),
        config: Arc::new(settings.rest.clone()),
    };

    if let Some(address) = settings.telemetry.metrics_addr {
        let listener = listen(address, "METRICS_ADDR").await?;
        let router = operations_router(readiness, Metrics::CONTENT_TYPE, move || Ok(metrics.render()?));
        let stopping = lifecycle.stopping();
        tracing::info!(metrics.address = %listener.local_addr()?, "serving metrics");
        lifecycle.spawn("metrics", async move {
            serve(
                listener,
                router,
                OPERATORS_CONNECTIONS,
                stopping.cancelled_owned(),
            )
            .await;
            Ok(())
        });
    }
    let stopping = lifecycle.stopping();
    tracing::info!(server.address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "listening");
    let max_connections = settings.rest.max_connections;
    lifecycle.spawn("http", async move {
        serve(
            listener,
            router(state),
            max_connections,
            stopping.cancelled_owned(),
        )
        .await;
        Ok(())
    });
    relay::start(&mut lifecycle, &settings, written);
    backlog::start(&mut lifecycle, tasks);
    let stopping = lifecycle.stopping();
    lifecycle.spawn("expired keys", async move {
        keep_forgetting_keys(service, stopping).await;
        Ok(())
    });
    Ok(lifecycle.run_until_stopped(DRAIN).await)
}

async fn listen(address: std::net::SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| {
        format!("the address {address} cannot be listened on: choose another with {setting}")
    })
}
