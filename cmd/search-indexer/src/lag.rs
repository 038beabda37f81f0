//! How far the daemon is behind, for the metrics.

use opentelemetry::KeyValue;
use taskwire_kafka::LagSnapshot;

/// Shows the lag of each partition that this process reads.
pub(crate) fn publish(lag: LagSnapshot) {
    opentelemetry::global::meter("taskwire-search-indexer")
        .i64_observable_gauge("taskwire.consumer.lag")
        .with_description("records written and not yet applied, by partition")
        .with_callback(move |observer| {
            for partition in lag.partitions() {
                observer.observe(
                    partition.records(),
                    &[KeyValue::new("partition", i64::from(partition.partition.0))],
                );
            }
        })
        .build();
}
