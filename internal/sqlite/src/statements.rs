//! What each command does within the transaction of its batch. The outbox row comes after the task's, and only if that
//! one changed: no event without its change.

use rusqlite::{Connection, OptionalExtension, params};
use taskwire_domain::{Conflict, DeletedTask, Error, TaskId, Version, unknown_parent};

use crate::columns::{EventColumns, TaskColumns, task_columns, uuid_bytes};
use crate::error::{Constraint, broken_constraint};
use crate::hierarchy::survey;

const INSERT: &str = concat!(
    "insert into tasks (",
    task_columns!(),
    ") values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
);

/// Without the id: SQLite would look for sub-tasks of a task whose id is written.
const UPDATE: &str = "
    update tasks
    set version = ?2, external_id = ?3, description = ?4, priority = ?5, start_at = ?6, due_at = ?7, is_done = ?8,
        parent_id = ?9, categories = ?10, created_at = ?11, updated_at = ?12, completed_at = ?13
    where id = ?1 and version = ?14";

const DELETE: &str = "delete from tasks where id = ?1 and version = ?2";

const REMEMBER: &str = "insert into deleted_tasks (id, version, deleted_at) values (?1, ?2, ?3)";

const ANNOUNCE: &str = "insert into outbox (task_id, version, payload, headers) values (?1, ?2, ?3, ?4)";

const PARENT_AT_VERSION: &str = "select parent_id from tasks where id = ?1 and version = ?2";

/// Writing to the file and changing nothing in it.
const TOUCH: &str = "update meta set value = value where name = 'database_id'";

const TRIM: &str = "delete from outbox where id < ?1";

/// An event is parked once, however often it is tried.
const PARK: &str = "
    insert into dead_letters (outbox_id, reason, detail, parked_at, key, value, headers)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    on conflict (outbox_id) do nothing";

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Store a new task.
    Create(TaskColumns, EventColumns),
    /// Replace a task that is at this version.
    Update(TaskColumns, Version, EventColumns),
    /// Delete a task that is at this version.
    Delete(DeletedTask, Version, EventColumns),
    /// Keep letters.
    Park(Vec<Letter>),
    /// Nothing besides what every batch does: delete the events that are done with.
    Trim,
    /// Find out whether writes go through; if the last ones did not, by writing.
    Probe,
}

/// A dead letter ready to be bound.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) outbox_id: i64,
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
    pub(crate) parked_at: i64,
    pub(crate) key: Option<bytes::Bytes>,
    pub(crate) value: Option<bytes::Bytes>,
    pub(crate) headers: String,
}

/// A write that was refused with an error for its caller, or that failed in SQLite.
#[derive(Debug)]
pub(crate) enum Failure {
    Refused(Error),
    Fault(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Failure {
    fn from(refusal: Error) -> Self {
        Self::Refused(refusal)
    }
}

/// What a change of a task came to: its event's id in the outbox, or nothing because the task is at another version.
type Announced = Option<i64>;

pub(crate) fn create(
    connection: &Connection,
    task: &TaskColumns,
    event: &EventColumns,
) -> Result<Announced, Failure> {
    if let Some(parent) = task.task.fields.parent_id {
        survey(connection, parent, task.task.id)?.judge()?;
    }
    let mut insert = connection.prepare_cached(INSERT)?;
    task.bind(&mut insert)?;
    insert.raw_execute().map_err(refused_fields)?;
    announce(connection, event)
}

pub(crate) fn update(
    connection: &Connection,
    task: &TaskColumns,
    expected: Version,
    event: &EventColumns,
) -> Result<Announced, Failure> {
    let id = task.task.id;
    if let Some(parent) = task.task.fields.parent_id {
        match parent_at_version(connection, id, expected)? {
            None => return Ok(None),
            Some(present) if present == Some(uuid_bytes(parent)) => {}
            Some(_) => survey(connection, parent, id)?.judge()?,
        }
    }
    let mut update = connection.prepare_cached(UPDATE)?;
    task.bind(&mut update)?;
    update.raw_bind_parameter(14, expected.get())?;
    match update.raw_execute().map_err(refused_fields)? {
        0 => Ok(None),
        _ => announce(connection, event),
    }
}

pub(crate) fn delete(
    connection: &Connection,
    deleted: &DeletedTask,
    expected: Version,
    event: &EventColumns,
) -> Result<Announced, Failure> {
    let id = uuid_bytes(deleted.id);
    let gone = connection
        .prepare_cached(DELETE)?
        .execute(params![id, expected.get()])
        .map_err(|fault| match broken_constraint(&fault) {
            Some(Constraint::ParentExists) => Failure::Refused(Error::Conflict(Conflict::HasSubtasks)),
            Some(Constraint::ExternalIdUnique) | None => Failure::Fault(fault),
        })?;
    if gone == 0 {
        return Ok(None);
    }
    let remains = params![id, deleted.version.get(), deleted.deleted_at.unix_millis()];
    connection.prepare_cached(REMEMBER)?.execute(remains)?;
    announce(connection, event)
}

pub(crate) fn park(connection: &Connection, letters: &[Letter]) -> rusqlite::Result<()> {
    let mut park = connection.prepare_cached(PARK)?;
    for letter in letters {
        park.execute(params![
            letter.outbox_id,
            letter.reason,
            letter.detail,
            letter.parked_at,
            letter.key.as_deref(),
            letter.value.as_deref(),
            letter.headers,
        ])?;
    }
    Ok(())
}

pub(crate) fn trim(connection: &Connection, below: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(TRIM)?.execute([below]).map(drop)
}

pub(crate) fn touch(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached(TOUCH)?.execute([]).map(drop)
}

fn announce(connection: &Connection, event: &EventColumns) -> Result<Announced, Failure> {
    connection.prepare_cached(ANNOUNCE)?.execute(params![
        uuid_bytes(event.task_id),
        event.version.get(),
        &event.payload[..],
        event.headers,
    ])?;
    Ok(Some(connection.last_insert_rowid()))
}

/// The parent that the task has, `None` if it is not there or at another version.
fn parent_at_version(
    connection: &Connection,
    id: TaskId,
    version: Version,
) -> rusqlite::Result<Option<Option<[u8; 16]>>> {
    connection
        .prepare_cached(PARENT_AT_VERSION)?
        .query_row(params![uuid_bytes(id), version.get()], |row| row.get(0))
        .optional()
}

fn refused_fields(fault: rusqlite::Error) -> Failure {
    match broken_constraint(&fault) {
        Some(Constraint::ExternalIdUnique) => Failure::Refused(Error::Conflict(Conflict::ExternalIdTaken)),
        Some(Constraint::ParentExists) => Failure::Refused(unknown_parent()),
        None => Failure::Fault(fault),
    }
}
