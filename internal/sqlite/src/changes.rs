//! Changes of single tasks. The outbox row comes after the task's, and only if that one changed: no event without its
//! change.

use rusqlite::{Connection, OptionalExtension, params};
use taskwire_domain::{
    Categories, Conflict, DeletedTask, Error, TaskId, Timestamp, Version, Written, unknown_parent,
};

use crate::columns::{
    EventColumns, TaskColumns, read_categories, read_optional_id, read_time, task_columns, uuid_bytes,
};
use crate::command::{Command, Done, Failure, Stage};
use crate::error::{Constraint, broken_constraint};
use crate::hierarchy::survey;
use crate::labels;

const INSERT: &str = concat!(
    "insert into tasks (",
    task_columns!(),
    ") values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
);

/// Without the time of creation, which never changes, and without the id: SQLite would look for sub-tasks of a task whose
/// id is written.
const UPDATE: &str = "
    update tasks
    set version = ?2, external_id = ?3, description = ?4, priority = ?5, start_at = ?6, due_at = ?7, is_done = ?8,
        parent_id = ?9, categories = ?10, updated_at = ?12, completed_at = ?13
    where id = ?1";

const DELETE: &str = "delete from tasks where id = ?1";

const REMEMBER: &str = "insert into deleted_tasks (id, version, deleted_at) values (?1, ?2, ?3)";

const ANNOUNCE: &str = "insert into outbox (task_id, version, payload, headers) values (?1, ?2, ?3, ?4)";

const STANDING: &str = "select parent_id, categories, created_at from tasks where id = ?1 and version = ?2";

/// Store a new task.
pub(crate) struct Create {
    pub(crate) task: TaskColumns,
    pub(crate) event: EventColumns,
}

/// Replace a task that is at this version.
pub(crate) struct Update {
    pub(crate) task: TaskColumns,
    pub(crate) expected: Version,
    pub(crate) event: EventColumns,
}

/// Delete a task that is at this version.
pub(crate) struct Delete {
    pub(crate) deleted: DeletedTask,
    pub(crate) expected: Version,
    pub(crate) event: EventColumns,
}

/// The id of a change's event in the outbox, or nothing because the task is at another version.
pub(crate) type Announced = Option<i64>;

impl Command for Create {
    type Answer = ();

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<()>, Failure> {
        let event = self.apply(stage.connection)?;
        Ok(Done {
            answer: (),
            last_event: Some(event),
        })
    }
}

impl Command for Update {
    type Answer = Written;

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<Written>, Failure> {
        self.apply(stage.connection).map(written)
    }
}

impl Command for Delete {
    type Answer = Written;

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<Written>, Failure> {
        self.apply(stage.connection).map(written)
    }
}

impl Create {
    /// The id of its event.
    pub(crate) fn apply(&self, connection: &Connection) -> Result<i64, Failure> {
        let task = &self.task.task;
        if let Some(parent) = task.fields.parent_id {
            survey(connection, parent, task.id)?.judge()?;
        }
        let mut insert = connection.prepare_cached(INSERT)?;
        self.task.bind(&mut insert)?;
        insert.raw_execute().map_err(refused_fields)?;
        labels::add(connection, task.id, task.created_at, &task.fields.categories)?;
        Ok(announce(connection, &self.event)?)
    }
}

impl Update {
    pub(crate) fn apply(&self, connection: &Connection) -> Result<Announced, Failure> {
        let next = &self.task.task;
        let Some(standing) = standing(connection, next.id, self.expected)? else {
            return Ok(None);
        };
        if let Some(parent) = next.fields.parent_id
            && standing.parent_id != Some(parent)
        {
            survey(connection, parent, next.id)?.judge()?;
        }
        let mut update = connection.prepare_cached(UPDATE)?;
        self.task.bind(&mut update)?;
        update.raw_execute().map_err(refused_fields)?;
        let categories = &next.fields.categories;
        if standing.categories != *categories {
            labels::remove(connection, next.id, standing.created_at, &standing.categories)?;
            labels::add(connection, next.id, standing.created_at, categories)?;
        }
        Ok(Some(announce(connection, &self.event)?))
    }
}

impl Delete {
    pub(crate) fn apply(&self, connection: &Connection) -> Result<Announced, Failure> {
        let Some(standing) = standing(connection, self.deleted.id, self.expected)? else {
            return Ok(None);
        };
        let id = uuid_bytes(self.deleted.id);
        connection
            .prepare_cached(DELETE)?
            .execute([id])
            .map_err(|fault| match broken_constraint(&fault) {
                Some(Constraint::ParentExists) => Failure::Refused(Error::Conflict(Conflict::HasSubtasks)),
                Some(Constraint::ExternalIdUnique) | None => Failure::Fault(fault),
            })?;
        labels::remove(
            connection,
            self.deleted.id,
            standing.created_at,
            &standing.categories,
        )?;
        let deleted_at = self.deleted.deleted_at.unix_millis();
        let remains = params![id, self.deleted.version.get(), deleted_at];
        connection.prepare_cached(REMEMBER)?.execute(remains)?;
        Ok(Some(announce(connection, &self.event)?))
    }
}

fn written(event: Announced) -> Done<Written> {
    Done {
        answer: event.map_or(Written::Stale, |_| Written::Applied),
        last_event: event,
    }
}

fn announce(connection: &Connection, event: &EventColumns) -> rusqlite::Result<i64> {
    connection.prepare_cached(ANNOUNCE)?.execute(params![
        uuid_bytes(event.task_id),
        event.version.get(),
        &event.payload[..],
        event.headers,
    ])?;
    Ok(connection.last_insert_rowid())
}

/// What of a task has to be known before it changes.
struct Standing {
    parent_id: Option<TaskId>,
    categories: Categories,
    created_at: Timestamp,
}

/// `None` if the task is not there or at another version.
fn standing(connection: &Connection, id: TaskId, version: Version) -> rusqlite::Result<Option<Standing>> {
    let mut select = connection.prepare_cached(STANDING)?;
    let standing = select.query_row(params![uuid_bytes(id), version.get()], |row| {
        Ok(Standing {
            parent_id: read_optional_id(row, 0)?,
            categories: read_categories(row, 1)?,
            created_at: read_time(row, 2)?,
        })
    });
    standing.optional()
}

fn refused_fields(fault: rusqlite::Error) -> Failure {
    match broken_constraint(&fault) {
        Some(Constraint::ExternalIdUnique) => Failure::Refused(Error::Conflict(Conflict::ExternalIdTaken)),
        Some(Constraint::ParentExists) => Failure::Refused(unknown_parent()),
        None => Failure::Fault(fault),
    }
}
