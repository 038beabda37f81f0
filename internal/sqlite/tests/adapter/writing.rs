//! Callers and the one thread.

use futures::FutureExt as _;
use futures::future::join_all;
use rusqlite::TransactionBehavior;
use taskwire_conformance::tasks::{created, fields, new_task};
use taskwire_domain::{Error, Task, TaskRepository as _};
use taskwire_sqlite::{SqliteDatabase, SqliteSettings, SqliteTasks};

use crate::support::{Fixture, Folder, count};

fn tasks(number: usize) -> Vec<Task> {
    (0..number).map(|_| new_task(fields("a"))).collect()
}

#[tokio::test]
async fn a_full_queue_is_told_at_once_and_what_is_in_it_is_written() {
    let folder = Folder::new();
    let settings = SqliteSettings {
        write_queue: 4,
        ..SqliteSettings::default()
    };
    let repository = SqliteTasks::new(SqliteDatabase::open(&folder.path(), &settings).unwrap());
    let mut spy = folder.spy();
    let lock = spy
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    let tasks = tasks(12);
    let mut waiting = Vec::new();
    let mut refused = 0;
    for task in &tasks {
        let mut write = Box::pin(async { repository.create(task, &created(task)).await });
        // The first look queues the write, or has it refused.
        match write.as_mut().now_or_never() {
            None => waiting.push(write),
            Some(refusal) => {
                let is_unavailable = matches!(
                    &refusal,
                    Err(Error::Unavailable {
                        dependency: "sqlite",
                        ..
                    })
                );
                assert!(is_unavailable, "{refusal:?}");
                refused += 1;
            }
        }
    }
    // Besides the four in the queue there are those that the thread took before it waited for the lock.
    assert!((1..=8).contains(&refused), "{refused} of 12 were refused");
    drop(lock);
    let written = join_all(waiting).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(count(&spy, "tasks"), 12 - refused);
}

#[tokio::test]
async fn a_write_whose_caller_has_gone_is_applied_with_its_event() {
    let fixture = Fixture::new();
    let task = new_task(fields("a"));
    let event = created(&task);
    assert!(fixture.tasks.create(&task, &event).now_or_never().is_none());
    // Commands are carried out in order.
    let next = new_task(fields("b"));
    fixture.tasks.create(&next, &created(&next)).await.unwrap();
    assert_eq!(fixture.tasks.find(task.id).await.unwrap(), Some(task));
    assert_eq!(fixture.count("outbox"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_at_once_share_a_transaction() {
    let fixture = Fixture::new();
    let mut spy = fixture.folder.spy();
    let lock = spy
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    let tasks = tasks(64);
    let writing = join_all(
        tasks
            .iter()
            .map(|task| async { fixture.tasks.create(task, &created(task)).await }),
    );
    // The first look queues them all; the thread may take some of them before the others are there.
    let unlocking = async { drop(lock) };
    let before = commits(&fixture.folder);
    let (written, ()) = tokio::join!(writing, unlocking);
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(count(&spy, "outbox"), 64);
    let commits = commits(&fixture.folder) - before;
    assert!((1..=4).contains(&commits), "{commits} commits for 64 writes");
}

/// The commits in the log, by its format: a header of 32 bytes, then pages of 4 KiB behind headers of 24 bytes each, of
/// which bytes 4 to 8 are not zero on the last page of a transaction.
fn commits(folder: &Folder) -> usize {
    let log = std::fs::read(folder.path().join("taskwire.db-wal")).unwrap();
    let frames = log[32..].chunks(24 + 4_096);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}
