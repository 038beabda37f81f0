//! The command line: `rest-server [SETTINGS]` serves, `rest-server migrate` prepares the database and ends.

use std::ffi::OsString;
use std::net::SocketAddr;

use clap::Parser;
use taskwire_elasticsearch::{ElasticsearchSettings, SearchSettings, WalkSettings};
use taskwire_kafka::{KafkaSettings, TopicSettings};
use taskwire_postgres::{DatabaseUrl, PostgresSettings};
use taskwire_purge::PurgeSettings;
use taskwire_relay::RelaySettings;
use taskwire_rest::{RestConfig, listen_address};
use taskwire_telemetry::TelemetrySettings;

/// What the process was asked to do.
pub(crate) enum Command {
    /// Serve.
    Serve(Box<ServeSettings>),
    /// Bring the schema up to date and end.
    Migrate(Box<MigrateSettings>),
}

/// REST API of the task service on PostgreSQL and Elasticsearch, with the outbox relay to Kafka
///
/// `rest-server migrate` brings the database's schema up to date and ends; see `rest-server migrate --help`.
#[derive(Debug, Parser)]
#[command(name = "rest-server", version)]
pub(crate) struct ServeSettings {
    /// Where the API is served
    #[arg(
        long,
        env = "LISTEN_ADDR",
        default_value = "127.0.0.1:9234",
        value_parser = listen_address,
        value_name = "ADDRESS:PORT"
    )]
    pub(crate) listen_addr: SocketAddr,

    /// Bring the database's schema up to date at start; any number of servers may do so at once
    #[arg(long, env = "AUTO_MIGRATE", default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(crate) auto_migrate: bool,

    /// Create the topic of the events when it is missing
    #[arg(long, env = "CREATE_TOPICS", default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(crate) create_topics: bool,

    #[command(flatten)]
    pub(crate) rest: RestConfig,
    #[command(flatten)]
    pub(crate) postgres: PostgresSettings,
    #[command(flatten)]
    pub(crate) kafka: KafkaSettings,
    #[command(flatten)]
    pub(crate) topic: TopicSettings,
    #[command(flatten)]
    pub(crate) elasticsearch: ElasticsearchSettings,
    #[command(flatten)]
    pub(crate) search: SearchSettings,
    #[command(flatten)]
    pub(crate) walks: WalkSettings,
    #[command(flatten)]
    pub(crate) relay: RelaySettings,
    #[command(flatten)]
    pub(crate) purge: PurgeSettings,
    #[command(flatten)]
    pub(crate) telemetry: TelemetrySettings,
}

/// Bring the database's schema up to date and end
#[derive(Debug, Parser)]
#[command(name = "rest-server migrate", version)]
pub(crate) struct MigrateSettings {
    #[command(flatten)]
    postgres: PostgresSettings,
    #[command(flatten)]
    telemetry: TelemetrySettings,
}

impl MigrateSettings {
    pub(crate) fn database(&self) -> &DatabaseUrl {
        &self.postgres.url
    }
}

impl Command {
    /// Reads the command line and the environment; ends the process with 2 when a setting is wrong.
    pub(crate) fn from_command_line() -> Self {
        let mut arguments: Vec<OsString> = std::env::args_os().collect();
        // Not a clap subcommand: its parent's required settings would be asked for too.
        if arguments.get(1).is_some_and(|first| first == "migrate") {
            arguments.remove(1);
            return Self::Migrate(Box::new(MigrateSettings::parse_from(arguments)));
        }
        Self::Serve(Box::new(ServeSettings::parse_from(arguments)))
    }

    pub(crate) fn telemetry(&self) -> &TelemetrySettings {
        match self {
            Self::Serve(settings) => &settings.telemetry,
            Self::Migrate(settings) => &settings.telemetry,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_settings_do_not_contradict_one_another() {
        ServeSettings::command().debug_assert();
        MigrateSettings::command().debug_assert();
    }
}
