//! The rules that every repository and every event source keeps.

#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test is the failure being looked for"
)]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use support::{Fixture, deleted_tasks, outbox};
use taskwire_conformance::{repository, source};
use taskwire_domain::{DeletedTask, EventSource, OutboxRecord, TaskRepository, Version, Written};
use taskwire_sqlite::{SqliteSource, SqliteTasks};

#[async_trait(?Send)]
impl repository::Backend for Fixture {
    const FEATURES: repository::Features = repository::Features {
        several_processes: false,
    };

    async fn start() -> Self {
        Self::new()
    }

    fn repository(&self) -> Arc<dyn TaskRepository> {
        Arc::new(self.tasks.clone())
    }

    async fn as_another_process(&self) -> Result<Arc<dyn TaskRepository>, String> {
        let opened = self.folder.try_open();
        let tasks = opened
            .map(SqliteTasks::new)
            .map_err(|refused| refused.to_string())?;
        Ok(Arc::new(tasks))
    }

    async fn outbox(&self) -> Vec<OutboxRecord> {
        outbox(&self.folder.spy())
    }

    async fn deleted_tasks(&self) -> Vec<DeletedTask> {
        deleted_tasks(&self.folder.spy())
    }
}

#[async_trait(?Send)]
impl source::Backend for Fixture {
    const FEATURES: source::Features = source::Features { partitions: 1 };

    async fn start() -> Self {
        Self::new()
    }

    async fn publish(&self, changes: &[source::Change]) {
        for source::Change { task, event } in changes {
            match Version::new(task.version.get() - 1) {
                None => self.tasks.create(task, event).await.unwrap(),
                Some(before) => {
                    let written = self.tasks.update(task, before, event).await.unwrap();
                    assert_eq!(written, Written::Applied);
                }
            }
        }
    }

    async fn open(&self) -> Box<dyn EventSource> {
        Box::new(SqliteSource::new(self.database.clone()))
    }
}

mod as_repository {
    taskwire_conformance::repository_suite!(super::Fixture);
}

mod as_source {
    taskwire_conformance::source_suite!(super::Fixture);
}
