//! Tasks and outbox in PostgreSQL 14 or newer: [`PostgresTasks`] is the repository, [`PostgresOutbox`] the outbox as
//! the relay reads it, [`PostgresTombstones`] and [`PostgresStates`] what its upkeep needs, [`PostgresHealth`] the health
//! check, [`migrate()`] the schema.
//!
//! Each write is one transaction of task row, outbox row, for a deletion `deleted_tasks` row, and for a request that
//! may be sent again the row of its key; its error says whether it was applied, and `error` is where that is decided.
//! The relay has a connection of its own, never one of the pool's.
//!
//! This crate must not decide what a task may be, encode an event or know a broker, and nothing of sqlx may show in
//! its public items.

mod apply;
mod backlog;
mod bound;
mod checkout;
mod claims;
mod config;
mod deadlock;
mod decide;
mod error;
mod health;
mod hierarchy;
mod list;
mod locks;
mod migrate;
mod outbox;
mod pool;
mod row;
mod signing_key;
mod states;
mod tasks;
mod tombstones;
mod url;
mod view;

pub use backlog::Backlog;
pub use bound::OutboxBound;
pub use config::PostgresSettings;
pub use health::PostgresHealth;
pub use migrate::{MigrationError, ensure_migrated, migrate};
pub use outbox::{PostgresOutbox, SESSION_IDLE_LIMIT};
pub use pool::PostgresPool;
pub use states::PostgresStates;
pub use tasks::PostgresTasks;
pub use tombstones::PostgresTombstones;
pub use url::{DatabaseUrl, DatabaseUrlError};
