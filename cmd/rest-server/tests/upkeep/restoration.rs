//! A database that was put back, and one that was not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use taskwire_postgres::PostgresStates;
use taskwire_restoration::{Examination, Finding};
use taskwire_testkit::Topics;

use crate::system::{System, until};

fn examination(system: &System) -> Examination {
    Examination::new(system.documents(), Arc::new(PostgresStates::new(system.pool())))
}

/// What an operator is told to run.
fn remedy() -> String {
    let manual = include_str!("../../../../docs/operations.md");
    let (_, section) = manual.split_once("**A restored PostgreSQL.**").unwrap();
    let (_, statements) = section.split_once("```sql\n").unwrap();
    statements.split_once("```").unwrap().0.to_owned()
}

#[tokio::test]
async fn a_restored_database_is_said_and_the_manual_mends_it() {
    let system = System::new().await;
    let (mut server, mut indexer) = (system.start_rest().await, system.start_indexer().await);
    let kept = system.create("a task that is kept").await;
    let removed = system.create("a task that is deleted later").await;
    let gone = system.create("a task that was deleted before").await;
    system.delete(&gone).await;
    system.await_count(2, 1).await;
    system
        .database
        .run(
            "create table kept_tasks as table tasks; create table kept_deletions as table deleted_tasks;
             create table kept_outbox as table outbox",
        )
        .await;
    system.replace(&kept, "a task with another description").await;
    system.delete(&removed).await;
    let added = system.create("a task that the copy does not have").await;
    system.await_count(2, 2).await;
    assert_eq!(examination(&system).look().await.unwrap(), Finding::Sound);

    server.terminate();
    server.ended().await;
    assert!(!server.has_logged("database restored: reindex"));
    system
        .database
        .run(
            "truncate tasks, deleted_tasks, outbox; insert into tasks select * from kept_tasks;
             insert into deleted_tasks select * from kept_deletions;
             insert into outbox overriding system value select * from kept_outbox",
        )
        .await;
    let mut server = system.start_rest().await;
    let said = server.logged("database restored: reindex").await;
    assert_eq!(said["level"], "ERROR", "{said}");
    let named = said["task.ids"].as_str().unwrap();
    for task in [&kept, &removed, &added] {
        assert!(named.contains(task.as_str()), "{said}");
    }
    assert!(!named.contains(&gone), "{said}");
    let report = until("it is in the health report", || async {
        let (status, report) = system.call(Method::GET, "/healthz/ready", None).await;
        assert_eq!(status, 200);
        (report["status"] == "degraded").then_some(report)
    })
    .await;
    assert_eq!(report["checks"]["elasticsearch"]["status"], "degraded");
    assert_eq!(
        report["checks"]["elasticsearch"]["detail"],
        "database restored: reindex"
    );

    server.terminate();
    indexer.terminate();
    server.ended().await;
    indexer.ended().await;
    mend_by_the_manual(&system, &[kept, removed]).await;
}

/// The manual, step by step; afterwards these tasks are found as they are, and so is a change.
async fn mend_by_the_manual(system: &System, tasks: &[String]) {
    let index = format!("/{}-v1-000001", system.index.name());
    system.index.request(Method::DELETE, &index, None).await;
    let topics = Topics::named();
    let server = system.start_rest_on(&topics).await;
    system.database.run(&remedy()).await;
    let _indexer = system.start_indexer_on(&topics).await;
    system.await_count(2, 1).await;
    let mut examination = examination(system);
    for _ in 0..3 {
        assert_eq!(examination.look().await.unwrap(), Finding::Sound);
    }
    for task in tasks {
        let (_, row) = system.call(Method::GET, &format!("/tasks/{task}"), None).await;
        let search = format!("/tasks/search?q={}", row["task"]["description"].as_str().unwrap());
        let (_, found) = system.call(Method::GET, &search, None).await;
        let found = found["tasks"].as_array().unwrap();
        assert!(found.contains(&row["task"]), "{row} in {found:?}");
    }
    system
        .replace(&tasks[0], "a task that is changed after all of it")
        .await;
    until("the change is indexed", || async {
        let (_, found) = system
            .call(Method::GET, "/tasks/search?q=changed+after+all", None)
            .await;
        (found["total"] == 1).then_some(())
    })
    .await;
    assert!(!server.has_logged("database restored: reindex"));
}

#[tokio::test]
async fn a_healthy_system_under_load_is_never_called_restored() {
    let system = System::new().await;
    let (server, _indexer) = (system.start_rest().await, system.start_indexer().await);
    let end = Instant::now() + Duration::from_secs(12);
    let (created, looks) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // However slow the machine is.
    let is_enough = || {
        Instant::now() >= end && created.load(Ordering::Relaxed) > 100 && looks.load(Ordering::Relaxed) > 20
    };
    let write = |writer: usize| {
        let (system, created, is_enough) = (&system, &created, &is_enough);
        async move {
            let mut written = 0;
            while !is_enough() {
                let id = system.create(&format!("a task of writer {writer}")).await;
                for change in 0..written % 4 {
                    system
                        .replace(&id, &format!("change {change} of writer {writer}"))
                        .await;
                }
                if written % 3 > 0 {
                    system.delete(&id).await;
                }
                written += 1;
                created.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let look = async {
        let mut examination = examination(&system);
        while !is_enough() {
            let finding = examination.look().await;
            // Before the daemon has created the index there is nothing to look at.
            if let Ok(finding) = finding {
                assert_eq!(finding, Finding::Sound);
                looks.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let all = async { tokio::join!(write(1), write(2), write(3), look) };
    let in_time = tokio::time::timeout(Duration::from_secs(120), all).await;
    assert!(in_time.is_ok(), "{created:?} tasks, {looks:?} looks");
    assert!(!server.has_logged("database restored: reindex"));
}
