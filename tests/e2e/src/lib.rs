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
mod deployment;
mod engine;
mod ledger;
mod standalone;
mod texts;
mod traffic;

pub use api::{Answer, Api};
pub use await_until::until;
pub use deployment::{Deployment, RestServer};
pub use engine::Engine;
pub use ledger::Ledger;
pub use standalone::Standalone;
pub use texts::real_texts;
pub use traffic::{Size, Traffic};
