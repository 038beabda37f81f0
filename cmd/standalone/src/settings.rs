//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use taskwire_dispatch::DispatchSettings;
use taskwire_purge::PurgeSettings;
use taskwire_rest::{RestConfig, listen_address};
use taskwire_sqlite::SqliteSettings;
use taskwire_telemetry::TelemetrySettings;

/// The whole task service in one process: REST API, database and search, with nothing to install
#[derive(Debug, Parser)]
#[command(name = "taskwire", version)]
pub(crate) struct Settings {
    /// Where the API and its documentation are served
    #[arg(
        long,
        env = "LISTEN_ADDR",
        default_value = "127.0.0.1:9234",
        value_parser = listen_address,
        value_name = "ADDRESS:PORT"
    )]
    pub(crate) listen: SocketAddr,

    /// The folder that holds everything; made if it is not there
    #[arg(
        long,
        env = "TASKWIRE_DATA_DIR",
        default_value = "./taskwire-data",
        value_name = "FOLDER"
    )]
    pub(crate) data_dir: PathBuf,

    /// Fill an empty database with a few dozen tasks to look at
    #[arg(long)]
    pub(crate) demo: bool,

    #[command(flatten)]
    pub(crate) rest: RestConfig,
    #[command(flatten)]
    pub(crate) sqlite: SqliteSettings,
    #[command(flatten)]
    pub(crate) dispatch: DispatchSettings,
    #[command(flatten)]
    pub(crate) purge: PurgeSettings,
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
