//! The repository of tasks.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::PgArguments;
use sqlx::postgres::PgConnection;
use sqlx::query::Query;
use sqlx::{Connection as _, Postgres};
use taskwire_domain::{
    AnsweredClaim, Conflict, Decision, DeletedTask, EncodedEvent, Error, KeyClaim, ListQuery, Once, Receipt,
    Task, TaskId, TaskRepository, Timestamp, Version, Written, unknown_parent,
};
use tokio::sync::Notify;

use crate::checkout::within;
use crate::claims::{self, bind_claim, claim, claim_key};
use crate::deadlock::sent_again;
use crate::decide::{Decided, decide};
use crate::error::{Constraint, at_commit, broken_constraint, not_applied, waited_for_twin};
use crate::hierarchy::{self, TreeLock};
use crate::row::{TaskRow, bind_event, bind_task, task_columns};
use crate::{OutboxBound, PostgresPool};
use crate::{list, signing_key};

// In every write the outbox row is made from what the write of the task returned. So there is no event without its
// change, and the outbox id is drawn after the task's row was locked: for one task, ids grow with versions.

const INSERT: &str = concat!(
    "with created as (insert into tasks (",
    task_columns!(),
    ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning id)
    insert into outbox (task_id, version, payload, headers) select id, $13, $14, $15 from created"
);

/// The task is made from the row of the claim. So the claim comes first, and its wait for a twin too, whatever the
/// planner does; and without it there is neither task nor event.
const INSERT_ONCE: &str = concat!(
    "with claimed as (",
    claim!("$16", "$17", "$18", "$19", "$20", "$21"),
    " returning key),
    created as (insert into tasks (",
    task_columns!(),
    ") select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 from claimed returning id)
    insert into outbox (task_id, version, payload, headers) select id, $13, $14, $15 from created"
);

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

const FIND: &str = concat!("select ", task_columns!(), " from tasks where id = $1");

const IS_AT_VERSION: &str = "select exists (select from tasks where id = $1 and version = $2)";

type Write<'q> = Query<'q, Postgres, PgArguments>;

/// How a task comes to be below its parent.
#[derive(Clone, Copy)]
enum Placement<'c> {
    /// It is new, and perhaps created once for a key.
    Added(Option<&'c AnsweredClaim>),
    /// It was elsewhere, at this version, perhaps with tasks below it.
    Moved(Version),
}

/// [`TaskRepository`] on a pool of connections.
///
/// A write whose future is dropped is not undone: it is applied as a whole, with its event, or not at all, and its
/// connection is closed. The relay may then learn of it only when it looks by itself.
pub struct PostgresTasks {
    pub(crate) pool: PostgresPool,
    pub(crate) bound: Arc<OutboxBound>,
    written: Arc<Notify>,
}

impl PostgresTasks {
    /// `written` is notified after every commit, so that a relay in the same process need not wait until it looks by
    /// itself.
    pub fn new(pool: PostgresPool, written: Arc<Notify>) -> Self {
        let bound = Arc::new(OutboxBound::new(0));
        Self { pool, bound, written }
    }

    /// Writes are refused while this bound is reached.
    #[must_use]
    pub fn bounded_by(mut self, bound: Arc<OutboxBound>) -> Self {
        self.bound = bound;
        self
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
            .map_err(|error| refused(&error, refusal).unwrap_or_else(|| at_commit(context, error)))?;
        Ok(self.report(done.rows_affected()))
    }

    /// Sends a write that puts `task` below `parent`, in a transaction that first makes sure that it may. Stale if the
    /// key is taken.
    async fn place(
        &self,
        placement: Placement<'_>,
        parent: TaskId,
        task: TaskId,
        write: Write<'_>,
    ) -> Result<Written, Error> {
        const CONTEXT: &str = "a task could not be placed below its parent";
        let mut connection = self.pool.checkout().await?;
        let mut commit_sent = false;
        let outcome = within(connection.limit(), async {
            let mut transaction = connection.begin().await?;
            if let Some(end) = may_be_placed(&mut transaction, placement, parent, task).await? {
                transaction.rollback().await?;
                return Ok(end);
            }
            let done = write.execute(&mut *transaction).await?;
            commit_sent = true;
            transaction.commit().await?;
            Ok(Ok(self.report(done.rows_affected())))
        })
        .await;
        connection.finish(outcome).unwrap_or_else(|error| {
            Err(match refused(&error, refused_fields) {
                Some(refused) => refused,
                None if commit_sent => at_commit(CONTEXT, error),
                None => not_applied(CONTEXT, error),
            })
        })
    }

    async fn insert(&self, task: &Task, event: &EncodedEvent) -> Result<Written, Error> {
        let insert = bind_event(bind_task(sqlx::query(INSERT), task), event);
        match task.fields.parent_id {
            None => {
                self.autocommit("a task could not be created", insert, refused_fields)
                    .await
            }
            Some(parent) => self.place(Placement::Added(None), parent, task.id, insert).await,
        }
    }

    /// Stale if the key is taken.
    async fn insert_once(
        &self,
        task: &Task,
        event: &EncodedEvent,
        answered: &AnsweredClaim,
    ) -> Result<Written, Error> {
        let bound = |statement| bind_event(bind_task(sqlx::query(statement), task), event);
        match task.fields.parent_id {
            None => {
                let insert = bind_claim(bound(INSERT_ONCE), &answered.claim, &answered.answer);
                self.autocommit("a task could not be created once", insert, refused_fields)
                    .await
            }
            Some(parent) => {
                let placement = Placement::Added(Some(answered));
                self.place(placement, parent, task.id, bound(INSERT)).await
            }
        }
    }

    async fn replace(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
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
                let placement = Placement::Moved(expected);
                self.place(placement, parent, task.id, bound(UPDATE)).await
            }
            _ => Ok(written),
        }
    }

    async fn remove(
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
        let outcome = within(connection.limit(), is_at_version(&mut connection, id, version)).await;
        connection
            .finish(outcome)
            .map_err(|error| not_applied("the version of a task could not be read", error))
    }
}

