//! `rest-server`: the REST API on PostgreSQL and Elasticsearch, and the outbox relay to Kafka.
//!
//! It is a library so that a test's own program can be this one with a port exchanged; `main.rs` exchanges none. It
//! wires and decides nothing.

mod backlog;
mod ports;
mod relay;
mod search_server;
mod serve;
mod settings;
mod storage;
mod upkeep;

use std::process::ExitCode;

use taskwire_telemetry::start_logs;

pub use ports::Ports;

use settings::Command;

/// The whole program, with the ports that `rewire` makes of the real ones.
pub async fn run_from_command_line(rewire: impl FnOnce(Ports) -> Ports) -> ExitCode {
    let command = Command::from_command_line();
    if let Err(error) = start_logs(command.telemetry()) {
        return fail_unlogged(&error);
    }
    let outcome = match command {
        Command::Migrate(settings) => storage::migrate(settings.database())
            .await
            .map(|()| ExitCode::SUCCESS),
        Command::Serve(settings) => serve::serve(*settings, rewire).await,
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
