//! Writes and reads of single tasks.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use taskwire_domain::{
    Categories, Conflict, Dates, Description, Error, ExternalId, Priority, Task, TaskFields, TaskId,
    TaskRepository as _, Version, Written,
};
use uuid::Uuid;

use crate::fixture::{Fixture, count, created, deletion, described, execute, fields, new_task, updated};

fn extreme_fields() -> TaskFields {
    let name = |index: u32| format!("{index:02}{}", "ß".repeat(62));
    TaskFields {
        external_id: Some(ExternalId::parse("𝕏".repeat(255)).unwrap()),
        description: Description::parse("🦀".repeat(4_096)).unwrap(),
        priority: Priority::High,
        dates: Dates::new(
            Some("0001-01-01T00:00:00.001Z".parse().unwrap()),
            Some("9999-12-31T23:59:59.999Z".parse().unwrap()),
        )
        .unwrap(),
        is_done: true,
        parent_id: None,
        categories: Categories::parse((0..32).rev().map(name).collect()).unwrap(),
    }
}

#[tokio::test]
async fn every_field_reads_back_exactly() {
    let fixture = Fixture::new().await;
    let parent = fixture.stored().await;
    let extreme = Task {
        created_at: "1969-12-31T23:59:59.999Z".parse().unwrap(),
        updated_at: "2026-05-01T09:00:00.123Z".parse().unwrap(),
        completed_at: Some("2026-02-28T23:59:59.001Z".parse().unwrap()),
        version: Version::new(i64::MAX).unwrap(),
        ..new_task(TaskFields {
            parent_id: Some(parent.id),
            ..extreme_fields()
        })
    };
    let bare = new_task(fields(" \\ ' \" \u{1} {NULL,\"\"} \u{feff}\n"));
    for task in [&extreme, &bare] {
        fixture.tasks.create(task, &created(task)).await.unwrap();
        assert_eq!(fixture.tasks.find(task.id).await.unwrap().as_ref(), Some(task));
    }
}

#[tokio::test]
async fn an_update_replaces_every_field() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let filled = task.with_fields(extreme_fields(), task.updated_at).unwrap();
    let emptied = filled.with_fields(fields("x"), task.updated_at).unwrap();
    for (next, expected) in [(&filled, task.version), (&emptied, filled.version)] {
        let written = fixture
            .tasks
            .update(next, expected, &updated(next))
            .await
            .unwrap();
        assert_eq!(written, Written::Applied);
        assert_eq!(fixture.tasks.find(task.id).await.unwrap().as_ref(), Some(next));
    }
}

#[tokio::test]
async fn a_task_that_is_not_there_is_none() {
    let fixture = Fixture::new().await;
    assert_eq!(
        fixture.tasks.find(TaskId::from_uuid(Uuid::nil())).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_write_at_another_version_applies_nothing() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let second = described(&task, "second");
    fixture
        .tasks
        .update(&second, task.version, &updated(&second))
        .await
        .unwrap();

    let late = described(&task, "late");
    let (deleted, expected, event) = deletion(&task);
    let gone = new_task(fields("never stored"));
    let written = [
        fixture
            .tasks
            .update(&late, task.version, &updated(&late))
            .await
            .unwrap(),
        fixture.tasks.delete(&deleted, expected, &event).await.unwrap(),
        fixture
            .tasks
            .update(&described(&gone, "gone"), gone.version, &updated(&gone))
            .await
            .unwrap(),
    ];
    assert_eq!(written, [Written::Stale; 3]);
    assert_eq!(fixture.tasks.find(task.id).await.unwrap(), Some(second));
    let mut spy = fixture.database.connect().await;
    assert_eq!(count(&mut spy, "select count(*) from outbox").await, 2);
    assert_eq!(count(&mut spy, "select count(*) from deleted_tasks").await, 0);
}

#[tokio::test]
async fn a_deletion_leaves_its_remains_and_no_row() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let (deleted, expected, event) = deletion(&task);
    let written = fixture.tasks.delete(&deleted, expected, &event).await.unwrap();
    assert_eq!(written, Written::Applied);
    assert_eq!(fixture.tasks.find(task.id).await.unwrap(), None);
    let remains: (Uuid, i64, chrono::DateTime<chrono::Utc>) =
        sqlx::query_as("select id, version, deleted_at from deleted_tasks")
            .fetch_one(&mut fixture.database.connect().await)
            .await
            .unwrap();
    assert_eq!(remains, (task.id.as_uuid(), 2, deleted.deleted_at.as_utc()));
}

