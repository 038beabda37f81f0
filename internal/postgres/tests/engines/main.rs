//! The adapter against a real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic in a test is the failure being looked for"
)]

mod backlog;
mod claims;
mod decisions;
mod faults;
mod fixture;
mod health;
mod list;
mod migrate;
mod outbox;
mod tasks;
mod tombstones;
