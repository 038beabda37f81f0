//! Takes away tombstones that have served.
//!
//! A tombstone keeps an old event from bringing a deleted task back, so it may go only when none can be read any more.
//! With a broker that is a long wait, a [`Round`](PurgeStage): [`step`] decides from what was observed how far it has
//! come, [`advance`] carries out one step and [`run()`] one every ten minutes. In one process the outbox is the only place
//! where events stand, so [`run_in_one_process`] needs no round. Both end in [`sweep()`].
//!
//! This crate must not know an engine. When in doubt it waits: a tombstone that is kept too long costs some bytes.

mod config;
mod machine;
mod metrics;
mod run;
mod sweep;

pub use config::PurgeSettings;
pub use machine::{Observation, QUIET, SETTLED, Step, step};
pub use run::{Advanced, PurgePorts, advance, run, run_in_one_process};
pub use sweep::{SweepFault, Swept, sweep};

#[cfg(doc)]
use taskwire_domain::PurgeStage;
