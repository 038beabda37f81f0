//! The schema's way into a database.

use futures::future::join_all;
use taskwire_postgres::{DatabaseUrl, MigrationError, ensure_migrated, migrate};
use taskwire_testkit::Database;

use crate::fixture::{count, execute, migrated};

fn url(database: &Database) -> DatabaseUrl {
    database.url().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_processes_may_migrate_an_empty_database_at_once() {
    let database = Database::create().await;
    let url = url(&database);
    for result in join_all((0..8).map(|_| migrate(&url))).await {
        result.unwrap();
    }
    ensure_migrated(&url).await.unwrap();
    let mut spy = database.connect().await;
    assert_eq!(
        count(&mut spy, "select count(*) from _sqlx_migrations where success").await,
        2
    );
    let free = "select count(*) from pg_locks where locktype = 'advisory' and database = \
                (select oid from pg_database where datname = current_database())";
    assert_eq!(count(&mut spy, free).await, 0);
}

#[tokio::test]
async fn looking_changes_nothing_and_says_what_to_run() {
    let database = Database::create().await;
    let error = ensure_migrated(&url(&database)).await.unwrap_err();
    assert!(matches!(error, MigrationError::Pending(1)), "{error:?}");
    assert!(error.to_string().contains("rest-server migrate"), "{error}");
    let tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";
    assert_eq!(count(&mut database.connect().await, tables).await, 0);
}

#[tokio::test]
async fn a_database_that_a_newer_version_migrated_is_refused() {
    let database = migrated().await;
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (999, 'from the future', true, '', 0)";
    execute(&mut database.connect().await, newer).await;
    for result in [
        migrate(&url(&database)).await,
        ensure_migrated(&url(&database)).await,
    ] {
        let error = result.unwrap_err();
        assert!(
            matches!(error, MigrationError::Newer { applied: 999, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("newer version"), "{error}");
    }
}

#[tokio::test]
async fn a_migration_that_was_edited_after_it_ran_is_refused() {
    let database = migrated().await;
    execute(
        &mut database.connect().await,
        "update _sqlx_migrations set checksum = ''",
    )
    .await;
    for result in [
        migrate(&url(&database)).await,
        ensure_migrated(&url(&database)).await,
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, MigrationError::Changed(1)), "{error:?}");
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_can_be_run_again() {
    let database = Database::create().await;
    let mut spy = database.connect().await;
    execute(&mut spy, "create table outbox ()").await;
    let error = migrate(&url(&database)).await.unwrap_err();
    assert!(matches!(error, MigrationError::Failed(_)), "{error:?}");
    assert_eq!(
        count(&mut spy, "select count(*) from pg_class where relname = 'tasks'").await,
        0
    );
    execute(&mut spy, "drop table outbox").await;
    migrate(&url(&database)).await.unwrap();
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_an_error_that_names_the_setting() {
    let database = Database::create().await;
    let elsewhere = database
        .url()
        .replace("taskwire_test", "no_such_database")
        .parse()
        .unwrap();
    let error = migrate(&elsewhere).await.unwrap_err();
    assert!(matches!(error, MigrationError::Refused(_)), "{error:?}");
    assert!(error.to_string().contains("DATABASE_URL"), "{error}");
}
