//! What a caller is told when the connection breaks: certainly not applied, or unknown.

use std::time::{Duration, Instant};

use sqlx::PgConnection;
use taskwire_domain::{Error, Task, TaskRepository as _, Written};
use taskwire_postgres::{PostgresSettings, PostgresTasks};
use taskwire_testkit::{Database, Proxy};

use crate::fixture::{
    below, count, created, described, eventually, execute, fields, migrated, new_task, repository, settings,
    updated,
};

/// A repository behind a proxy, with one task in it, and a look behind both.
struct Scene {
    tasks: PostgresTasks,
    task: Task,
    spy: PgConnection,
    proxy: Proxy,
    database: Database,
}

/// One request of ours waits for a lock that somebody else holds: so its statement was sent.
const WAITING: &str = "select exists (select from pg_stat_activity where application_name = 'taskwire'
                       and datname = current_database() and wait_event_type = 'Lock')";

const DISCONNECTED: &str =
    "select not exists (select from pg_stat_activity where application_name = 'taskwire'
                            and datname = current_database())";

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut PostgresSettings)) -> Self {
        let database = migrated().await;
        let proxy = Proxy::in_front_of(database.url()).await;
        let mut settings = settings(proxy.url());
        change(&mut settings);
        let tasks = repository(&settings);
        let task = new_task(fields("first"));
        tasks.create(&task, &created(&task)).await.unwrap();
        let spy = database.connect().await;
        Self {
            tasks,
            task,
            spy,
            proxy,
            database,
        }
    }

    /// Locks the task's row until the connection commits.
    async fn lock_task(&self) -> PgConnection {
        let mut holder = self.database.connect().await;
        execute(&mut holder, "begin; select from tasks for update").await;
        holder
    }
}

async fn update(tasks: &PostgresTasks, task: &Task) -> Result<Written, Error> {
    let next = described(task, "second");
    tasks.update(&next, task.version, &updated(&next)).await
}

fn assert_unavailable<T: std::fmt::Debug>(result: &Result<T, Error>) {
    let unavailable = matches!(
        result,
        Err(Error::Unavailable {
            dependency: "postgresql",
            ..
        })
    );
    assert!(unavailable, "{result:?}");
}

fn assert_unknown<T: std::fmt::Debug>(result: &Result<T, Error>) {
    assert!(matches!(result, Err(Error::OutcomeUnknown { .. })), "{result:?}");
}

