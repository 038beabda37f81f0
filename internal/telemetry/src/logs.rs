//! Where log records go.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{LogFormat, TelemetrySettings};

/// Sends log records to standard error from now on. Standard output stays free for what a command prints.
///
/// # Errors
/// When the filter cannot be read or logs were started before.
pub fn start_logs(settings: &TelemetrySettings) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(&settings.log_filter).context("the log filter (RUST_LOG) cannot be read")?;
    let terminal = std::io::stderr().is_terminal();
    let format = settings.log_format.unwrap_or(if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            let lines = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(terminal);
            registry.with(lines).try_init()
        }
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(std::io::stderr);
            registry.with(lines).try_init()
        }
    }
    .context("logs were started before")
}
