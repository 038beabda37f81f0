//! A migrated database of its own for each test, and tasks to put into it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use taskwire_domain::{
    Categories, Clock as _, Dates, DeletedTask, Description, EncodedEvent, IdSource as _, Priority,
    SystemClock, SystemIds, Task, TaskEvent, TaskFields, TaskRepository as _, Version,
};
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

pub(crate) fn fields(description: &str) -> TaskFields {
    TaskFields {
        external_id: None,
        description: Description::parse(description.into()).unwrap(),
        priority: Priority::None,
        dates: Dates::default(),
        is_done: false,
        parent_id: None,
        categories: Categories::default(),
    }
}

pub(crate) fn new_task(fields: TaskFields) -> Task {
    Task::create(SystemIds.next_id(), fields, SystemClock.now())
}

pub(crate) fn below(parent: &Task) -> Task {
    new_task(TaskFields {
        parent_id: Some(parent.id),
        ..fields("below")
    })
}

/// The next version of `task`, below `parent`.
pub(crate) fn moved(task: &Task, parent: Option<&Task>) -> Task {
    let fields = TaskFields {
        parent_id: parent.map(|parent| parent.id),
        ..task.fields.clone()
    };
    task.with_fields(fields, SystemClock.now()).unwrap()
}

/// The next version of `task`, with another description.
pub(crate) fn described(task: &Task, description: &str) -> Task {
    let fields = TaskFields {
        description: Description::parse(description.into()).unwrap(),
        ..task.fields.clone()
    };
    task.with_fields(fields, SystemClock.now()).unwrap()
}

pub(crate) fn created(task: &Task) -> EncodedEvent {
    TaskEvent::Created(task).encode(None).unwrap()
}

pub(crate) fn updated(task: &Task) -> EncodedEvent {
    TaskEvent::Updated(task).encode(None).unwrap()
}

/// What remains of `task`, its version, and the event.
pub(crate) fn deletion(task: &Task) -> (DeletedTask, Version, EncodedEvent) {
    let deleted = DeletedTask {
        id: task.id,
        version: task.version.next(),
        deleted_at: SystemClock.now(),
    };
    let event = TaskEvent::Deleted(&deleted).encode(None).unwrap();
    (deleted, task.version, event)
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
