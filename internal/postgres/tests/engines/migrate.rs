//! The schema's way into a database.

use std::error::Error as _;

use futures::future::{join_all, join3};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgConnection, SqlSafeStr as _};
use taskwire_postgres::{DatabaseUrl, MigrationError, ensure_migrated, migrate};
use taskwire_testkit::Database;

use crate::fixture::{count, eventually, execute, migrated};

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
        4
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

/// A database as the release before lists and idempotency keys left it.
async fn of_the_first_release() -> Database {
    let database = Database::create().await;
    let first = Migration::new(
        1,
        "tasks and outbox".into(),
        MigrationType::Simple,
        include_str!("../../../../migrations/postgres/0001_tasks_and_outbox.sql").into_sql_str(),
        false,
    );
    Migrator::with_migrations(vec![first])
        .run_direct(None, &mut database.connect().await, false)
        .await
        .unwrap();
    database
}

/// Name, definition and storage of every index on tasks. The storage changes when one is built anew.
async fn indexes(spy: &mut PgConnection) -> Vec<(String, String, u32)> {
    let query = "select relname::text, pg_get_indexdef(indexrelid), relfilenode
                 from pg_index join pg_class on pg_class.oid = indexrelid
                 where indrelid = 'tasks'::regclass and indisvalid order by relname";
    sqlx::query_as::<_, (String, String, sqlx::postgres::types::Oid)>(query)
        .fetch_all(spy)
        .await
        .unwrap()
        .into_iter()
        .map(|(name, definition, storage)| (name, definition, storage.0))
        .collect()
}

fn names(indexes: &[(String, String, u32)]) -> Vec<&str> {
    indexes.iter().map(|(name, ..)| name.as_str()).collect()
}

const INDEXES: [&str; 8] = [
    "tasks_categories_idx",
    "tasks_created_at_idx",
    "tasks_due_at_idx",
    "tasks_external_id_key",
    "tasks_parent_id_created_at_idx",
    "tasks_pkey",
    "tasks_priority_idx",
    "tasks_updated_at_idx",
];

/// Those and the one that the third migration drops.
fn indexes_and_the_old_one() -> Vec<&'static str> {
    let mut names = INDEXES.to_vec();
    names.push("tasks_parent_id_idx");
    names.sort_unstable();
    names
}

const INSERT: &str =
    "insert into tasks (id, description, priority, is_done, categories, created_at, updated_at, version)
                      values (gen_random_uuid(), 'placed', 0, false, '{}', now(), now(), 1)";

fn assert_blocked_at_the_third(result: Result<(), MigrationError>) {
    let error = result.unwrap_err();
    assert!(
        matches!(error, MigrationError::Blocked { migration: 3, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("start again when"), "{error}");
}

#[tokio::test]
async fn a_placement_that_an_old_server_began_costs_neither_itself_nor_the_indexes() {
    let database = of_the_first_release().await;
    let mut spy = database.connect().await;

    // The migration gets as far as this index, whose name somebody else is about to take, and waits.
    let mut namesake = database.connect().await;
    let take = "begin; create table elsewhere (id int);
                create index tasks_parent_id_created_at_idx on elsewhere (id)";
    execute(&mut namesake, take).await;
    let mut server = database.connect().await;
    execute(
        &mut server,
        "begin; select from tasks where id = gen_random_uuid()",
    )
    .await;

    let placed = async {
        let migration_waits = "select exists (select from pg_stat_activity where datname = current_database()
                               and application_name = 'taskwire-migrate' and wait_event = 'transactionid')";
        eventually(&mut spy, migration_waits).await;
        sqlx::raw_sql(INSERT).execute(&mut server).await
    };
    let let_go = async {
        let placement_waits = "select exists (select from pg_stat_activity where datname = current_database()
                               and query like 'insert into tasks%' and wait_event = 'relation')";
        eventually(&mut database.connect().await, placement_waits).await;
        execute(&mut namesake, "rollback").await;
    };
    let url = url(&database);
    let (migration, placed, ()) = join3(migrate(&url), placed, let_go).await;
    placed.unwrap();
    assert_blocked_at_the_third(migration);
    assert_eq!(names(&indexes(&mut spy).await), indexes_and_the_old_one());

    execute(&mut server, "commit").await;
    migrate(&url).await.unwrap();
    assert_eq!(names(&indexes(&mut spy).await), INDEXES);
    assert_eq!(count(&mut spy, "select count(*) from tasks").await, 1);
}

