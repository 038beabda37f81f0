//! `taskwire`: the whole service in one process, on SQLite and tantivy, with nothing to install.

mod demo;
mod indexing;
mod pace;
mod reconciliation;
mod settings;
mod welcome;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use taskwire_domain::{SystemClock, SystemIds};
use taskwire_lifecycle::Lifecycle;
use taskwire_rest::{AppState, Readiness, listen, router, serve, serve_operations};
use taskwire_service::{TaskService, keep_forgetting_keys};
use taskwire_sqlite::{SqliteDatabase, SqliteHealth, SqliteTasks};
use taskwire_tantivy::TantivyIndex;
use taskwire_telemetry::{Metrics, start_logs, start_metrics};
use tokio::net::TcpListener;

use indexing::Indexing;
use settings::Settings;

/// How long requests in progress and the batch in hand may take after Ctrl-C.
const DRAIN: Duration = Duration::from_secs(10);

/// How long the requests among them may take. None needs so long by itself: one that does waits for its caller, who may
/// be sending a body and never finish.
const REQUESTS_DRAIN: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    let outcome = match start_logs(&settings.telemetry) {
        Ok(()) => run(settings).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| say(&error))
}

/// One clear sentence on the terminal, whatever the log's filter and format are.
#[allow(clippy::print_stderr, reason = "it is meant for the person at the terminal")]
fn say(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let lifecycle = Lifecycle::new()?;
    let metrics = start_metrics()?;
    let listener = listen(settings.listen, "--listen").await?;
    let database = open_database(&settings).await?;
    let outcome = run_on(&database, settings, lifecycle, metrics, listener).await;
    // Also when the rest could not start: SQLite leaves files of its own beside a database that was not closed.
    database.close().await;
    outcome
}

async fn run_on(
    database: &SqliteDatabase,
    settings: Settings,
    mut lifecycle: Lifecycle,
    metrics: Metrics,
    listener: TcpListener,
) -> anyhow::Result<ExitCode> {
    let opened = TantivyIndex::open(&settings.data_dir.join("index")).await?;

    let tasks = Arc::new(SqliteTasks::new(database.clone()));
    let search = Arc::new(opened.index.clone());
    let service = TaskService::new(tasks, search.clone(), Arc::new(SystemClock), Arc::new(SystemIds));
    let service = Arc::new(service);
    if settings.demo {
        demo::fill(&service, database).await?;
    }
    let indexing = Indexing::prepare(database, opened).await?;
    let health = Arc::new(SqliteHealth::new(database.clone()));
    let readiness = Arc::new(Readiness::new(vec![health], vec![search]));
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
    let address = listener.local_addr()?;
    let stopping = lifecycle.stopping();
    let max_connections = settings.rest.max_connections;
    lifecycle.spawn("http", async move {
        let stopped = stopping.clone().cancelled_owned();
        let serving = serve(listener, router(state), max_connections, stopped);
        let patience = async {
            stopping.cancelled().await;
            tokio::time::sleep(REQUESTS_DRAIN).await;
        };
        tokio::select! {
            () = serving => {}
            // Closes every connection there still is.
            () = patience => {}
        }
        Ok(())
    });
    tracing::info!(server.address = %address, version = env!("CARGO_PKG_VERSION"), "listening");
    let stopping = lifecycle.stopping();
    lifecycle.spawn("expired keys", async move {
        keep_forgetting_keys(service, stopping).await;
        Ok(())
    });
    welcome::print(address, &settings.data_dir);
    indexing.start(
        &mut lifecycle,
        database.clone(),
        settings.dispatch,
        settings.purge,
    );
    Ok(lifecycle.run_until_stopped(DRAIN).await)
}

async fn open_database(settings: &Settings) -> anyhow::Result<SqliteDatabase> {
    let (folder, sqlite) = (settings.data_dir.clone(), settings.sqlite.clone());
    let opened = tokio::task::spawn_blocking(move || SqliteDatabase::open(&folder, &sqlite)).await?;
    Ok(opened?)
}
