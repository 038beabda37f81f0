//! The purge of tombstones and the notice of a restored database, on the real engines and with the real programs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic in a test is the failure being looked for"
)]

mod purge;
mod restoration;
mod system;
