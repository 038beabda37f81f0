//! Logs and metrics: what an operator sees of a process.
//!
//! Libraries write logs with `tracing` and count with OpenTelemetry's global meter; this crate decides, once per
//! process, where both go: logs to standard error, metrics to a Prometheus endpoint.
//!
//! This crate must not know what is logged or counted.

mod config;
mod logs;
mod metrics;

pub use config::{LogFormat, TelemetrySettings};
pub use logs::start_logs;
pub use metrics::{Metrics, start_metrics};
