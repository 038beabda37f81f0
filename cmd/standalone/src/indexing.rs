//! The index beside the database: made equal at start, kept equal from then on.

use std::sync::Arc;

use taskwire_dispatch::DispatchSettings;
use taskwire_domain::SystemClock;
use taskwire_indexer::{TaskSink, handlers};
use taskwire_lifecycle::Lifecycle;
use taskwire_purge::{PurgeSettings, run_in_one_process};
use taskwire_sqlite::{SqliteDatabase, SqliteDeadLetters, SqliteSource, SqliteTombstones};
use taskwire_tantivy::{Opened, TantivyIndex};
use tokio_util::sync::CancellationToken;

use crate::pace::Paced;
use crate::reconciliation::{self, SOON_DONE};

/// The index, and whether it is equal to the database already.
pub(crate) struct Indexing {
    index: TantivyIndex,
    pending: Option<Opened>,
}

impl Indexing {
    /// Makes the index equal at once if that is soon done, so that whoever has just started finds everything.
    pub(crate) async fn prepare(database: &SqliteDatabase, opened: Opened) -> anyhow::Result<Self> {
        let index = opened.index.clone();
        let pending = if reconciliation::count(database).await? < SOON_DONE {
            reconciliation::reconcile(database, opened).await?;
            None
        } else {
            Some(opened)
        };
        Ok(Self { index, pending })
    }

    /// Starts it. The API serves meanwhile; searches are refused while the index is being rebuilt.
    ///
    /// Nothing is taken from the outbox before the index is equal to the database, so every change that is made
    /// meanwhile is still there to be applied afterwards; what the index has already is decided by versions.
    pub(crate) fn start(
        self,
        lifecycle: &mut Lifecycle,
        database: SqliteDatabase,
        settings: DispatchSettings,
        purge: PurgeSettings,
    ) {
        let stopping = lifecycle.stopping();
        lifecycle.spawn("indexer", async move {
            if let Some(opened) = self.pending {
                tokio::select! {
                    reconciled = reconciliation::reconcile(&database, opened) => reconciled?,
                    () = stopping.cancelled() => return Ok(()),
                }
            }
            // Not before the index is equal: the comparison must not find a row gone that it found a tombstone of.
            let purging = purge_tombstones(database.clone(), self.index.clone(), purge, stopping.clone());
            let consuming = consume(database, self.index, settings, stopping);
            tokio::try_join!(consuming, purging).map(drop)
        });
    }
}

async fn purge_tombstones(
    database: SqliteDatabase,
    index: TantivyIndex,
    settings: PurgeSettings,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    let rows = Arc::new(SqliteTombstones::new(database));
    run_in_one_process(rows, Arc::new(index), Arc::new(SystemClock), settings, stopping).await;
    Ok(())
}

async fn consume(
    database: SqliteDatabase,
    index: TantivyIndex,
    settings: DispatchSettings,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    let sink = Paced::new(TaskSink::new(Arc::new(index)), settings.batch_records as usize);
    let dead_letters = Arc::new(SqliteDeadLetters::new(database.clone(), Arc::new(SystemClock)));
    let source = Box::new(SqliteSource::new(database.clone()));
    let consumed = taskwire_dispatch::run(
        source,
        handlers(),
        Arc::new(sink),
        dead_letters,
        settings,
        stopping.clone(),
    );
    tokio::select! {
        consumed = consumed => Ok(consumed?),
        () = database.writer_gone(), if !stopping.is_cancelled() => {
            anyhow::bail!("the thread that writes the database is gone; start again")
        }
    }
}
