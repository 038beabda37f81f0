//! The rules that every repository keeps.

#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test is the failure being looked for"
)]

#[allow(dead_code, unused_imports, reason = "the other target uses more of it")]
#[path = "engines/fixture.rs"]
mod fixture;

use std::sync::Arc;

use async_trait::async_trait;
use fixture::{execute, migrated, repository, settings};
use taskwire_conformance::repository;
use taskwire_domain::{DeletedTask, Outbox as _, OutboxRecord, TaskId, TaskRepository, Timestamp, Version};
use taskwire_postgres::PostgresOutbox;
use taskwire_testkit::Database;
use uuid::Uuid;

/// A database whose transactions are "repeatable read" unless they say otherwise, or one with PostgreSQL's default.
struct Postgres<const REPEATABLE_READ: bool> {
    repository: Arc<dyn TaskRepository>,
    database: Database,
}

#[async_trait(?Send)]
impl<const REPEATABLE_READ: bool> repository::Backend for Postgres<REPEATABLE_READ> {
    const FEATURES: repository::Features = repository::Features {
        several_processes: true,
    };

    async fn start() -> Self {
        let database = migrated().await;
        if REPEATABLE_READ {
            let setting = "do $$ begin execute format(
                'alter database %I set default_transaction_isolation = %L', current_database(), 'repeatable read');
            end $$";
            execute(&mut database.connect().await, setting).await;
        }
        Self {
            repository: Arc::new(repository(&settings(database.url()))),
            database,
        }
    }

    fn repository(&self) -> Arc<dyn TaskRepository> {
        self.repository.clone()
    }

    async fn as_another_process(&self) -> Result<Arc<dyn TaskRepository>, String> {
        Ok(Arc::new(repository(&settings(self.database.url()))))
    }

    async fn outbox(&self) -> Vec<OutboxRecord> {
        let outbox = PostgresOutbox::new(&self.database.url().parse().unwrap());
        let mut session = outbox.elect().await.unwrap().unwrap();
        let records = session.read(100_000, &[]).await.unwrap();
        session.resign().await.unwrap();
        records
    }

    async fn deleted_tasks(&self) -> Vec<DeletedTask> {
        let rows: Vec<(Uuid, i64, chrono::DateTime<chrono::Utc>)> =
            sqlx::query_as("select id, version, deleted_at from deleted_tasks")
                .fetch_all(&mut self.database.connect().await)
                .await
                .unwrap();
        let deleted = rows.into_iter().map(|(id, version, deleted_at)| DeletedTask {
            id: TaskId::from_uuid(id),
            version: Version::new(version).unwrap(),
            deleted_at: Timestamp::from_utc(deleted_at),
        });
        deleted.collect()
    }
}

taskwire_conformance::repository_suite!(Postgres<false>);

/// A transaction would look at the tree as it was before it waited for its lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn moves_exclude_one_another_whatever_the_database_takes_for_isolation() {
    repository::crowd::of_two_moves_that_would_make_a_cycle_exactly_one_wins::<Postgres<true>>().await;
}
