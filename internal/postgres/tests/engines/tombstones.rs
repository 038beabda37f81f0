//! What remains of deleted tasks, the round of its purge, and the states that the index is compared with.

use taskwire_domain::{
    KnownState, NotedEnds, PurgeLedger, PurgeStage, StoredStates, TaskRepository as _, Timestamp, Tombstone,
    TombstoneRows,
};
use taskwire_postgres::{PostgresPool, PostgresStates, PostgresTombstones};

use crate::fixture::{Fixture, count, deletion, execute, settings};

fn tombstones(fixture: &Fixture) -> PostgresTombstones {
    PostgresTombstones::new(PostgresPool::new(&settings(fixture.database.url())))
}

async fn deleted(fixture: &Fixture) -> Tombstone {
    let task = fixture.stored().await;
    let (deleted, expected, event) = deletion(&task);
    fixture.tasks.delete(&deleted, expected, &event).await.unwrap();
    Tombstone {
        id: deleted.id,
        version: deleted.version,
    }
}

#[tokio::test]
async fn a_deletion_and_its_event_are_dated_alike_by_the_database_and_an_event_keeps_its_tombstone() {
    let fixture = Fixture::new().await;
    let tombstones = tombstones(&fixture);
    let mut wanted = [
        deleted(&fixture).await,
        deleted(&fixture).await,
        deleted(&fixture).await,
    ];
    wanted.sort();
    let mut spy = fixture.database.connect().await;
    let alike = "select count(*) from deleted_tasks join outbox on task_id = deleted_tasks.id
                 and outbox.version = deleted_tasks.version and outbox.created_at = recorded_at";
    assert_eq!(count(&mut spy, alike).await, 3);

    let now = tombstones.survey().await.unwrap().now;
    assert_eq!(
        tombstones.read(now.plus_days(1), None, 10).await.unwrap(),
        [],
        "their events wait"
    );
    execute(&mut spy, "delete from outbox where version > 1").await;
    assert_eq!(
        tombstones.read(now.plus_days(1), None, 10).await.unwrap(),
        [],
        "so do the older ones"
    );
    execute(&mut spy, "delete from outbox").await;
    assert_eq!(
        tombstones.read(now.plus_days(-1), None, 10).await.unwrap(),
        [],
        "too young"
    );
    assert_eq!(
        tombstones.read(now.plus_days(1), None, 2).await.unwrap(),
        wanted[..2]
    );
    assert_eq!(
        tombstones
            .read(now.plus_days(1), Some(wanted[1].id), 2)
            .await
            .unwrap(),
        wanted[2..]
    );
}

#[tokio::test]
async fn a_row_goes_only_under_its_own_version() {
    let fixture = Fixture::new().await;
    let (first, second) = (deleted(&fixture).await, deleted(&fixture).await);
    let other = Tombstone {
        version: second.version.next(),
        ..second
    };
    let tombstones = tombstones(&fixture);
    assert_eq!(tombstones.delete(&[first, other]).await.unwrap(), 1);
    assert_eq!(tombstones.delete(&[first, other]).await.unwrap(), 0);
    let mut spy = fixture.database.connect().await;
    assert_eq!(count(&mut spy, "select count(*) from deleted_tasks").await, 1);
}

#[tokio::test]
async fn every_stage_is_read_as_it_was_saved_and_saved_only_over_the_one_that_was_read() {
    let fixture = Fixture::new().await;
    let tombstones = tombstones(&fixture);
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let (recorded_before, since) = (time("2026-05-01T09:00:00.123Z"), time("2026-05-09T09:00:00.456Z"));
    let ends = NotedEnds {
        topic: "tasks".to_owned(),
        ends: vec![0, i64::MAX],
    };
    let stages = [
        PurgeStage::Published {
            recorded_before,
            since,
        },
        PurgeStage::Readable {
            recorded_before,
            ends: ends.clone(),
        },
        PurgeStage::Unreadable {
            recorded_before,
            ends,
            since,
        },
        PurgeStage::Idle,
    ];
    assert_eq!(tombstones.survey().await.unwrap().stage, PurgeStage::Idle);
    for (revision, stage) in (0..).zip(&stages) {
        assert!(tombstones.save(revision, stage).await.unwrap());
        assert!(
            !tombstones.save(revision, &PurgeStage::Idle).await.unwrap(),
            "somebody was faster"
        );
        let survey = tombstones.survey().await.unwrap();
        assert_eq!((survey.revision, &survey.stage), (revision + 1, stage));
    }
}

#[tokio::test]
async fn a_survey_tells_the_oldest_of_both_by_time() {
    let fixture = Fixture::new().await;
    let tombstones = tombstones(&fixture);
    let survey = tombstones.survey().await.unwrap();
    assert_eq!(
        (survey.oldest_event, survey.oldest_tombstone, survey.tombstones),
        (None, None, 0)
    );
    deleted(&fixture).await;
    deleted(&fixture).await;
    let older =
        "update outbox set created_at = '2026-05-01T09:00:00Z' where id = (select max(id) from outbox);
                 update deleted_tasks set recorded_at = '2026-05-02T09:00:00Z'
                 where id = (select id from deleted_tasks order by id desc limit 1)";
    execute(&mut fixture.database.connect().await, older).await;
    let survey = tombstones.survey().await.unwrap();
    assert_eq!(survey.oldest_event, Some("2026-05-01T09:00:00Z".parse().unwrap()));
    assert_eq!(
        survey.oldest_tombstone,
        Some("2026-05-02T09:00:00Z".parse().unwrap())
    );
    assert_eq!(survey.tombstones, 2);
}

#[tokio::test]
async fn states_are_those_of_rows_and_of_deletions() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let gone = deleted(&fixture).await;
    let states = PostgresStates::new(PostgresPool::new(&settings(fixture.database.url())));
    let stranger = taskwire_conformance::tasks::new_task(taskwire_conformance::tasks::fields("nowhere")).id;
    let stored = states
        .stored(&[task.id, gone.id, stranger])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.len(), 2);
    let live = KnownState {
        version: task.version,
        time: task.updated_at,
        deleted: false,
    };
    assert_eq!(stored[&task.id], live);
    assert!(stored[&gone.id].deleted && stored[&gone.id].version == gone.version);
}
