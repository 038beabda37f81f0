//! What becomes of a write when PostgreSQL refuses a part of it, and who is woken by one that is applied.

use std::time::Duration;

use futures::FutureExt as _;
use taskwire_domain::{Error, TaskRepository as _, Version};

use crate::fixture::{Fixture, count, created, deletion, described, execute, fields, new_task, updated};

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
