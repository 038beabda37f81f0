//! Settings of the relay.

use std::time::Duration;

/// The outbox relay.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Outbox relay")]
pub struct RelaySettings {
    /// Most events in one batch: read, published, acknowledged and deleted together
    #[arg(id = "relay_batch_size", long = "relay-batch-size", env = "RELAY_BATCH_SIZE", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "EVENTS")]
    pub batch_size: u32,

    /// How often an idle leader looks for events that other servers wrote, in milliseconds (its own writes wake
    /// it at once). It also keeps the leader's session alive, which the database ends after 15 s of silence
    #[arg(id = "relay_poll_ms", long = "relay-poll-ms", env = "RELAY_POLL_MS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=5_000), value_name = "MS")]
    pub poll_ms: u64,

    /// How often a relay that stands by tries to become the leader, in milliseconds
    #[arg(id = "relay_election_ms", long = "relay-election-ms", env = "RELAY_ELECTION_MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=60_000), value_name = "MS")]
    pub election_ms: u64,
}

impl RelaySettings {
    /// The wait of an idle leader.
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// The wait of one who stands by.
    pub fn election(&self) -> Duration {
        Duration::from_millis(self.election_ms)
    }
}
