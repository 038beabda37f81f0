//! What is measured of bulk requests.

use opentelemetry::metrics::{Counter, Gauge};

/// The instruments.
#[derive(Debug, Clone)]
pub(crate) struct BulkMetrics {
    /// Requests sent.
    pub(crate) requests: Counter<u64>,
    /// Operations that have to be sent again.
    pub(crate) retries: Counter<u64>,
    /// Requests that were refused as a whole and sent again in halves.
    pub(crate) splits: Counter<u64>,
    /// Requests on their way.
    pub(crate) in_flight: Gauge<u64>,
    /// Most bytes of requests that may be on their way.
    pub(crate) window: Gauge<u64>,
}

impl BulkMetrics {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("taskwire-elasticsearch");
        let counter = |name, text| meter.u64_counter(name).with_description(text).build();
        let gauge = |name, text| meter.u64_gauge(name).with_description(text).build();
        Self {
            requests: counter("taskwire.bulk.requests", "bulk requests sent to the index"),
            retries: counter(
                "taskwire.bulk.retries",
                "operations that have to be sent to the index again",
            ),
            splits: counter(
                "taskwire.bulk.splits",
                "bulk requests that were refused as a whole and sent again in halves",
            ),
            in_flight: gauge("taskwire.bulk.in_flight", "bulk requests on their way"),
            window: gauge(
                "taskwire.bulk.window_bytes",
                "most bytes of bulk requests that may be on their way",
            ),
        }
    }
}
