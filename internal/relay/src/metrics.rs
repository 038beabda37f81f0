//! What the relay measures.

use opentelemetry::metrics::{Counter, Gauge};

/// The relay's instruments.
pub(crate) struct RelayMetrics {
    /// Events acknowledged by the broker and deleted from the outbox.
    pub(crate) published: Counter<u64>,
    /// Batches that the broker did not take and that are published again.
    pub(crate) failures: Counter<u64>,
    /// 1 while this process leads.
    pub(crate) leader: Gauge<u64>,
    /// Tasks whose events are held back because the broker refuses one of them.
    pub(crate) set_aside: Gauge<u64>,
}

impl RelayMetrics {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("taskwire-relay");
        let published = meter
            .u64_counter("taskwire.relay.published")
            .with_description("events published")
            .build();
        let failures = meter
            .u64_counter("taskwire.relay.failures")
            .with_description("batches not taken by the broker")
            .build();
        let leader = meter
            .u64_gauge("taskwire.relay.leader")
            .with_description("1 while this process leads")
            .build();
        let set_aside = meter
            .u64_gauge("taskwire.relay.set_aside")
            .with_description("tasks held back because the broker refuses an event of theirs")
            .build();
        // From the start: a process that never leads is a 0, not an absence.
        leader.record(0, &[]);
        Self {
            published,
            failures,
            leader,
            set_aside,
        }
    }
}
