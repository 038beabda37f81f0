//! Readiness.

use taskwire_domain::{Chain, Dependency as _};
use taskwire_sqlite::SqliteHealth;

use crate::support::Fixture;

#[tokio::test]
async fn an_open_database_is_healthy_and_a_closed_one_is_not() {
    let fixture = Fixture::new();
    let health = SqliteHealth::new(fixture.database.clone());
    assert_eq!(health.name(), "sqlite");
    health.check().await.unwrap();
    fixture.database.close().await;
    // Nobody is left who would be waited for.
    fixture.database.writer_gone().await;
    let unreachable = health.check().await.unwrap_err();
    let sentence = Chain(&unreachable).to_string();
    assert!(
        sentence.ends_with("sqlite is unavailable: the database is closed"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_database_whose_tables_are_gone_is_not_healthy() {
    let fixture = Fixture::new();
    fixture.folder.spy().execute_batch("drop table tasks").unwrap();
    let health = SqliteHealth::new(fixture.database.clone());
    health.check().await.unwrap_err();
}
