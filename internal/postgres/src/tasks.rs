//! The repository of tasks.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Connection as _, Postgres};
use taskwire_domain::{
    Conflict, DeletedTask, EncodedEvent, Error, Task, TaskId, TaskRepository, Version, Written,
    unknown_parent,
};
use tokio::sync::Notify;

use crate::PostgresPool;
use crate::checkout::within;
use crate::error::{Constraint, at_commit, broken_constraint, not_applied};
use crate::hierarchy::{self, Placement};
use crate::row::{TaskRow, bind_event, bind_task};

// In every write the outbox row is made from what the write of the task returned. So there is no event without its
// change, and the outbox id is drawn after the task's row was locked: for one task, ids grow with versions.

const INSERT: &str = "
    with created as (
        insert into tasks (id, external_id, description, priority, start_at, due_at, is_done, parent_id, categories,
                           created_at, updated_at, completed_at, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        returning id
    )
    insert into outbox (task_id, version, payload, headers) select id, $13, $14, $15 from created";

macro_rules! update_where {
    ($condition:literal) => {
        concat!(
            "with changed as (
                update tasks
                set external_id = $2, description = $3, priority = $4, start_at = $5, due_at = $6, is_done = $7,
                    parent_id = $8, categories = $9, created_at = $10, updated_at = $11, completed_at = $12,
                    version = $13
                where id = $1 and version = $16 and ",
            $condition,
            " returning id
            )
            insert into outbox (task_id, version, payload, headers) select id, $13, $14, $15 from changed"
        )
    };
}

/// Passes over a task that would get another parent, for that needs the tree's lock.
const UPDATE_IN_PLACE: &str = update_where!("($8 is null or parent_id = $8)");

const UPDATE: &str = update_where!("true");

const DELETE: &str = "
    with gone as (delete from tasks where id = $1 and version = $2 returning id),
    remembered as (insert into deleted_tasks (id, version, deleted_at) select id, $3, $4 from gone)
    insert into outbox (task_id, version, payload, headers) select id, $3, $5, $6 from gone";

const FIND: &str = "
    select id, external_id, description, priority, start_at, due_at, is_done, parent_id, categories,
           created_at, updated_at, completed_at, version
    from tasks where id = $1";

const IS_AT_VERSION: &str = "select exists (select from tasks where id = $1 and version = $2)";

type Write<'q> = Query<'q, Postgres, PgArguments>;

/// [`TaskRepository`] on a pool of connections.
///
/// A write whose future is dropped is not undone: it is applied as a whole, with its event, or not at all, and its
/// connection is closed. The relay may then learn of it only when it looks by itself.
pub struct PostgresTasks {
    pub(crate) pool: PostgresPool,
    written: Arc<Notify>,
}

impl PostgresTasks {
    /// `written` is notified after every commit, so that a relay in the same process need not wait until it looks by
    /// itself.
    pub fn new(pool: PostgresPool, written: Arc<Notify>) -> Self {
        Self { pool, written }
    }

    /// Sends a write that commits itself.
    async fn autocommit(
        &self,
        context: &'static str,
        write: Write<'_>,
        refusal: fn(Constraint) -> Error,
    ) -> Result<Written, Error> {
        let mut connection = self.pool.checkout().await?;
        let outcome = within(connection.limit(), write.execute(&mut *connection)).await;
        let done = connection
            .finish(outcome)
            .map_err(|error| match broken_constraint(&error) {
                Some(constraint) => refusal(constraint),
                None => at_commit(context, error),
            })?;
        Ok(self.report(done.rows_affected()))
    }

