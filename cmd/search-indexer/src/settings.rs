//! The command line.

use clap::Parser;
use taskwire_dispatch::DispatchSettings;
use taskwire_elasticsearch::{ElasticsearchSettings, IndexSettings, SearchSettings};
use taskwire_kafka::{ConsumerSettings, KafkaSettings};
use taskwire_telemetry::TelemetrySettings;

/// Daemon that keeps the Elasticsearch index of tasks equal to the database by reading task events from Kafka
#[derive(Debug, Parser)]
#[command(name = "search-indexer", version)]
#[allow(missing_docs, reason = "each field's type says what it is for")]
pub struct Settings {
    #[command(flatten)]
    pub kafka: KafkaSettings,
    #[command(flatten)]
    pub consumer: ConsumerSettings,
    #[command(flatten)]
    pub elasticsearch: ElasticsearchSettings,
    #[command(flatten)]
    pub index: IndexSettings,
    #[command(flatten)]
    pub search: SearchSettings,
    #[command(flatten)]
    pub dispatch: DispatchSettings,
    #[command(flatten)]
    pub telemetry: TelemetrySettings,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_settings_do_not_contradict_one_another() {
        Settings::command().debug_assert();
    }
}
