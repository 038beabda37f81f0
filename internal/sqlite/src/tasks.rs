//! The repository of tasks.

use async_trait::async_trait;
use rusqlite::OptionalExtension;
use taskwire_domain::{DeletedTask, EncodedEvent, Error, Task, TaskId, TaskRepository, Version, Written};

use crate::SqliteDatabase;
use crate::columns::{EventColumns, TaskColumns, read_task, task_columns, uuid_bytes};
use crate::statements::Command;

const FIND: &str = concat!("select ", task_columns!(), " from tasks where id = ?1");

/// [`TaskRepository`] on the database.
///
/// A write whose future is dropped is not undone: it is applied as a whole, with its event, or not at all.
#[derive(Debug, Clone)]
pub struct SqliteTasks {
    database: SqliteDatabase,
}

impl SqliteTasks {
    /// The tasks in this database.
    pub fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

#[async_trait]
impl TaskRepository for SqliteTasks {
    async fn create(&self, task: &Task, event: &EncodedEvent) -> Result<(), Error> {
        let command = Command::Create(TaskColumns::new(task)?, EventColumns::new(event)?);
        self.database.write(command).await.map(drop)
    }

    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        let command = Command::Update(TaskColumns::new(task)?, expected, EventColumns::new(event)?);
        self.database.write(command).await
    }

    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        let command = Command::Delete(deleted.clone(), expected, EventColumns::new(event)?);
        self.database.write(command).await
    }

    async fn find(&self, id: TaskId) -> Result<Option<Task>, Error> {
        let readers = self.database.readers();
        let find = readers.read("a task could not be read", move |connection| {
            let mut find = connection.prepare_cached(FIND)?;
            find.query_row([uuid_bytes(id)], read_task).optional()
        });
        find.await
    }
}
