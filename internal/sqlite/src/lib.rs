//! Tasks, outbox and dead letters in one SQLite file, for a service that is one process: [`SqliteDatabase`] opens it,
//! [`SqliteTasks`] is the repository, [`SqliteSource`] reads the outbox as an event source, [`SqliteDeadLetters`] keeps
//! what can never be indexed, [`SqliteHealth`] is the health check, and a [`Snapshot`] shows everything at one moment.
//!
//! One thread writes (`writer`): it takes whatever is queued, commits it in one transaction with one sync to the disk,
//! and answers afterwards. So one who was answered will find the write after a crash, and 64 callers at once share a
//! sync instead of waiting for 64.
//!
//! This crate must not decide what a task may be, encode an event or know an index, and nothing of rusqlite may show
//! in its public items.

mod changes;
mod claims;
mod columns;
mod command;
mod config;
mod database;
mod dead_letters;
mod deciding;
mod error;
mod health;
mod hierarchy;
mod labels;
mod list;
mod open;
mod readers;
mod schema;
mod snapshot;
mod source;
mod tasks;
mod tombstones;
mod upkeep;
mod view;
mod writer;

pub use config::SqliteSettings;
pub use database::SqliteDatabase;
pub use dead_letters::SqliteDeadLetters;
pub use health::SqliteHealth;
pub use open::OpenError;
pub use snapshot::{Snapshot, Stored, StoredVersion};
pub use source::SqliteSource;
pub use tasks::SqliteTasks;
pub use tombstones::SqliteTombstones;
