//! The settings of the machines: their defaults, with batches small enough that a short run fills many.

use std::sync::OnceLock;

use clap::Parser;
use taskwire_dispatch::DispatchSettings;
use taskwire_relay::RelaySettings;

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    relay: RelaySettings,
    #[command(flatten)]
    dispatch: DispatchSettings,
}

fn defaults() -> &'static Defaults {
    static DEFAULTS: OnceLock<Defaults> = OnceLock::new();
    DEFAULTS.get_or_init(|| Defaults::parse_from(["simulation"]))
}

pub(crate) fn relay() -> RelaySettings {
    let mut settings = defaults().relay.clone();
    settings.batch_size = 3;
    settings
}

/// More than a batch has records may be parked in a minute, or a batch of poison would stop every consumer for good.
pub(crate) fn dispatch(park_limit: bool) -> DispatchSettings {
    let mut settings = defaults().dispatch.clone();
    settings.batch_records = 5;
    // About eight records fill the room, so that reading pauses and goes on.
    settings.read_ahead_bytes = 4_096;
    settings.park_limit = if park_limit { 6 } else { 0 };
    settings
}
