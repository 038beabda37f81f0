//! What the end-to-end tests share: a whole Taskwire of its own, its clients, real texts and real traffic.
//!
//! The tests drive the real binaries over HTTP against real engines, and ask the oracle whether database, topic
//! and index agree. This crate must not reach into the product's crates.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

mod api;
mod await_until;
pub mod contract;
mod deployment;
pub mod disk_trouble;
mod distributed;
mod engine;
pub mod hostile;
mod hostile_searches;
mod interleaving;
mod ledger;
mod own_writes;
mod standalone;
mod texts;
mod tiny_disk;
mod traffic;
mod twins;
mod walk;

pub use api::{Answer, Api};
pub use await_until::until;
pub use deployment::{Deployment, RestServer};
pub use distributed::Distributed;
pub use engine::Engine;
pub use hostile_searches::{Answered, check_hostile_searches};
pub use interleaving::{Run, check_interleavings};
pub use ledger::Ledger;
pub use own_writes::{OwnWritesRun, check_own_writes};
pub use standalone::{Place, Standalone};
pub use texts::{accented_texts, many_real_texts, real_texts};
pub use tiny_disk::TinyDisk;
pub use traffic::{Size, Traffic};
pub use twins::{Restartable, Twin, TwinsRun, check_twins};
pub use walk::{WalkRun, check_walks, walk_size};
