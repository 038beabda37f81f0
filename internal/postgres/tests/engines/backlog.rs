//! What metrics learn about the outbox, and what follows when it is full.

use std::sync::Arc;
use std::time::Duration;

use taskwire_domain::{Error, OUTBOX, TaskRepository as _};
use taskwire_postgres::{Backlog, OutboxBound, PostgresPool, PostgresTasks};

use crate::fixture::{Fixture, created, deletion, described, execute, fields, new_task, settings, updated};

#[tokio::test]
async fn the_backlog_counts_events_and_tells_the_age_of_the_oldest() {
    let fixture = Fixture::new().await;
    let nothing = Backlog {
        events: 0,
        oldest: Duration::ZERO,
    };
    assert_eq!(fixture.tasks.backlog().await.unwrap(), nothing);

    fixture.stored().await;
    let hour_ago = "update outbox set created_at = created_at - interval '1 hour'";
    execute(&mut fixture.database.connect().await, hour_ago).await;
    fixture.stored().await;
    let backlog = fixture.tasks.backlog().await.unwrap();
    assert_eq!(backlog.events, 2);
    let hour = Duration::from_secs(3_600);
    assert!(backlog.oldest >= hour && backlog.oldest < hour * 2, "{backlog:?}");
}

#[tokio::test]
async fn a_long_backlog_is_not_counted_to_its_end() {
    let fixture = Fixture::new().await;
    let fill = "insert into outbox (task_id, version, payload, headers)
                select gen_random_uuid(), 1, '', '{}' from generate_series(1, 100002)";
    execute(&mut fixture.database.connect().await, fill).await;
    assert_eq!(
        fixture.tasks.backlog().await.unwrap().events,
        100_002,
        "by the ids"
    );
}

/// One row that is held back for long lies far below the others, and the ids between them are of rows long gone.
#[tokio::test]
async fn a_row_that_is_held_back_makes_no_outbox_full() {
    let fixture = Fixture::new().await;
    let mut spy = fixture.database.connect().await;
    let fill = "insert into outbox (task_id, version, payload, headers)
                select gen_random_uuid(), 1, '', '{}' from generate_series(1, 250000);
                delete from outbox where id > 1 and id < 140000";
    execute(&mut spy, fill).await;
    let bounded = |limit| {
        let pool = PostgresPool::new(&settings(fixture.database.url()));
        PostgresTasks::new(pool, Arc::default()).bounded_by(Arc::new(OutboxBound::new(limit)))
    };
    let far = bounded(1_000_000).backlog().await.unwrap().events;
    assert_eq!(far, 250_000, "far from the limit a rough number will do");
    let near = bounded(200_000).backlog().await.unwrap().events;
    assert_eq!(near, 110_002, "near it the rows are counted");
}

#[tokio::test]
async fn beyond_the_bound_every_write_is_refused_and_reading_goes_on() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let bound = Arc::new(OutboxBound::new(2));
    let pool = PostgresPool::new(&settings(fixture.database.url()));
    let tasks = PostgresTasks::new(pool, Arc::default()).bounded_by(bound.clone());
    let other = new_task(fields("other"));
    tasks.create(&other, &created(&other)).await.unwrap();
    bound.judge(tasks.backlog().await.unwrap().events);

    let changed = described(&task, "changed");
    let (deleted, version, farewell) = deletion(&task);
    let third = new_task(fields("third"));
    let refusals = [
        tasks.create(&third, &created(&third)).await.unwrap_err(),
        tasks
            .update(&changed, task.version, &updated(&changed))
            .await
            .unwrap_err(),
        tasks.delete(&deleted, version, &farewell).await.unwrap_err(),
    ];
    for refusal in refusals {
        let from_outbox = matches!(
            refusal,
            Error::Unavailable {
                dependency: OUTBOX,
                ..
            }
        );
        assert!(from_outbox, "{refusal:?}");
    }
    assert_eq!(tasks.find(task.id).await.unwrap(), Some(task));
    assert_eq!(tasks.find(third.id).await.unwrap(), None, "certainly not applied");

    let mut spy = fixture.database.connect().await;
    execute(&mut spy, "delete from outbox").await;
    bound.judge(tasks.backlog().await.unwrap().events);
    tasks.create(&third, &created(&third)).await.unwrap();
}
