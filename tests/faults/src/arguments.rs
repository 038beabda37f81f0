//! The command line. `cargo xtask faults` fills in where the engines are.

use std::path::PathBuf;
use std::time::Duration;

use crate::directed::Course;

/// Faults in a running Taskwire, and a judge.
#[derive(Debug, Clone, clap::Parser)]
pub(crate) struct Arguments {
    /// What decides on faults and writes; a random one by default
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// For how long there is load
    #[arg(long, default_value_t = 20.0)]
    pub(crate) minutes: f64,
    /// After how many faults the load ends, instead of after a time
    #[arg(long)]
    pub(crate) faults: Option<usize>,
    /// Writes a second
    #[arg(long, default_value_t = 60.0)]
    pub(crate) rate: f64,
    /// The chosen courses of events instead of random faults: those named, or all
    #[arg(long, value_enum, num_args = 0.., value_delimiter = ',')]
    pub(crate) directed: Option<Vec<Course>>,
    /// The program that serves the API; the one beside this program by default
    #[arg(long)]
    pub(crate) rest_server: Option<PathBuf>,
    /// The program that keeps the index; the one beside this program by default
    #[arg(long)]
    pub(crate) search_indexer: Option<PathBuf>,
    /// A further setting of both
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) env: Vec<(String, String)>,
    /// Where reports and logs go, one folder a seed
    #[arg(long, default_value = "target/faults")]
    pub(crate) folder: PathBuf,
    /// PostgreSQL
    #[arg(long, env = "DATABASE_URL")]
    pub(crate) database_url: String,
    /// Kafka
    #[arg(long, env = "KAFKA_BROKERS")]
    pub(crate) kafka_brokers: String,
    /// Further ways into Kafka, each the listener's port and the one that it tells its clients to come by
    #[arg(long, env = "TASKWIRE_KAFKA_WAYS", value_delimiter = ',', value_parser = way)]
    pub(crate) kafka_ways: Vec<(u16, u16)>,
    /// Elasticsearch
    #[arg(long, env = "ELASTICSEARCH_URL")]
    pub(crate) elasticsearch_url: String,
    /// The tool that stops and starts the engines
    #[arg(long, env = "TASKWIRE_XTASK")]
    pub(crate) xtask: PathBuf,
}

impl Arguments {
    pub(crate) fn load_time(&self) -> Duration {
        match self.faults {
            // Far more than any number of faults takes.
            Some(_) => Duration::from_secs(24 * 3600),
            None => Duration::from_secs_f64(self.minutes * 60.0),
        }
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn way(text: &str) -> Result<(u16, u16), String> {
    let ports = text
        .split_once(':')
        .and_then(|(listener, advertised)| Some((listener.parse().ok()?, advertised.parse().ok()?)));
    ports.ok_or_else(|| format!("`{text}` is not port:port"))
}
