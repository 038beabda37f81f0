//! A transaction takes a low id in the outbox and commits when the relay is past it: after the relay has read and
//! published higher ones, and before it has deleted them.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use taskwire_e2e::until;

use crate::judge::judge_within;
use crate::scene::Scene;

/// Triggers that wait for whoever holds a lock: an insertion has its id by then, a deletion is under way.
const HOLDS: &str = r"
    create function hold_insertion() returns trigger language plpgsql as $$ begin
        if convert_from(new.payload, 'utf8') like '%held back%' then
            perform pg_advisory_xact_lock_shared(7, 1);
        end if;
        return new;
    end $$;
    create trigger hold_insertion before insert on outbox for each row execute function hold_insertion();
    create function hold_deletion() returns trigger language plpgsql as $$ begin
        if convert_from(old.payload, 'utf8') like '%passes by%' then
            perform pg_advisory_xact_lock_shared(7, 2);
        end if;
        return old;
    end $$;
    create trigger hold_deletion before delete on outbox for each row execute function hold_deletion();
    select pg_advisory_lock(7, 1), pg_advisory_lock(7, 2);";

/// A relay with a cursor never empties its outbox.
const REST: Duration = Duration::from_secs(20);

pub(crate) async fn play(scene: Scene) -> Vec<String> {
    let server = scene.start_rest().await;
    let indexer = scene.start_indexer(&[]);
    indexer.logged("partitions assigned").await;
    let mut holder = scene.deployment.database.connect().await;
    holder.execute(HOLDS).await.unwrap();
    let mut watcher = scene.deployment.database.connect().await;

    let late = json!({"description": "held back"});
    let late = server.api.call(Method::POST, "/tasks", Some(&late));
    let meanwhile = async {
        awaited(&mut watcher, 1).await;
        server.api.create(&json!({"description": "passes by"})).await;
        awaited(&mut watcher, 2).await;
        holder.execute("select pg_advisory_unlock(7, 1)").await.unwrap();
    };
    let (late, ()) = tokio::join!(late, meanwhile);
    assert_eq!(late.expect("a complete answer").status, StatusCode::CREATED);
    holder.execute("select pg_advisory_unlock(7, 2)").await.unwrap();
    holder.close().await.unwrap();

    let (findings, found) = judge_within(&scene.system(), REST).await;
    assert_eq!(findings.rows, 2);
    found
}

/// Returns when somebody waits for this lock.
async fn awaited(watcher: &mut PgConnection, lock: i32) {
    let watcher = tokio::sync::Mutex::new(watcher);
    let waits = || async {
        let waiting = sqlx::query_scalar::<_, bool>(
            "select exists (select from pg_locks where locktype = 'advisory' and not granted
                            and classid::int = 7 and objid::int = $1
                            and database = (select oid from pg_database where datname = current_database()))",
        );
        let mut watcher = watcher.lock().await;
        let waits = waiting.bind(lock).fetch_one(&mut **watcher).await;
        waits.unwrap().then_some(())
    };
    until("the lock is waited for", Duration::from_secs(10), waits).await;
}