#[tokio::test]
async fn a_pooled_connection_that_died_before_the_write_does_no_harm() {
    let mut scene = Scene::new().await;
    scene.proxy.cut();
    assert_eq!(update(&scene.tasks, &scene.task).await.unwrap(), Written::Applied);
    // The same as a restart of the server leaves it: ended from the far side, with a last word.
    execute(
        &mut scene.spy,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where application_name = 'taskwire' and datname = current_database()",
    )
    .await;
    let task = scene.tasks.find(scene.task.id).await.unwrap().unwrap();
    let third = described(&task, "third");
    let written = scene
        .tasks
        .update(&third, task.version, &updated(&third))
        .await
        .unwrap();
    assert_eq!(written, Written::Applied);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_unavailable_and_comes_back_without_a_restart() {
    let mut scene = Scene::new().await;
    scene.proxy.refuse();
    scene.proxy.cut();
    let new = new_task(fields("new"));
    assert_unavailable(&scene.tasks.create(&new, &created(&new)).await);
    assert_unavailable(&update(&scene.tasks, &scene.task).await);
    assert_unavailable(&scene.tasks.find(scene.task.id).await);
    assert_eq!(count(&mut scene.spy, "select count(*) from outbox").await, 1);
    scene.proxy.resume();
    assert_eq!(update(&scene.tasks, &scene.task).await.unwrap(), Written::Applied);
}

#[tokio::test]
async fn a_silent_server_is_unavailable_within_the_time_limit() {
    let scene = Scene::with(|settings| settings.acquire_timeout_ms = 1_000).await;
    scene.proxy.hold_answers();
    let began = Instant::now();
    assert_unavailable(&update(&scene.tasks, &scene.task).await);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    scene.proxy.resume();
    assert_eq!(update(&scene.tasks, &scene.task).await.unwrap(), Written::Applied);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_unknown_and_may_have_been_applied() {
    let mut scene = Scene::new().await;
    let mut holder = scene.lock_task().await;
    let Scene {
        tasks,
        task,
        spy,
        proxy,
        ..
    } = &mut scene;
    let (result, ()) = tokio::join!(update(tasks, task), async {
        eventually(spy, WAITING).await;
        proxy.hold_answers();
        execute(&mut holder, "commit").await;
        eventually(spy, "select exists (select from tasks where version = 2)").await;
        proxy.cut();
    });
    assert_unknown(&result);
    assert_eq!(count(spy, "select count(*) from outbox").await, 2);
}

#[tokio::test]
async fn a_write_cut_off_while_the_server_works_on_it_is_unknown() {
    let mut scene = Scene::new().await;
    let _holder = scene.lock_task().await;
    let Scene {
        tasks,
        task,
        spy,
        proxy,
        ..
    } = &mut scene;
    let (result, ()) = tokio::join!(update(tasks, task), async {
        eventually(spy, WAITING).await;
        proxy.cut();
    });
    assert_unknown(&result);
}

#[tokio::test]
async fn a_write_without_an_answer_in_time_is_unknown() {
    let mut scene = Scene::with(|settings| settings.statement_timeout_ms = 1_000).await;
    let mut holder = scene.lock_task().await;
    let Scene {
        tasks,
        task,
        spy,
        proxy,
        ..
    } = &mut scene;
    let (result, ()) = tokio::join!(update(tasks, task), async {
        eventually(spy, WAITING).await;
        proxy.hold_answers();
        execute(&mut holder, "commit").await;
    });
    assert_unknown(&result);
}

#[tokio::test]
async fn a_write_that_the_server_gave_up_is_unavailable() {
    let mut scene = Scene::with(|settings| settings.statement_timeout_ms = 300).await;
    let mut holder = scene.lock_task().await;
    assert_unavailable(&update(&scene.tasks, &scene.task).await);
    execute(&mut holder, "commit").await;
    assert_eq!(count(&mut scene.spy, "select max(version) from tasks").await, 1);
    assert_eq!(count(&mut scene.spy, "select count(*) from outbox").await, 1);
}

#[tokio::test]
async fn a_write_whose_server_process_was_ended_is_unavailable() {
    let mut scene = Scene::new().await;
    let mut holder = scene.lock_task().await;
    let Scene { tasks, task, spy, .. } = &mut scene;
    let (result, ()) = tokio::join!(update(tasks, task), async {
        eventually(spy, WAITING).await;
        execute(
            spy,
            "select pg_terminate_backend(pid) from pg_stat_activity
             where application_name = 'taskwire' and datname = current_database()",
        )
        .await;
    });
    assert_unavailable(&result);
    execute(&mut holder, "commit").await;
    eventually(spy, DISCONNECTED).await;
    assert_eq!(count(spy, "select max(version) from tasks").await, 1);
}

#[tokio::test]
async fn a_transaction_cut_off_before_its_commit_is_unavailable_and_not_applied() {
    let mut scene = Scene::new().await;
    let mut holder = scene.database.connect().await;
    execute(&mut holder, "begin; lock table tasks").await;
    let Scene {
        tasks,
        task,
        spy,
        proxy,
        ..
    } = &mut scene;
    let child = below(task);
    let event = created(&child);
    let (result, ()) = tokio::join!(tasks.create(&child, &event), async {
        eventually(spy, WAITING).await;
        proxy.cut();
    });
    assert_unavailable(&result);
    execute(&mut holder, "commit").await;
    eventually(spy, DISCONNECTED).await;
    assert_eq!(count(spy, "select count(*) from tasks").await, 1);
    assert_eq!(count(spy, "select count(*) from outbox").await, 1);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_unknown() {
    let mut scene = Scene::new().await;
    // Makes a commit wait for as long as we hold the lock.
    execute(
        &mut scene.spy,
        "create function wait() returns trigger language plpgsql as
             $$ begin perform pg_advisory_xact_lock(42); return null; end $$;
         create constraint trigger wait after insert on tasks initially deferred for each row execute function wait()",
    )
    .await;
    let mut holder = scene.database.connect().await;
    execute(&mut holder, "begin; select pg_advisory_xact_lock(42)").await;
    let Scene {
        tasks,
        task,
        spy,
        proxy,
        ..
    } = &mut scene;
    let child = below(task);
    let event = created(&child);
    let (result, ()) = tokio::join!(tasks.create(&child, &event), async {
        eventually(spy, WAITING).await;
        proxy.hold_answers();
        execute(&mut holder, "commit").await;
        eventually(spy, "select count(*) = 2 from tasks").await;
        proxy.cut();
    });
    assert_unknown(&result);
    assert_eq!(count(spy, "select count(*) from outbox").await, 2);
}

#[tokio::test]
async fn a_write_that_its_caller_abandoned_leaves_the_pool_in_order() {
    let mut scene = Scene::with(|settings| settings.pool_size = 1).await;
    let mut holder = scene.lock_task().await;
    let Scene { tasks, task, spy, .. } = &mut scene;
    tokio::select! {
        written = update(tasks, task) => panic!("the row is locked: {written:?}"),
        () = eventually(spy, WAITING) => {}
    }
    // The one connection is busy with the abandoned statement, so another takes its place.
    assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(&*task));
    execute(&mut holder, "commit").await;
    // Whole or not at all: here the server does not learn of the closed socket before it is done.
    eventually(spy, "select exists (select from tasks where version = 2)").await;
    assert_eq!(count(spy, "select count(*) from outbox").await, 2);
    assert_eq!(tasks.find(task.id).await.unwrap().unwrap().version.get(), 2);
}

#[tokio::test]
async fn when_all_connections_are_taken_a_request_is_told_so_in_time() {
    let mut scene =
        Scene::with(|settings| (settings.pool_size, settings.acquire_timeout_ms) = (1, 300)).await;
    let mut holder = scene.lock_task().await;
    let Scene { tasks, task, spy, .. } = &mut scene;
    let (written, found) = tokio::join!(update(tasks, task), async {
        eventually(spy, WAITING).await;
        let found = tasks.find(task.id).await;
        execute(&mut holder, "commit").await;
        found
    });
    assert_unavailable(&found);
    assert_eq!(written.unwrap(), Written::Applied);
}

#[tokio::test]
async fn a_refused_write_gives_its_connection_back() {
    let scene = Scene::with(|settings| settings.pool_size = 1).await;
    let error = scene
        .tasks
        .create(&scene.task, &created(&scene.task))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Internal { .. }), "{error:?}");
    scene.tasks.find(scene.task.id).await.unwrap();
}
