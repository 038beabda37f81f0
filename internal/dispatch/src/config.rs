//! Settings of the consume loop.

/// The consume loop.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Consume loop")]
pub struct DispatchSettings {
    /// Most records in one batch: applied together and acknowledged together
    #[arg(id = "dispatch_batch_records", long = "batch-records", env = "BATCH_RECORDS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000), value_name = "RECORDS")]
    pub batch_records: u32,

    /// Most bytes of records that wait to be applied; reading pauses above it. Besides them there may be a batch in
    /// flight, and what the source itself has read ahead (for Kafka 16 MiB, and as much inside its client)
    #[arg(id = "dispatch_read_ahead_bytes", long = "read-ahead-bytes", env = "READ_AHEAD_BYTES", default_value_t = 16 * 1_024 * 1_024, value_parser = clap::value_parser!(u64).range(65_536..), value_name = "BYTES")]
    pub read_ahead_bytes: u64,

    /// Most records parked in the dead-letter queue within a minute. When more would have to be, or of a batch of ten or
    /// more records not one can be applied, none of them is parked and the process ends with 1. 0 parks any number
    #[arg(
        id = "dispatch_park_limit",
        long = "park-limit",
        env = "PARK_LIMIT",
        default_value_t = 50,
        value_name = "RECORDS"
    )]
    pub park_limit: u32,
}