    /// Sends a write that puts `task` below `parent`, in a transaction that first makes sure that it may.
    async fn place(
        &self,
        placement: Placement,
        parent: TaskId,
        task: TaskId,
        write: Write<'_>,
    ) -> Result<Written, Error> {
        const CONTEXT: &str = "a task could not be placed below its parent";
        let mut connection = self.pool.checkout().await?;
        let mut commit_sent = false;
        let outcome = within(connection.limit(), async {
            let mut transaction = connection.begin().await?;
            hierarchy::lock_tree(&mut transaction, placement).await?;
            if let Err(refused) = hierarchy::judge(&mut transaction, parent, task).await? {
                transaction.rollback().await?;
                return Ok(Err(refused));
            }
            let done = write.execute(&mut *transaction).await?;
            commit_sent = true;
            transaction.commit().await?;
            Ok(Ok(done.rows_affected()))
        })
        .await;
        match connection.finish(outcome) {
            Ok(judged) => judged.map(|rows| self.report(rows)),
            Err(error) => Err(match broken_constraint(&error) {
                Some(constraint) => refused_fields(constraint),
                None if commit_sent => at_commit(CONTEXT, error),
                None => not_applied(CONTEXT, error),
            }),
        }
    }

    /// A write that applies makes one outbox row.
    fn report(&self, outbox_rows: u64) -> Written {
        if outbox_rows == 0 {
            return Written::Stale;
        }
        self.written.notify_one();
        Written::Applied
    }

    async fn is_at_version(&self, id: TaskId, version: Version) -> Result<bool, Error> {
        let mut connection = self.pool.checkout().await?;
        let query = sqlx::query_scalar(IS_AT_VERSION)
            .bind(id.as_uuid())
            .bind(version.get());
        let outcome = within(connection.limit(), query.fetch_one(&mut *connection)).await;
        connection
            .finish(outcome)
            .map_err(|error| not_applied("the version of a task could not be read", error))
    }
}

#[async_trait]
impl TaskRepository for PostgresTasks {
    async fn create(&self, task: &Task, event: &EncodedEvent) -> Result<(), Error> {
        let insert = bind_event(bind_task(sqlx::query(INSERT), task), event);
        match task.fields.parent_id {
            None => {
                self.autocommit("a task could not be created", insert, refused_fields)
                    .await?
            }
            Some(parent) => self.place(Placement::Added, parent, task.id, insert).await?,
        };
        Ok(())
    }

    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        let bound =
            |statement| bind_event(bind_task(sqlx::query(statement), task), event).bind(expected.get());
        let written = self
            .autocommit(
                "a task could not be updated",
                bound(UPDATE_IN_PLACE),
                refused_fields,
            )
            .await?;
        match (written, task.fields.parent_id) {
            // Nothing was applied: the version is another, or it is the parent that changes.
            (Written::Stale, Some(parent)) if self.is_at_version(task.id, expected).await? => {
                self.place(Placement::Moved, parent, task.id, bound(UPDATE)).await
            }
            _ => Ok(written),
        }
    }

    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        let delete = sqlx::query(DELETE)
            .bind(deleted.id.as_uuid())
            .bind(expected.get())
            .bind(deleted.version.get())
            .bind(deleted.deleted_at.as_utc());
        self.autocommit(
            "a task could not be deleted",
            bind_event(delete, event),
            refused_deletion,
        )
        .await
    }

    async fn find(&self, id: TaskId) -> Result<Option<Task>, Error> {
        let mut connection = self.pool.checkout().await?;
        let query = sqlx::query_as(FIND).bind(id.as_uuid());
        let outcome = within(connection.limit(), query.fetch_optional(&mut *connection)).await;
        let row: Option<TaskRow> = connection
            .finish(outcome)
            .map_err(|error| not_applied("a task could not be read", error))?;
        Ok(row.map(|TaskRow(task)| task))
    }
}

fn refused_fields(broken: Constraint) -> Error {
    match broken {
        Constraint::ExternalIdUnique => Error::Conflict(Conflict::ExternalIdTaken),
        // It was deleted between our look at it and the write.
        Constraint::ParentExists => unknown_parent(),
    }
}

fn refused_deletion(broken: Constraint) -> Error {
    match broken {
        Constraint::ParentExists => Error::Conflict(Conflict::HasSubtasks),
        // A deletion writes no external id; the match is here to be exhaustive.
        Constraint::ExternalIdUnique => Error::Conflict(Conflict::ExternalIdTaken),
    }
}
