//! The comparison beside the purge of tombstones.

use std::path::Path;

use clap::Parser;
use taskwire_conformance::tasks::{created, deletion, fields, new_task};
use taskwire_domain::{EventSource, Position, SourceEvent, Task, TaskRepository, Timestamp};
use taskwire_purge::{Swept, sweep};
use taskwire_sqlite::{SqliteSource, SqliteTasks, SqliteTombstones};

use super::*;
use crate::settings::Settings;

fn open(folder: &Path) -> SqliteDatabase {
    let settings = Settings::parse_from(["taskwire", "--data-dir", folder.to_str().unwrap()]);
    SqliteDatabase::open(folder, &settings.sqlite).unwrap()
}

async fn create(database: &SqliteDatabase) -> Task {
    let task = new_task(fields("a task"));
    let tasks = SqliteTasks::new(database.clone());
    tasks.create(&task, &created(&task)).await.unwrap();
    task
}

async fn delete(database: &SqliteDatabase, task: &Task) -> Timestamp {
    let (deleted, expected, event) = deletion(task);
    let tasks = SqliteTasks::new(database.clone());
    tasks.delete(&deleted, expected, &event).await.unwrap();
    deleted.deleted_at
}

/// Takes everything out of the outbox, as one whose index has it all.
async fn drain_outbox(database: &SqliteDatabase) {
    let mut source = SqliteSource::new(database.clone());
    assert!(matches!(source.next().await, SourceEvent::Assigned(_)));
    let SourceEvent::Records(records) = source.next().await else {
        panic!("there are records");
    };
    let last = records.last().unwrap().position;
    let next = Position {
        offset: last.offset + 1,
        ..last
    };
    source.store(&[next]).unwrap();
    Box::new(source).close().await.unwrap();
}

async fn purge(database: &SqliteDatabase, index: &TantivyIndex, recorded_before: Timestamp) -> u64 {
    let rows = SqliteTombstones::new(database.clone());
    let Swept { purged, kept } = sweep(&rows, index, recorded_before).await.unwrap();
    assert_eq!(kept, 0);
    purged
}

async fn difference(database: &SqliteDatabase, index: &TantivyIndex) -> Difference {
    let known = index.versions().await.into_iter();
    let known = known
        .map(|indexed| (indexed.id, (indexed.version, indexed.deleted)))
        .collect();
    compare(database.clone(), known).await.unwrap()
}

#[tokio::test]
async fn a_tombstone_goes_when_no_event_of_its_task_is_in_the_outbox_and_both_sides_stay_equal() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path());
    let (kept, gone) = (create(&database).await, create(&database).await);
    let deleted_at = delete(&database, &gone).await;
    let opened = TantivyIndex::open(&folder.path().join("index")).await.unwrap();
    let index = opened.index.clone();
    reconcile(&database, opened).await.unwrap();
    assert_eq!(index.versions().await.len(), 2);

    assert_eq!(
        purge(&database, &index, deleted_at).await,
        0,
        "its events are in the outbox"
    );
    drain_outbox(&database).await;
    assert_eq!(
        purge(&database, &index, deleted_at.plus_days(-1)).await,
        0,
        "it is too young"
    );
    assert_eq!(index.versions().await.len(), 2);

    // A crash between the two halves: the index has let go, the database has not.
    let rows = SqliteTombstones::new(database.clone());
    let tombstones = taskwire_domain::TombstoneRows::read(&rows, deleted_at, None, 10)
        .await
        .unwrap();
    taskwire_domain::TombstoneDocuments::purge(&index, &tombstones)
        .await
        .unwrap();
    assert!(matches!(difference(&database, &index).await, Difference::Lacks(missing) if missing.len() == 1));

    assert_eq!(purge(&database, &index, deleted_at).await, 1);
    let versions = index.versions().await;
    assert_eq!(
        versions.iter().map(|indexed| indexed.id).collect::<Vec<_>>(),
        [kept.id]
    );
    assert_eq!(database.snapshot().unwrap().count().unwrap(), 1);
    assert!(matches!(difference(&database, &index).await, Difference::None));

    // As it was written, not as it is remembered.
    drop(index);
    let opened = TantivyIndex::open(&folder.path().join("index")).await.unwrap();
    assert!(opened.damage.is_none());
    assert!(matches!(
        difference(&database, &opened.index).await,
        Difference::None
    ));
}
