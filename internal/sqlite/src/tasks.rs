//! The repository of tasks.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::OptionalExtension;
use taskwire_domain::{
    AnsweredClaim, Decision, DeletedTask, EncodedEvent, Error, KeyClaim, ListQuery, Once, Receipt, Task,
    TaskId, TaskRepository, Timestamp, Version, Written,
};

use crate::SqliteDatabase;
use crate::changes::{Create, Delete, Update};
use crate::claims::{CreateOnce, ForgetClaims};
use crate::columns::{EventColumns, TaskColumns, read_task, uuid_bytes};
use crate::deciding::Decide;
use crate::list::read_page;
use crate::view::TASK;

const SIGNING_KEY: &str = "select value from meta where name = 'signing_key'";

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
        self.database.write(creation(task, event)?).await
    }

    async fn create_once(
        &self,
        task: &Task,
        event: &EncodedEvent,
        claim: &AnsweredClaim,
    ) -> Result<Once<()>, Error> {
        let command = CreateOnce {
            create: creation(task, event)?,
            claim: claim.clone(),
        };
        self.database.write(command).await
    }

    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        let command = Update {
            task: TaskColumns::new(task.clone())?,
            expected,
            event: EventColumns::new(event)?,
        };
        self.database.write(command).await
    }

    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        let command = Delete {
            deleted: deleted.clone(),
            expected,
            event: EventColumns::new(event)?,
        };
        self.database.write(command).await
    }

    async fn find(&self, id: TaskId) -> Result<Option<Task>, Error> {
        let readers = self.database.readers();
        let find = readers.read("a task could not be read", move |connection| {
            let mut find = connection.prepare_cached(TASK)?;
            find.query_row([uuid_bytes(id)], read_task).optional()
        });
        find.await
    }

    async fn decide(
        &self,
        decision: Arc<dyn Decision>,
        claim: Option<&KeyClaim>,
    ) -> Result<Once<Vec<Result<Receipt, Error>>>, Error> {
        let claim = claim.cloned();
        self.database.write(Decide { decision, claim }).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Task>, Error> {
        let query = query.clone();
        let readers = self.database.readers();
        let page = readers.read("a list could not be read", move |connection| {
            read_page(connection, &query)
        });
        page.await
    }

    async fn signing_key(&self) -> Result<[u8; 32], Error> {
        let readers = self.database.readers();
        let key = readers.read("the signing key could not be read", |connection| {
            connection
                .prepare_cached(SIGNING_KEY)?
                .query_row([], |row| row.get(0))
        });
        key.await
    }

    async fn forget_claims(&self, claimed_before: Timestamp, at_most: u32) -> Result<u64, Error> {
        let command = ForgetClaims {
            claimed_before,
            at_most,
        };
        // It can wait, and must not take a caller's place in a queue that is full.
        self.database.write_patiently(command).await
    }
}

fn creation(task: &Task, event: &EncodedEvent) -> Result<Create, Error> {
    Ok(Create {
        task: TaskColumns::new(task.clone())?,
        event: EventColumns::new(event)?,
    })
}
