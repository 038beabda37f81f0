//! Making the index equal to the database at start, whatever happened to either of them.
//!
//! The index is rebuilt when it is missing, damaged or older than this program, and when it knows something that the
//! database does not: then the database was put back to an older copy. What it merely lacks, because the process was
//! killed or a copy of the index was put back, is added to it.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use taskwire_domain::{Chain, Document, Error, IndexOperation, ItemOutcome, TaskId, TaskIndex, Version};
use taskwire_sqlite::{Snapshot, SqliteDatabase, Stored};
use taskwire_tantivy::{IndexedVersion, Opened, TantivyIndex};
use tokio::sync::mpsc;

/// Batches that are read ahead of the index.
const READ_AHEAD: usize = 4;

/// What the index has of a task: its version, and whether it is a tombstone.
type Known = HashMap<TaskId, (Version, bool)>;

/// Makes the index equal to the database as it is at this moment. What is written meanwhile is in the outbox.
pub(crate) async fn reconcile(database: &SqliteDatabase, opened: Opened) -> anyhow::Result<()> {
    let Opened { index, damage } = opened;
    if let Some(damage) = damage {
        tracing::info!(reason = %Chain(&damage), "building the search index");
        return rebuild(database, &index).await;
    }
    let known = index
        .versions()
        .await
        .into_iter()
        .map(|IndexedVersion { id, version, deleted }| (id, (version, deleted)));
    let known: Known = known.collect();
    match compare(database.clone(), known).await? {
        Difference::None => {
            tracing::info!("the search index equals the database: nothing is missing");
            Ok(())
        }
        Difference::Lacks(missing) => {
            tracing::info!(tasks = missing.len(), "adding to the search index what it lacks");
            complete(database, &index, missing).await
        }
        Difference::Ahead => {
            tracing::warn!(
                "the search index is ahead of the database, which was put back to an older copy: building it anew"
            );
            rebuild(database, &index).await
        }
    }
}

/// Fewer tasks are indexed in less than the time that it takes somebody to notice.
pub(crate) const SOON_DONE: u64 = 2_000;

/// How the index differs from the database.
enum Difference {
    None,
    /// It lacks these tasks' present versions.
    Lacks(HashMap<TaskId, Version>),
    /// It knows what the database does not.
    Ahead,
}

/// How many tasks the database has, deleted ones too.
pub(crate) async fn count(database: &SqliteDatabase) -> anyhow::Result<u64> {
    let database = database.clone();
    blocking(move || Ok(database.snapshot()?.count()?)).await
}

async fn compare(database: SqliteDatabase, mut known: Known) -> anyhow::Result<Difference> {
    blocking(move || {
        let mut missing = HashMap::new();
        let mut ahead = false;
        database.snapshot()?.for_each_version(|rows| {
            for row in rows {
                match known.remove(&row.id) {
                    Some(indexed) if indexed == (row.version, row.is_deleted) => {}
                    Some((version, _)) if version >= row.version => ahead = true,
                    _ => {
                        missing.insert(row.id, row.version);
                    }
                }
            }
            Ok::<(), Error>(())
        })?;
        Ok(match missing.is_empty() {
            _ if ahead || !known.is_empty() => Difference::Ahead,
            true => Difference::None,
            false => Difference::Lacks(missing),
        })
    })
    .await
}

async fn complete(
    database: &SqliteDatabase,
    index: &TantivyIndex,
    missing: HashMap<TaskId, Version>,
) -> anyhow::Result<()> {
    let (mut batches, read) = read(database.clone(), move |operation| {
        missing.contains_key(&operation.id)
    });
    while let Some(batch) = batches.recv().await {
        accepted(&index.apply(&batch).await?)?;
    }
    read.await
}

async fn rebuild(database: &SqliteDatabase, index: &TantivyIndex) -> anyhow::Result<()> {
    let mut rebuild = index.rebuild().await?;
    let total = count(database).await?;
    let progress = progress_bar(total);
    let (mut batches, read) = read(database.clone(), |_| true);
    let mut tasks = 0;
    while let Some(batch) = batches.recv().await {
        tasks += batch.len();
        progress.inc(batch.len() as u64);
        accepted(&rebuild.add(batch).await?)?;
    }
    read.await?;
    rebuild.finish().await?;
    progress.finish_and_clear();
    tracing::info!(
        tasks,
        elapsed.ms = progress.elapsed().as_millis() as u64,
        "the search index is built"
    );
    Ok(())
}

/// A refused document would be missing for good: the schema and the code disagree.
fn accepted(outcomes: &[ItemOutcome]) -> anyhow::Result<()> {
    let refused = outcomes.iter().find(|outcome| **outcome != ItemOutcome::Done);
    refused.map_or(Ok(()), |outcome| {
        anyhow::bail!("the search index does not take a task: {outcome:?}")
    })
}

/// Reads one snapshot of the database in batches, on a thread that may block, and passes on what is wanted.
fn read(
    database: SqliteDatabase,
    wanted: impl Fn(&IndexOperation) -> bool + Send + 'static,
) -> (
    mpsc::Receiver<Vec<IndexOperation>>,
    impl Future<Output = anyhow::Result<()>>,
) {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let read = blocking(move || {
        let snapshot: Snapshot = database.snapshot()?;
        snapshot.for_each_stored(|rows| -> anyhow::Result<()> {
            let operations = rows.into_iter().map(operation).collect::<Result<Vec<_>, _>>()?;
            let operations: Vec<_> = operations.into_iter().filter(&wanted).collect();
            // Refused when the receiver has given up, and says why itself.
            sender
                .blocking_send(operations)
                .context("the index takes no more")
        })
    });
    (receiver, read)
}

fn operation(stored: Stored) -> anyhow::Result<IndexOperation> {
    Ok(match stored {
        Stored::Live(task) => {
            let source = serde_json::to_vec(&task)?.into();
            let document = Document::Live {
                source,
                priority_rank: task.fields.priority.rank(),
            };
            IndexOperation {
                id: task.id,
                version: task.version,
                document,
            }
        }
        Stored::Deleted(deleted) => {
            let document = Document::Tombstone {
                deleted_at: deleted.deleted_at,
            };
            IndexOperation {
                id: deleted.id,
                version: deleted.version,
                document,
            }
        }
    })
}

/// Started at once; to be awaited afterwards.
fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> impl Future<Output = anyhow::Result<T>> {
    let running = tokio::task::spawn_blocking(work);
    async move { running.await? }
}

/// Shown on a terminal alone, and only when it takes long enough to be read.
fn progress_bar(total: u64) -> ProgressBar {
    if total < SOON_DONE {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    // The template is a constant that the tests read.
    bar.set_style(
        ProgressStyle::default_bar()
            .template(TEMPLATE)
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

const TEMPLATE: &str = "building the search index {bar:40} {pos}/{len} tasks, {eta} left";

#[cfg(test)]
mod tests;