#[async_trait]
impl TaskRepository for PostgresTasks {
    async fn create(&self, task: &Task, event: &EncodedEvent) -> Result<(), Error> {
        self.bound.admit()?;
        sent_again(|| self.insert(task, event)).await?;
        Ok(())
    }

    async fn create_once(
        &self,
        task: &Task,
        event: &EncodedEvent,
        claim: &AnsweredClaim,
    ) -> Result<Once<()>, Error> {
        self.bound.admit()?;
        for _ in 0..claims::MAX_ATTEMPTS {
            if sent_again(|| self.insert_once(task, event, claim)).await? == Written::Applied {
                return Ok(Once::First(()));
            }
            if let Some(answer) = claims::remembered(&self.pool, &claim.claim).await? {
                return Ok(Once::Taken(answer));
            }
        }
        Err(Error::Conflict(Conflict::TwinInFlight))
    }

    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        self.bound.admit()?;
        sent_again(|| self.replace(task, expected, event)).await
    }

    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        self.bound.admit()?;
        sent_again(|| self.remove(deleted, expected, event)).await
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

    async fn decide(
        &self,
        decision: Arc<dyn Decision>,
        claim: Option<&KeyClaim>,
    ) -> Result<Once<Vec<Result<Receipt, Error>>>, Error> {
        self.bound.admit()?;
        for _ in 0..claims::MAX_ATTEMPTS {
            match (decide(&self.pool, &decision, claim).await?, claim) {
                (Decided::Changed(results), _) => {
                    self.written.notify_one();
                    return Ok(Once::First(results));
                }
                (Decided::Unchanged(results), _) => return Ok(Once::First(results)),
                (Decided::Taken, Some(claim)) => {
                    if let Some(answer) = claims::remembered(&self.pool, claim).await? {
                        return Ok(Once::Taken(answer));
                    }
                }
                // Without a claim none is taken.
                (Decided::Taken, None) => {}
            }
        }
        Err(Error::Conflict(Conflict::TwinInFlight))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Task>, Error> {
        list::page(&self.pool, query).await
    }

    async fn signing_key(&self) -> Result<[u8; 32], Error> {
        signing_key::read(&self.pool).await
    }

    async fn forget_claims(&self, claimed_before: Timestamp, at_most: u32) -> Result<u64, Error> {
        claims::forget(&self.pool, claimed_before, at_most).await
    }
}

async fn is_at_version(
    connection: &mut PgConnection,
    id: TaskId,
    version: Version,
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query_scalar(IS_AT_VERSION)
        .bind(id.as_uuid())
        .bind(version.get());
    query.fetch_one(connection).await
}

/// What ends a placement before its write; `None` if nothing does.
async fn may_be_placed(
    transaction: &mut PgConnection,
    placement: Placement<'_>,
    parent: TaskId,
    task: TaskId,
) -> Result<Option<Result<Written, Error>>, sqlx::Error> {
    let lock = match placement {
        Placement::Added(Some(answered)) => {
            // Before the tree is looked at: whether the parent is still there is no matter to one who comes again.
            if !claim_key(transaction, &answered.claim, &answered.answer).await? {
                return Ok(Some(Ok(Written::Stale)));
            }
            TreeLock::Shared
        }
        Placement::Added(None) => TreeLock::Shared,
        Placement::Moved(_) => TreeLock::Exclusive,
    };
    hierarchy::lock_tree(transaction, lock).await?;
    let Err(refused) = hierarchy::judge(transaction, parent, task).await? else {
        return Ok(None);
    };
    if let Placement::Moved(expected) = placement
        && !is_at_version(transaction, task, expected).await?
    {
        // While we waited for the lock, the task was changed, or deleted together with its new parent.
        return Ok(Some(Ok(Written::Stale)));
    }
    Ok(Some(Err(refused)))
}

/// What the server refused for a reason that a caller can know.
fn refused(error: &sqlx::Error, by_constraint: fn(Constraint) -> Error) -> Option<Error> {
    if waited_for_twin(error) {
        return Some(Error::Conflict(Conflict::TwinInFlight));
    }
    broken_constraint(error).map(by_constraint)
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
