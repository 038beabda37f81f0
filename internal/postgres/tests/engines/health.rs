//! Health is true: it fails when requests would fail.

use std::error::Error as _;

use taskwire_domain::{Dependency as _, Error, TaskRepository as _};
use taskwire_postgres::{PostgresHealth, PostgresPool};
use taskwire_testkit::{Database, Proxy};

use crate::fixture::{created, execute, fields, migrated, new_task, repository, settings};

#[tokio::test]
async fn a_migrated_database_is_healthy_and_an_empty_one_is_not() {
    let (ready, empty) = (migrated().await, Database::create().await);
    let health = |database: &Database| PostgresHealth::new(PostgresPool::new(&settings(database.url())));
    health(&ready).check().await.unwrap();
    health(&empty).check().await.unwrap_err();
    assert_eq!(health(&ready).name(), "postgresql");
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_not_healthy_and_writes_are_unavailable() {
    let database = migrated().await;
    let read_only = "do $$ begin
        execute format('alter database %I set default_transaction_read_only = on', current_database());
    end $$";
    execute(&mut database.connect().await, read_only).await;
    let settings = settings(database.url());
    let error = PostgresHealth::new(PostgresPool::new(&settings))
        .check()
        .await
        .unwrap_err();
    assert!(
        error.source().unwrap().to_string().contains("takes no writes"),
        "{error:?}"
    );
    let task = new_task(fields("new"));
    let error = repository(&settings)
        .create(&task, &created(&task))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn health_fails_while_the_server_is_away_and_recovers_by_itself() {
    let database = migrated().await;
    let proxy = Proxy::in_front_of(database.url()).await;
    let health = PostgresHealth::new(PostgresPool::new(&settings(proxy.url())));
    health.check().await.unwrap();
    proxy.refuse();
    proxy.cut();
    health.check().await.unwrap_err();
    proxy.resume();
    health.check().await.unwrap();
}
