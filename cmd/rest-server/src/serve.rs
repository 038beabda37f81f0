//! Wires the server and runs it until it is stopped.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use taskwire_domain::{SystemClock, SystemIds};
use taskwire_elasticsearch::{Client, ElasticsearchSearch};
use taskwire_kafka::KafkaHealth;
use taskwire_lifecycle::Lifecycle;
use taskwire_postgres::{OutboxBound, PostgresHealth, PostgresOutbox, PostgresPool, PostgresTasks};
use taskwire_rest::{AppState, Readiness, listen, router, serve as answer, serve_operations};
use taskwire_service::{TaskService, keep_forgetting_keys};
use taskwire_telemetry::{Metrics, start_metrics};
use tokio::sync::Notify;

use crate::settings::ServeSettings;
use crate::{Ports, backlog, relay, search_server, upkeep};

/// How long requests in progress and the relay's batch may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until a signal comes.
pub(crate) async fn serve(
    settings: ServeSettings,
    rewire: impl FnOnce(Ports) -> Ports,
) -> anyhow::Result<ExitCode> {
    let mut lifecycle = Lifecycle::new()?;
    let metrics = start_metrics()?;
    let listener = listen(settings.listen_addr, "LISTEN_ADDR").await?;

    let written = Arc::new(Notify::new());
    let pool = PostgresPool::new(&settings.postgres);
    let bound = Arc::new(OutboxBound::new(settings.postgres.outbox_limit));
    let tasks = PostgresTasks::new(pool.clone(), written.clone()).bounded_by(bound.clone());
    let tasks = Arc::new(tasks);
    let client = Client::new(&settings.elasticsearch)?;
    let search = Arc::new(searches(&settings, client.clone()));
    search_server::start_check(&mut lifecycle, client.clone());
    let searched = upkeep::start(&mut lifecycle, &settings, pool.clone(), client, search.clone())?;
    let kafka = Arc::new(KafkaHealth::new(&settings.kafka).context("the Kafka client cannot be made")?);
    let readiness = Readiness::new(
        vec![Arc::new(PostgresHealth::new(pool))],
        vec![kafka, searched, bound.clone()],
    );
    let readiness = Arc::new(readiness);
    let ports = rewire(Ports {
        tasks: tasks.clone(),
        search,
        outbox: Arc::new(PostgresOutbox::new(&settings.postgres.url)),
        publisher: Arc::new(relay::publisher(&settings)),
    });
    let service = TaskService::new(
        ports.tasks,
        ports.search,
        Arc::new(SystemClock),
        Arc::new(SystemIds),
    );
    let service = Arc::new(service);
    let state = AppState {
        tasks: service.clone(),
        readiness: readiness.clone(),
        config: Arc::new(settings.rest.clone()),
    };

    if let Some(address) = settings.telemetry.metrics_addr {
        let listener = listen(address, "METRICS_ADDR").await?;
        let render = move || Ok(metrics.render()?);
        let stopped = lifecycle.stopping().cancelled_owned();
        lifecycle.spawn("metrics", async move {
            serve_operations(listener, readiness, Metrics::CONTENT_TYPE, render, stopped).await;
            Ok(())
        });
    }
    let stopping = lifecycle.stopping();
    tracing::info!(server.address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "listening");
    let max_connections = settings.rest.max_connections;
    lifecycle.spawn("http", async move {
        answer(
            listener,
            router(state),
            max_connections,
            stopping.cancelled_owned(),
        )
        .await;
        Ok(())
    });
    relay::start(&mut lifecycle, &settings, ports.outbox, ports.publisher, written);
    backlog::start(&mut lifecycle, tasks, bound);
    let stopping = lifecycle.stopping();
    lifecycle.spawn("expired keys", async move {
        keep_forgetting_keys(service, stopping).await;
        Ok(())
    });
    Ok(lifecycle.run_until_stopped(DRAIN).await)
}

/// Searches as the settings want them.
fn searches(settings: &ServeSettings, client: Client) -> ElasticsearchSearch {
    let index = settings.elasticsearch.index.clone();
    ElasticsearchSearch::new(client, index, &settings.search).walking_by(&settings.walks)
}
