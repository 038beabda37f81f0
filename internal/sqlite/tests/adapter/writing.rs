//! Callers and the one thread.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::join_all;
use rusqlite::TransactionBehavior;
use taskwire_conformance::tasks::{created, deletion, described, fields, new_task, updated};
use taskwire_conformance::verdicts::{always, creation, judge, replacement};
use taskwire_domain::{
    Categories, Chain, Decision, Error, KeyClaim, Once, Scope, Task, TaskFields, TaskRepository as _,
    TasksScope, Verdict, View,
};
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
async fn a_write_whose_caller_has_gone_is_applied_with_its_event_or_not_begun() {
    let fixture = Fixture::new();
    let task = new_task(fields("a"));
    let event = created(&task);
    assert!(fixture.tasks.create(&task, &event).now_or_never().is_none());
    // Commands are carried out in order.
    let next = new_task(fields("b"));
    fixture.tasks.create(&next, &created(&next)).await.unwrap();
    // It depends on whether the thread came before the caller went.
    let applied = fixture.tasks.find(task.id).await.unwrap();
    assert!(
        applied.as_ref().is_none_or(|applied| *applied == task),
        "{applied:?}"
    );
    assert_eq!(fixture.count("outbox"), 1 + i64::from(applied.is_some()));
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

#[tokio::test]
async fn the_rows_of_categories_follow_their_task() {
    let fixture = Fixture::new();
    let of = |names: &[&str]| TaskFields {
        categories: Categories::parse(names.iter().map(|name| (*name).to_owned()).collect()).unwrap(),
        ..fields("labelled")
    };
    let rows = || {
        let spy = fixture.folder.spy();
        let mut select = spy
            .prepare("select category from task_categories order by category")
            .unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<String>>()
    };
    let first = new_task(of(&["home", "garden"]));
    fixture.tasks.create(&first, &created(&first)).await.unwrap();
    assert_eq!(rows(), ["garden", "home"]);
    let second = first
        .with_fields(of(&["home", "work"]), first.updated_at)
        .unwrap();
    let event = updated(&second);
    fixture
        .tasks
        .update(&second, first.version, &event)
        .await
        .unwrap();
    assert_eq!(rows(), ["home", "work"]);
    let (deleted, from, event) = deletion(&second);
    fixture.tasks.delete(&deleted, from, &event).await.unwrap();
    assert!(rows().is_empty(), "{:?}", rows());
}

/// Cannot even say what it wants to see.
struct Aimless;

impl Decision for Aimless {
    fn scope(&self) -> Scope {
        panic!("no scope of {}", "any kind")
    }

    fn decide(&self, _: View) -> Result<Verdict, Error> {
        unreachable!("it has no scope")
    }
}

#[tokio::test]
async fn a_decision_that_panics_fails_alone_and_leaves_nothing() {
    let fixture = Fixture::new();
    let nothing = || Scope::Tasks(TasksScope::default());
    let claim = KeyClaim {
        scope: "POST /tasks/bulk",
        key: "key".to_owned(),
        fingerprint: [0; 32],
        claimed_at: "2026-05-01T09:00:00Z".parse().unwrap(),
    };
    let rash = judge(nothing(), |_| panic!("on purpose"));
    let task = new_task(fields("a"));
    let event = created(&task);
    let (rash, aimless, other) = tokio::join!(
        fixture.tasks.decide(rash, Some(&claim)),
        fixture.tasks.decide(Arc::new(Aimless), None),
        fixture.tasks.create(&task, &event),
    );
    for (decided, why) in [(rash, "on purpose"), (aimless, "no scope of any kind")] {
        match decided {
            Err(error @ Error::Internal { .. }) => {
                assert_eq!(Chain(&error).to_string(), format!("a decision panicked: {why}"));
            }
            other => panic!("{other:?}"),
        }
    }
    other.unwrap();
    assert_eq!(
        (fixture.count("outbox"), fixture.count("idempotency_keys")),
        (1, 0)
    );
}

/// A verdict that does not fit what stands is not applied by halves.
#[tokio::test]
async fn a_verdict_about_another_version_is_refused_as_a_whole() {
    let fixture = Fixture::new();
    let known = new_task(fields("known"));
    fixture.tasks.create(&known, &created(&known)).await.unwrap();
    let second = described(&known, "second");
    for wrong in [described(&second, "third"), known.clone()] {
        let fresh = new_task(fields("fresh"));
        let changes = vec![creation(&fresh), replacement(&wrong)];
        let decided = fixture.tasks.decide(always(changes), None).await;
        assert!(matches!(decided, Err(Error::Internal { .. })), "{decided:?}");
        assert_eq!(fixture.tasks.find(fresh.id).await.unwrap(), None);
    }
    let decided = fixture
        .tasks
        .decide(always(vec![replacement(&second)]), None)
        .await;
    assert!(matches!(decided, Ok(Once::First(_))), "{decided:?}");
    assert_eq!(fixture.count("outbox"), 2);
}

/// The commits in the log, by its format: a header of 32 bytes, then pages of 4 KiB behind headers of 24 bytes each, of
/// which bytes 4 to 8 are not zero on the last page of a transaction.
fn commits(folder: &Folder) -> usize {
    let log = std::fs::read(folder.path().join("taskwire.db-wal")).unwrap();
    let frames = log[32..].chunks(24 + 4_096);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}
