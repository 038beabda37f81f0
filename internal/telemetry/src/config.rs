//! Settings for logs and metrics.

use std::net::SocketAddr;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people: one line a record, coloured on a terminal.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Logs and metrics.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Logs and metrics")]
pub struct TelemetrySettings {
    /// Which log records to keep, as in `info,taskwire_relay=debug`
    #[arg(id = "telemetry_log_filter", long = "log-filter", env = "RUST_LOG", default_value = "info,opentelemetry=warn", value_parser = parse_filter, value_name = "FILTER")]
    pub log_filter: String,

    /// How log lines are written; unset: text on a terminal, json otherwise
    #[arg(
        id = "telemetry_log_format",
        long = "log-format",
        env = "LOG_FORMAT",
        value_name = "FORMAT"
    )]
    pub log_format: Option<LogFormat>,

    /// Where Prometheus metrics and the process's own health are served; unset: nowhere
    #[arg(
        id = "telemetry_metrics_addr",
        long = "metrics-addr",
        env = "METRICS_ADDR",
        value_name = "ADDRESS:PORT"
    )]
    pub metrics_addr: Option<SocketAddr>,
}

fn parse_filter(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        telemetry: TelemetrySettings,
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused_when_settings_are_read() {
        assert!(
            Program::try_parse_from(["program", "--log-filter", "info,taskwire_relay=nonsense"]).is_err()
        );
        let read = Program::try_parse_from([
            "program",
            "--log-filter",
            "warn",
            "--metrics-addr",
            "127.0.0.1:9100",
        ]);
        let telemetry = read.ok().unwrap().telemetry;
        assert_eq!(
            (telemetry.log_filter.as_str(), telemetry.log_format),
            ("warn", None)
        );
        assert_eq!(telemetry.metrics_addr.unwrap().port(), 9100);
    }
}
