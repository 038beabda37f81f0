//! What the consume loop measures.

use opentelemetry::metrics::{Counter, Gauge, Histogram};

/// The consume loop's instruments.
pub(crate) struct DispatchMetrics {
    /// Operations answered with done.
    pub(crate) applied: Counter<u64>,
    /// Records in the dead-letter queue.
    pub(crate) parked: Counter<u64>,
    /// Batches, or parts of them, that have to be applied or parked again.
    pub(crate) retries: Counter<u64>,
    /// Operations in a batch.
    pub(crate) batch: Histogram<u64>,
    /// 1 while reading is paused, by trouble or because enough is read ahead.
    pub(crate) paused: Gauge<u64>,
}

impl DispatchMetrics {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("taskwire-dispatch");
        let counter = |name, text| meter.u64_counter(name).with_description(text).build();
        Self {
            applied: counter("taskwire.consumer.applied", "operations applied"),
            parked: counter(
                "taskwire.consumer.parked",
                "records parked in the dead-letter queue",
            ),
            retries: counter(
                "taskwire.consumer.retries",
                "batches that had to be applied or parked again",
            ),
            batch: meter
                .u64_histogram("taskwire.consumer.batch")
                .with_description("operations in a batch")
                .build(),
            paused: meter
                .u64_gauge("taskwire.consumer.paused")
                .with_description("1 while reading is paused")
                .build(),
        }
    }
}
