//! Reading, deleting, and who may.

use std::time::{Duration, Instant};

use sqlx::PgConnection;
use taskwire_domain::{Outbox as _, OutboxRecord, OutboxSession, TaskRepository as _};
use taskwire_postgres::{PostgresOutbox, SESSION_IDLE_LIMIT};
use taskwire_testkit::Proxy;

use crate::fixture::{Fixture, count, described, eventually, execute, updated};

fn outbox(url: &str) -> PostgresOutbox {
    PostgresOutbox::new(&url.parse().unwrap())
}

async fn lead(url: &str) -> Box<dyn OutboxSession> {
    outbox(url).elect().await.unwrap().expect("nobody else leads")
}

/// Stands for election until it is won.
async fn succeed(url: &str) -> Box<dyn OutboxSession> {
    let candidate = outbox(url);
    loop {
        if let Some(session) = candidate.elect().await.unwrap() {
            return session;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn ids(records: &[OutboxRecord]) -> Vec<i64> {
    records.iter().map(|record| record.id).collect()
}

async fn rows(spy: &mut PgConnection) -> i64 {
    count(spy, "select count(*) from outbox").await
}

#[tokio::test]
async fn a_read_takes_the_oldest_up_to_its_limit() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        fixture.stored().await;
    }
    let mut session = lead(fixture.database.url()).await;
    let all = ids(&session.read(100, &[]).await.unwrap());
    assert_eq!(all.len(), 3);
    assert_eq!(ids(&session.read(2, &[]).await.unwrap()), all[..2]);
}

#[tokio::test]
async fn a_task_that_is_set_aside_is_passed_over_with_all_of_its_rows() {
    let fixture = Fixture::new().await;
    let (first, aside, last) = (
        fixture.stored().await,
        fixture.stored().await,
        fixture.stored().await,
    );
    let renamed = described(&aside, "aside");
    fixture
        .tasks
        .update(&renamed, aside.version, &updated(&renamed))
        .await
        .unwrap();
    let mut session = lead(fixture.database.url()).await;
    let read = session.read(2, &[aside.id]).await.unwrap();
    let tasks: Vec<_> = read.iter().map(|record| record.event.task_id).collect();
    assert_eq!(tasks, [first.id, last.id]);
    assert_eq!(session.read(100, &[]).await.unwrap().len(), 4);
}

#[tokio::test]
async fn exactly_the_named_rows_are_deleted() {
    let fixture = Fixture::new().await;
    for _ in 0..4 {
        fixture.stored().await;
    }
    let mut session = lead(fixture.database.url()).await;
    let all = ids(&session.read(100, &[]).await.unwrap());
    session.delete(&[all[0], all[2]]).await.unwrap();
    assert_eq!(ids(&session.read(100, &[]).await.unwrap()), [all[1], all[3]]);
    session.delete(&[]).await.unwrap();
    session.delete(&all).await.unwrap();
    session.heartbeat().await.unwrap();
    assert_eq!(session.read(100, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_row_committed_late_with_a_lower_id_is_still_read() {
    let fixture = Fixture::new().await;
    let mut slow = fixture.database.connect().await;
    execute(
        &mut slow,
        "begin; insert into outbox (task_id, version, payload, headers) values (gen_random_uuid(), 1, '', '{}')",
    )
    .await;
    fixture.stored().await;
    let mut session = lead(fixture.database.url()).await;
    let early = ids(&session.read(100, &[]).await.unwrap());
    assert_eq!(early.len(), 1);
    execute(&mut slow, "commit").await;
    session.delete(&early).await.unwrap();
    let late = ids(&session.read(100, &[]).await.unwrap());
    assert_eq!(late.len(), 1);
    assert!(late[0] < early[0], "{late:?} {early:?}");
}

#[tokio::test]
async fn one_of_many_leads() {
    let fixture = Fixture::new().await;
    let candidates: Vec<_> = (0..6).map(|_| outbox(fixture.database.url())).collect();
    let elections = futures::future::join_all(candidates.iter().map(|candidate| candidate.elect())).await;
    let leaders = elections.into_iter().filter_map(Result::unwrap);
    assert_eq!(leaders.count(), 1);
}

#[tokio::test]
async fn one_who_resigns_is_followed_at_once() {
    let fixture = Fixture::new().await;
    let session = lead(fixture.database.url()).await;
    session.resign().await.unwrap();
    lead(fixture.database.url()).await;
}

#[tokio::test]
async fn one_whose_session_ended_is_followed_and_can_delete_nothing() {
    let fixture = Fixture::new().await;
    fixture.stored().await;
    let mut old = lead(fixture.database.url()).await;
    let read = ids(&old.read(100, &[]).await.unwrap());
    let mut spy = fixture.database.connect().await;
    execute(
        &mut spy,
        "select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'taskwire-relay' and datname = current_database()",
    )
    .await;
    let mut new = succeed(fixture.database.url()).await;
    old.delete(&read).await.unwrap_err();
    old.read(1, &[]).await.unwrap_err();
    old.heartbeat().await.unwrap_err();
    assert_eq!(rows(&mut spy).await, 1);
    assert_eq!(ids(&new.read(100, &[]).await.unwrap()), read);
    new.delete(&read).await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_the_session() {
    let fixture = Fixture::new().await;
    fixture.stored().await;
    let mut session = lead(fixture.database.url()).await;
    let mut spy = fixture.database.connect().await;
    execute(&mut spy, "begin; lock table outbox").await;
    let waiting = "select exists (select from pg_stat_activity where application_name = 'taskwire-relay'
                   and datname = current_database() and wait_event_type = 'Lock')";
    let mut watch = fixture.database.connect().await;
    tokio::select! {
        read = session.read(100, &[]) => panic!("the table is locked: {read:?}"),
        () = eventually(&mut watch, waiting) => {}
    }
    execute(&mut spy, "commit").await;
    session.read(100, &[]).await.unwrap_err();
    succeed(fixture.database.url()).await;
}

/// One test, because each has to wait for a time limit and they can wait together.
#[tokio::test]
async fn a_session_lasts_as_long_as_both_sides_hear_from_each_other() {
    tokio::join!(
        a_leader_that_says_nothing_is_followed(),
        a_heartbeat_keeps_the_leadership(),
        a_leader_that_gets_no_answer_gives_up_in_seconds(),
    );
}

async fn a_leader_that_says_nothing_is_followed() {
    let fixture = Fixture::new().await;
    let mut silent = lead(fixture.database.url()).await;
    let began = Instant::now();
    let within = SESSION_IDLE_LIMIT + Duration::from_secs(5);
    tokio::time::timeout(within, succeed(fixture.database.url()))
        .await
        .unwrap();
    assert!(began.elapsed() >= SESSION_IDLE_LIMIT - Duration::from_secs(1));
    silent.read(1, &[]).await.unwrap_err();
}

async fn a_heartbeat_keeps_the_leadership() {
    let fixture = Fixture::new().await;
    let mut session = lead(fixture.database.url()).await;
    let until = Instant::now() + SESSION_IDLE_LIMIT + Duration::from_secs(2);
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_secs(3)).await;
        session.heartbeat().await.unwrap();
    }
    assert!(outbox(fixture.database.url()).elect().await.unwrap().is_none());
}

async fn a_leader_that_gets_no_answer_gives_up_in_seconds() {
    let fixture = Fixture::new().await;
    let proxy = Proxy::in_front_of(fixture.database.url()).await;
    let mut session = lead(proxy.url()).await;
    proxy.hold_answers();
    let fault = tokio::time::timeout(Duration::from_secs(15), session.read(1, &[]))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(fault.cause.to_string(), "the server did not answer in time");
    // Its socket was closed, so the server lets the next one lead although nothing was restored.
    tokio::time::timeout(Duration::from_secs(5), succeed(fixture.database.url()))
        .await
        .unwrap();
}