#[tokio::test]
async fn a_long_reader_delays_the_last_migrations_alone() {
    let database = of_the_first_release().await;
    let mut spy = database.connect().await;
    let mut reader = database.connect().await;
    execute(&mut reader, "begin; select count(*) from tasks").await;

    assert_blocked_at_the_third(migrate(&url(&database)).await);
    let built = indexes(&mut spy).await;
    assert_eq!(names(&built), indexes_and_the_old_one());
    let pending = ensure_migrated(&url(&database)).await.unwrap_err();
    assert!(matches!(pending, MigrationError::Pending(3)), "{pending:?}");
    // Not even the locks of the second migration are taken again: a write in progress is no hindrance.
    let mut writer = database.connect().await;
    execute(&mut writer, "begin").await;
    execute(&mut writer, INSERT).await;
    assert_blocked_at_the_third(migrate(&url(&database)).await);
    assert_eq!(indexes(&mut spy).await, built, "nothing was built again");

    execute(&mut writer, "commit").await;
    execute(&mut reader, "commit").await;
    migrate(&url(&database)).await.unwrap();
    assert_eq!(names(&indexes(&mut spy).await), INDEXES);
}

#[tokio::test]
async fn an_index_that_a_concurrent_build_left_invalid_is_refused_by_its_name() {
    let database = of_the_first_release().await;
    let mut spy = database.connect().await;
    // A concurrent build waits for writers, and this one not for long.
    let mut writer = database.connect().await;
    execute(&mut writer, "begin").await;
    execute(&mut writer, INSERT).await;
    execute(&mut spy, "set lock_timeout = '10ms'").await;
    let build = "create index concurrently tasks_due_at_idx on tasks (is_done, due_at, id)";
    sqlx::raw_sql(build).execute(&mut spy).await.unwrap_err();
    execute(&mut writer, "commit").await;

    let error = migrate(&url(&database)).await.unwrap_err();
    assert!(matches!(error, MigrationError::Failed(_)), "{error:?}");
    let cause = error.source().unwrap().to_string();
    let advice = r#"left an invalid index: run "drop index concurrently tasks_due_at_idx;", and start again"#;
    assert!(cause.contains(advice), "{cause}");
    let before = ["tasks_external_id_key", "tasks_parent_id_idx", "tasks_pkey"];
    assert_eq!(names(&indexes(&mut spy).await), before);

    execute(&mut spy, "drop index concurrently tasks_due_at_idx").await;
    migrate(&url(&database)).await.unwrap();
    assert_eq!(names(&indexes(&mut spy).await), INDEXES);
}

#[tokio::test]
async fn the_indexes_that_operations_md_builds_are_those_that_the_migration_would() {
    let docs = include_str!("../../../../docs/operations.md");
    let (_, rest) = docs
        .split_once("```sql\ncreate index concurrently")
        .expect("the statements");
    let (rest, _) = rest.split_once("```").unwrap();
    let database = of_the_first_release().await;
    let mut spy = database.connect().await;
    for statement in rest
        .trim_end()
        .trim_end_matches(';')
        .split(";\ncreate index concurrently")
    {
        let statement = format!("create index concurrently{statement}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut spy)
            .await
            .unwrap();
    }
    let by_hand = indexes(&mut spy).await;
    assert_eq!(names(&by_hand), indexes_and_the_old_one());

    migrate(&url(&database)).await.unwrap();
    let mut kept = by_hand;
    kept.retain(|(name, ..)| name != "tasks_parent_id_idx");
    assert_eq!(indexes(&mut spy).await, kept, "none was built again");
    let definitions = |indexes: Vec<(String, String, u32)>| {
        indexes
            .into_iter()
            .map(|(_, definition, _)| definition)
            .collect::<Vec<_>>()
    };
    let without_help = indexes(&mut migrated().await.connect().await).await;
    assert_eq!(definitions(kept), definitions(without_help));
}
