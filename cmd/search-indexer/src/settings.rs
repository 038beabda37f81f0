//! The command line.

use clap::Parser;
use taskwire_dispatch::DispatchSettings;
use taskwire_elasticsearch::{ElasticsearchSettings, IndexSettings, SearchSettings};
use taskwire_kafka::{ConsumerSettings, KafkaSettings};
use taskwire_telemetry::TelemetrySettings;

/// Daemon that keeps the Elasticsearch index of tasks equal to the database by reading task events from Kafka
#[derive(Debug, Parser)]
#[command(name = "search-indexer", version)]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) kafka: KafkaSettings,
    #[command(flatten)]
    pub(crate) consumer: ConsumerSettings,
    #[command(flatten)]
    pub(crate) elasticsearch: ElasticsearchSettings,
    #[command(flatten)]
    pub(crate) index: IndexSettings,
    #[command(flatten)]
    pub(crate) search: SearchSettings,
    #[command(flatten)]
    pub(crate) dispatch: DispatchSettings,
    #[command(flatten)]
    pub(crate) telemetry: TelemetrySettings,
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
