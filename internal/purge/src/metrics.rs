//! What the purge measures.

use opentelemetry::metrics::{Counter, Gauge};

/// Its instruments.
pub(crate) struct PurgeMetrics {
    /// Deletions that are kept.
    pub(crate) kept: Gauge<u64>,
    /// Tombstones that this process took away.
    pub(crate) purged: Counter<u64>,
}

impl PurgeMetrics {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("taskwire-purge");
        let kept = meter
            .u64_gauge("taskwire.tombstones.kept")
            .with_description("deleted tasks whose tombstones are kept")
            .build();
        let purged = meter
            .u64_counter("taskwire.tombstones.purged")
            .with_description("tombstones taken away")
            .build();
        // From the start, so that an alert on its growth has something to grow from.
        purged.add(0, &[]);
        Self { kept, purged }
    }
}
