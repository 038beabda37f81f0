//! Requests with one key that meet.

use futures::FutureExt as _;
use sqlx::PgConnection;
use taskwire_conformance::verdicts::{always, creation, judge};
use taskwire_domain::{
    Clock as _, Conflict, Error, KeyClaim, Once, Scope, SystemClock, TaskRepository as _, TasksScope, Verdict,
};
use taskwire_postgres::PostgresTasks;

use crate::fixture::{
    Fixture, below, count, created, eventually, execute, fields, keyed, new_task, repository, settings,
};

fn claim() -> KeyClaim {
    KeyClaim {
        scope: "POST /tasks",
        key: "key".to_owned(),
        fingerprint: [7; 32],
        claimed_at: SystemClock.now(),
    }
}

/// A connection that has claimed the key and done nothing more.
async fn twin(fixture: &Fixture) -> PgConnection {
    let mut twin = fixture.database.connect().await;
    execute(
        &mut twin,
        "begin; insert into idempotency_keys (scope, key, fingerprint, answer, claimed_at)
         values ('POST /tasks', 'key', decode(repeat('07', 32), 'hex'), 'of the twin', now())",
    )
    .await;
    twin
}

fn hurried(fixture: &Fixture) -> PostgresTasks {
    let mut settings = settings(fixture.database.url());
    settings.statement_timeout_ms = 300;
    repository(&settings)
}

const WAITING: &str = "select exists (select from pg_stat_activity where application_name = 'taskwire'
                       and datname = current_database() and wait_event_type = 'Lock')";

#[tokio::test]
async fn a_twin_that_takes_too_long_is_a_conflict_of_its_own() {
    let fixture = Fixture::new().await;
    let parent = fixture.stored().await;
    let _twin = twin(&fixture).await;
    let tasks = hurried(&fixture);
    let answered = claim().answered("mine".into());
    let (top, child) = (new_task(fields("top")), below(&parent));
    let decision = always(vec![creation(&top)]);
    let errors = [
        tasks
            .create_once(&top, &created(&top), &answered)
            .await
            .unwrap_err(),
        tasks
            .create_once(&child, &created(&child), &answered)
            .await
            .unwrap_err(),
        tasks.decide(decision, Some(&claim())).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(error, Error::Conflict(Conflict::TwinInFlight)),
            "{error:?}"
        );
    }
    let mut spy = fixture.database.connect().await;
    assert_eq!(count(&mut spy, "select count(*) from tasks").await, 1);
}

#[tokio::test]
async fn waiting_for_anything_else_is_no_twin() {
    let fixture = Fixture::new().await;
    let mut other = fixture.database.connect().await;
    execute(
        &mut other,
        "begin; insert into tasks (id, external_id, description, priority, is_done, categories, created_at, updated_at,
                                   version)
                values (gen_random_uuid(), 'JIRA-17', 'x', 0, false, '{}', now(), now(), 1)",
    )
    .await;
    let task = keyed("JIRA-17");
    let answered = claim().answered("mine".into());
    let error = hurried(&fixture)
        .create_once(&task, &created(&task), &answered)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

/// One that fails leaves the key to the next, which has waited for it.
#[tokio::test]
async fn when_its_twin_is_rolled_back_a_request_is_the_first() {
    let fixture = Fixture::new().await;
    let mut spy = fixture.database.connect().await;
    for round in 0..2 {
        let parent = fixture.stored().await;
        let task = if round == 0 {
            new_task(fields("top"))
        } else {
            below(&parent)
        };
        let mut twin = twin(&fixture).await;
        let answered = claim().answered("mine".into());
        let event = created(&task);
        let (once, ()) = tokio::join!(fixture.tasks.create_once(&task, &event, &answered), async {
            eventually(&mut spy, WAITING).await;
            execute(&mut twin, "rollback").await;
        });
        assert_eq!(once.unwrap(), Once::First(()));
        execute(&mut spy, "delete from idempotency_keys").await;
    }
}

/// The claim meets a row that somebody is about to purge, and has the key once that is done.
#[tokio::test]
async fn a_key_that_is_purged_while_it_is_waited_for_is_free() {
    let fixture = Fixture::new().await;
    let mut spy = fixture.database.connect().await;
    let mut twin = twin(&fixture).await;
    execute(&mut twin, "commit; begin; delete from idempotency_keys").await;
    let task = new_task(fields("top"));
    let answered = claim().answered("mine".into());
    let event = created(&task);
    let (once, ()) = tokio::join!(fixture.tasks.create_once(&task, &event, &answered), async {
        eventually(&mut spy, WAITING).await;
        execute(&mut twin, "commit").await;
    });
    assert_eq!(once.unwrap(), Once::First(()));
}

/// Somebody's claim of an expired key and the purge of it do not wait for each other.
#[tokio::test]
async fn the_purge_passes_over_keys_that_are_being_claimed() {
    let fixture = Fixture::new().await;
    let mut twin = twin(&fixture).await;
    execute(
        &mut twin,
        "commit; begin; update idempotency_keys set claimed_at = now()",
    )
    .await;
    let tomorrow = SystemClock.now().plus_days(1);
    assert_eq!(hurried(&fixture).forget_claims(tomorrow, 10).await.unwrap(), 0);
    execute(&mut twin, "commit").await;
    assert_eq!(fixture.tasks.forget_claims(tomorrow, 10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_decision_that_changes_something_wakes_the_relay() {
    let fixture = Fixture::new().await;
    let decide = |changes| fixture.tasks.decide(always(changes), None);
    decide(vec![]).await.unwrap();
    let woken = || fixture.written.notified().now_or_never().is_some();
    assert!(!woken());
    decide(vec![creation(&new_task(fields("new")))]).await.unwrap();
    assert!(woken());
    // A key alone is no news for it.
    let kept = judge(Scope::Tasks(TasksScope::default()), |_| {
        Ok(Verdict {
            answer: Some("kept".into()),
            ..Verdict::default()
        })
    });
    fixture.tasks.decide(kept, Some(&claim())).await.unwrap();
    assert!(!woken());
}
