//! Settings of the purge.

/// How long tombstones are kept.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Purge of tombstones")]
pub struct PurgeSettings {
    /// For how many days a tombstone is kept at least. With Kafka it then stays until every record that the topic held is
    /// gone, and a day more; with unlimited retention, for ever
    #[arg(id = "tombstone_days", long = "tombstone-days", env = "TOMBSTONE_DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3_650), value_name = "DAYS")]
    pub days: u32,
}
