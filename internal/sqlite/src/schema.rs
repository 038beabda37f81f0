//! The schema of the file, from `migrations/sqlite`, and the marks by which a file is known to be ours.

use rusqlite::{Connection, TransactionBehavior};

/// SQLite's `application_id` of our files: "TkWr" in ASCII.
const APPLICATION_ID: i32 = 0x546b_5772;

/// In order; a file's `user_version` says how many of them it has run.
const MIGRATIONS: [&str; 2] = [
    include_str!("../../../migrations/sqlite/0001_tasks_and_outbox.sql"),
    include_str!("../../../migrations/sqlite/0002_lists_and_keys.sql"),
];

/// What a file is, as far as its header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of this release or an older one: how many migrations it has run. 0 for an empty file.
    Known(usize),
    /// Of a newer release.
    Newer,
    /// Somebody else's.
    Foreign,
}

/// Reads the marks and changes nothing.
pub(crate) fn identify(connection: &Connection) -> rusqlite::Result<Kind> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let is_empty: bool =
        connection.query_row("select not exists (select 1 from sqlite_schema)", [], |row| {
            row.get(0)
        })?;
    Ok(match (application, usize::try_from(version)) {
        (0, Ok(0)) if is_empty => Kind::Known(0),
        (APPLICATION_ID, Ok(version)) if version <= MIGRATIONS.len() => Kind::Known(version),
        (APPLICATION_ID, _) => Kind::Newer,
        _ => Kind::Foreign,
    })
}

/// Runs what is missing, all or nothing.
pub(crate) fn migrate(connection: &mut Connection, already_run: usize) -> rusqlite::Result<()> {
    if already_run == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in &MIGRATIONS[already_run..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    transaction.commit()
}
