//! The index beside the database: made equal at start, kept equal from then on.

use std::sync::Arc;

use taskwire_dispatch::DispatchSettings;
use taskwire_domain::SystemClock;
use taskwire_indexer::{TaskSink, handlers};
use taskwire_lifecycle::Lifecycle;
use taskwire_sqlite::{SqliteDatabase, SqliteDeadLetters, SqliteSource};
use taskwire_tantivy::Opened;

use crate::reconciliation;

/// Starts it. The API serves meanwhile; searches are refused while the index is being rebuilt.
///
/// Nothing is taken from the outbox before the index is equal to the database, so every change that is made meanwhile is
/// still there to be applied afterwards; what the index has already is decided by versions.
pub(crate) fn start(
    lifecycle: &mut Lifecycle,
    database: SqliteDatabase,
    opened: Opened,
    settings: DispatchSettings,
) {
    let stopping = lifecycle.stopping();
    lifecycle.spawn("indexer", async move {
        let index = opened.index.clone();
        tokio::select! {
            reconciled = reconciliation::reconcile(&database, opened) => reconciled?,
            () = stopping.cancelled() => return Ok(()),
        }
        let sink = Arc::new(TaskSink::new(Arc::new(index)));
        let dead_letters = Arc::new(SqliteDeadLetters::new(database.clone(), Arc::new(SystemClock)));
        let source = Box::new(SqliteSource::new(database.clone()));
        let consumed =
            taskwire_dispatch::run(source, handlers(), sink, dead_letters, settings, stopping.clone());
        tokio::select! {
            consumed = consumed => Ok(consumed?),
            () = database.writer_gone(), if !stopping.is_cancelled() => {
                anyhow::bail!("the thread that writes the database is gone; start again")
            }
        }
    });
}