#[tokio::test]
async fn an_external_id_belongs_to_one_task() {
    let fixture = Fixture::new().await;
    let keyed = TaskFields {
        external_id: Some(ExternalId::parse("JIRA-17".into()).unwrap()),
        ..fields("keyed")
    };
    let owner = new_task(keyed.clone());
    fixture.tasks.create(&owner, &created(&owner)).await.unwrap();
    let other = fixture.stored().await;
    let twin = new_task(keyed.clone());
    let renamed = other.with_fields(keyed, other.updated_at).unwrap();
    let refused = [
        fixture.tasks.create(&twin, &created(&twin)).await.unwrap_err(),
        fixture
            .tasks
            .update(&renamed, other.version, &updated(&renamed))
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert!(
            matches!(error, Error::Conflict(Conflict::ExternalIdTaken)),
            "{error:?}"
        );
    }
    assert_eq!(fixture.tasks.find(twin.id).await.unwrap(), None);
    assert_eq!(fixture.tasks.find(other.id).await.unwrap(), Some(other));
}

#[tokio::test]
async fn a_write_whose_event_cannot_be_stored_changes_nothing() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let mut spy = fixture.database.connect().await;
    execute(
        &mut spy,
        "alter table outbox add constraint closed check (false) not valid",
    )
    .await;

    let new = new_task(fields("new"));
    let below = crate::fixture::below(&task);
    let changed = described(&task, "changed");
    let (deleted, expected, event) = deletion(&task);
    let errors = [
        fixture.tasks.create(&new, &created(&new)).await.unwrap_err(),
        fixture.tasks.create(&below, &created(&below)).await.unwrap_err(),
        fixture
            .tasks
            .update(&changed, task.version, &updated(&changed))
            .await
            .unwrap_err(),
        fixture
            .tasks
            .delete(&deleted, expected, &event)
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Internal { .. }), "{error:?}");
    }
    assert_eq!(count(&mut spy, "select count(*) from tasks").await, 1);
    assert_eq!(count(&mut spy, "select count(*) from deleted_tasks").await, 0);
    assert_eq!(fixture.tasks.find(task.id).await.unwrap(), Some(task));
}

#[tokio::test]
async fn a_deletion_that_cannot_be_remembered_does_not_happen() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let mut spy = fixture.database.connect().await;
    execute(
        &mut spy,
        "alter table deleted_tasks add constraint closed check (false)",
    )
    .await;
    let (deleted, expected, event) = deletion(&task);
    fixture
        .tasks
        .delete(&deleted, expected, &event)
        .await
        .unwrap_err();
    assert_eq!(fixture.tasks.find(task.id).await.unwrap(), Some(task));
    assert_eq!(count(&mut spy, "select count(*) from outbox").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn for_one_task_outbox_ids_grow_with_versions() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let fixture_ref = &fixture;
    // Each writer reads and writes until its change is in, so they wait for each other's row locks all the time.
    join_all((0..8).map(|writer| async move {
        for round in 0..10 {
            loop {
                let current = fixture_ref.tasks.find(task.id).await.unwrap().unwrap();
                let next = described(&current, &format!("{writer} {round}"));
                let written = fixture_ref
                    .tasks
                    .update(&next, current.version, &updated(&next))
                    .await
                    .unwrap();
                if written == Written::Applied {
                    break;
                }
            }
        }
    }))
    .await;
    let versions: Vec<i64> = sqlx::query_scalar("select version from outbox order by id")
        .fetch_all(&mut fixture.database.connect().await)
        .await
        .unwrap();
    assert_eq!(versions, (1..=81).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_written_wakes_the_relay_and_what_is_not_does_not() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let woken = tokio::time::timeout(Duration::ZERO, fixture.written.notified());
    assert!(woken.await.is_ok());
    let stale = described(&described(&task, "second"), "third");
    fixture
        .tasks
        .update(&stale, Version::new(2).unwrap(), &updated(&stale))
        .await
        .unwrap();
    assert!(fixture.written.notified().now_or_never().is_none());
}

#[tokio::test]
async fn a_row_that_breaks_a_rule_is_a_fault_and_not_a_task() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    execute(
        &mut fixture.database.connect().await,
        "update tasks set description = ' '",
    )
    .await;
    let error = fixture.tasks.find(task.id).await.unwrap_err();
    assert!(matches!(error, Error::Internal { .. }), "{error:?}");
}
