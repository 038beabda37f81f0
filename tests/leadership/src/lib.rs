//! Relays on a real database and a real broker, from which the leadership is taken in the middle of a batch.
//!
//! What must hold each time: every event reaches the topic, and for each task the first occurrences of its versions stand
//! there in order. Ports are wrapped here to make the moment certain; the product knows nothing of it.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

mod ground;
mod publishers;
mod shared_lock;

pub use ground::{Ground, RunningRelay, relay_settings};
pub use publishers::{Counted, Frozen, Interrupted};
pub use shared_lock::SharedLock;
