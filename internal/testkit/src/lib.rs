//! For tests alone: a private database, topics and index on the real engines, and our binaries as child processes.
//!
//! The engines' addresses come from `DATABASE_URL`, `KAFKA_BROKERS` and `ELASTICSEARCH_URL`, which `cargo xtask test`
//! sets; a missing one is a panic that says so, never a skip. Whatever a test was given is removed when it is dropped.
//!
//! This crate must not be used by anything that ships.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "everything here runs inside a test"
)]

mod elasticsearch;
mod engines;
mod gateway;
mod hostile_searches;
mod kafka;
mod postgres;
mod process;
mod proxy;

pub use elasticsearch::SearchIndex;
pub use gateway::Gateway;
pub use hostile_searches::{HostileSearch, hostile_searches};
pub use kafka::Topics;
pub use postgres::Database;
pub use process::{Process, binary};
pub use proxy::{Proxy, Way};
