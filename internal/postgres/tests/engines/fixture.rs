//! A migrated database of its own for each test, and tasks to put into it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
pub(crate) use taskwire_conformance::tasks::{
    below, created, deletion, described, fields, keyed, moved, new_task, updated,
};
use taskwire_domain::{Task, TaskRepository as _};
use taskwire_postgres::{PostgresPool, PostgresSettings, PostgresTasks, migrate};
use taskwire_testkit::Database;
use tokio::sync::Notify;

pub(crate) struct Fixture {
    pub(crate) tasks: PostgresTasks,
    pub(crate) written: Arc<Notify>,
    pub(crate) database: Database,
}

/// The settings with their defaults.
pub(crate) fn settings(url: &str) -> PostgresSettings {
    PostgresSettings {
        url: url.parse().unwrap(),
        pool_size: 10,
        acquire_timeout_ms: 2_500,
        statement_timeout_ms: 5_000,
        outbox_limit: 0,
    }
}

pub(crate) fn repository(settings: &PostgresSettings) -> PostgresTasks {
    PostgresTasks::new(PostgresPool::new(settings), Arc::default())
}

pub(crate) async fn migrated() -> Database {
    let database = Database::create().await;
    migrate(&database.url().parse().unwrap()).await.unwrap();
    database
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let database = migrated().await;
        let written = Arc::new(Notify::new());
        let pool = PostgresPool::new(&settings(database.url()));
        let tasks = PostgresTasks::new(pool, written.clone());
        Self {
            tasks,
            written,
            database,
        }
    }

    /// A stored task without a parent.
    pub(crate) async fn stored(&self) -> Task {
        let task = new_task(fields("stored"));
        self.tasks.create(&task, &created(&task)).await.unwrap();
        task
    }
}

pub(crate) async fn count(spy: &mut PgConnection, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(spy).await.unwrap()
}

pub(crate) async fn execute(spy: &mut PgConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(spy).await.unwrap();
}

/// Waits until the query, which returns one boolean, says yes.
pub(crate) async fn eventually(spy: &mut PgConnection, query: &'static str) {
    let condition = async {
        while !sqlx::query_scalar::<_, bool>(query)
            .fetch_one(&mut *spy)
            .await
            .unwrap()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), condition)
        .await
        .unwrap_or_else(|_| panic!("never came true: {query}"));
}
