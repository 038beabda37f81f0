//! What is SQLite's own: opening the file, sharing the one thread, trimming, looking at everything at once.

#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test is the failure being looked for"
)]

#[path = "../support/mod.rs"]
mod support;

mod health;
mod opening;
mod outbox;
mod snapshot;
mod writing;
