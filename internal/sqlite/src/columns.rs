//! A task and an event as columns, and back. Lists are encoded by the caller, so that the one thread that writes need
//! not do it.

use bytes::Bytes;
use chrono::DateTime;
use rusqlite::types::Type;
use rusqlite::{Row, Statement, ToSql};
use taskwire_domain::{
    BoxError, Categories, Dates, DeletedTask, Description, EncodedEvent, Error, ExternalId, Priority, Task,
    TaskFields, TaskId, Timestamp, Version,
};
use uuid::Uuid;

use crate::error::internal;

/// The columns of `tasks`, in the order in which [`TaskColumns::bind`] and [`read_task`] take them.
macro_rules! task_columns {
    () => {
        "id, version, external_id, description, priority, start_at, due_at, is_done, parent_id, categories, \
         created_at, updated_at, completed_at"
    };
}
pub(crate) use task_columns;

/// A task ready to be bound.
#[derive(Debug)]
pub(crate) struct TaskColumns {
    pub(crate) task: Task,
    categories: String,
}

impl TaskColumns {
    pub(crate) fn new(task: Task) -> Result<Self, Error> {
        let categories = to_json(task.fields.categories.as_slice())?;
        Ok(Self { task, categories })
    }

    /// Binds `?1` to `?13`.
    pub(crate) fn bind(&self, statement: &mut Statement<'_>) -> rusqlite::Result<()> {
        let mut index = 0;
        let mut bind = |value: &dyn ToSql| {
            index += 1;
            statement.raw_bind_parameter(index, value)
        };
        let fields = &self.task.fields;
        bind(&uuid_bytes(self.task.id))?;
        bind(&self.task.version.get())?;
        bind(&fields.external_id.as_ref().map(ExternalId::as_str))?;
        bind(&fields.description.as_str())?;
        bind(&fields.priority.rank())?;
        bind(&fields.dates.start().map(Timestamp::unix_millis))?;
        bind(&fields.dates.due().map(Timestamp::unix_millis))?;
        bind(&fields.is_done)?;
        bind(&fields.parent_id.map(uuid_bytes))?;
        bind(&self.categories)?;
        bind(&self.task.created_at.unix_millis())?;
        bind(&self.task.updated_at.unix_millis())?;
        bind(&self.task.completed_at.map(Timestamp::unix_millis))
    }
}

/// An event ready to be bound.
#[derive(Debug)]
pub(crate) struct EventColumns {
    pub(crate) task_id: TaskId,
    pub(crate) version: Version,
    pub(crate) payload: Bytes,
    pub(crate) headers: String,
}

impl EventColumns {
    pub(crate) fn new(event: &EncodedEvent) -> Result<Self, Error> {
        let flat = event.headers.iter().flat_map(|(name, value)| [name, value]);
        Ok(Self {
            task_id: event.task_id,
            version: event.version,
            payload: event.payload.clone(),
            headers: to_json(&flat.collect::<Vec<_>>())?,
        })
    }
}

pub(crate) fn to_json<T: serde::Serialize + ?Sized>(list: &T) -> Result<String, Error> {
    serde_json::to_string(list).map_err(|cause| internal("a list could not be encoded", cause))
}

/// As every column of ids holds them.
pub(crate) fn uuid_bytes(id: TaskId) -> [u8; 16] {
    id.as_uuid().into_bytes()
}

/// A task as read. Every rule is checked again: a row that somebody wrote by hand must not become a task that cannot
/// be.
pub(crate) fn read_task(row: &Row<'_>) -> rusqlite::Result<Task> {
    let optional_time = |index| {
        row.get(index)
            .and_then(|millis: Option<i64>| millis.map(|it| time(index, it)).transpose())
    };
    let external_id: Option<String> = row.get(2)?;
    let description: String = row.get(3)?;
    let dates = Dates::new(optional_time(5)?, optional_time(6)?);
    let fields = TaskFields {
        external_id: external_id
            .map(ExternalId::try_from)
            .transpose()
            .map_err(|detail| broken(2, Type::Text, detail))?,
        description: Description::try_from(description).map_err(|detail| broken(3, Type::Text, detail))?,
        priority: Priority::from_rank(row.get(4)?)
            .ok_or_else(|| broken(4, Type::Integer, "a priority is 0 to 3"))?,
        dates: dates.map_err(|violation| broken(6, Type::Integer, violation.detail))?,
        is_done: row.get(7)?,
        parent_id: read_optional_id(row, 8)?,
        categories: read_categories(row, 9)?,
    };
    Ok(Task {
        id: read_id(row, 0)?,
        fields,
        created_at: read_time(row, 10)?,
        updated_at: read_time(row, 11)?,
        completed_at: optional_time(12)?,
        version: read_version(row, 1)?,
    })
}

/// What remains of a deleted task, from `id, version, deleted_at`.
pub(crate) fn read_deleted(row: &Row<'_>) -> rusqlite::Result<DeletedTask> {
    Ok(DeletedTask {
        id: read_id(row, 0)?,
        version: read_version(row, 1)?,
        deleted_at: read_time(row, 2)?,
    })
}

/// An event's headers, as [`EventColumns`] holds them.
pub(crate) fn read_headers(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<(String, Option<Bytes>)>> {
    let flat: Vec<String> = from_json(index, row.get_ref(index)?.as_str()?)?;
    let mut flat = flat.into_iter();
    let pair = || Some((flat.next()?, flat.next().map(Bytes::from)));
    Ok(std::iter::from_fn(pair).collect())
}

pub(crate) fn read_id(row: &Row<'_>, index: usize) -> rusqlite::Result<TaskId> {
    row.get(index).map(task_id)
}

pub(crate) fn read_optional_id(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<TaskId>> {
    Ok(row.get::<_, Option<[u8; 16]>>(index)?.map(task_id))
}

pub(crate) fn read_categories(row: &Row<'_>, index: usize) -> rusqlite::Result<Categories> {
    let names: Vec<String> = from_json(index, row.get_ref(index)?.as_str()?)?;
    Categories::try_from(names).map_err(|detail| broken(index, Type::Text, detail))
}

pub(crate) fn read_version(row: &Row<'_>, index: usize) -> rusqlite::Result<Version> {
    Version::new(row.get(index)?).ok_or_else(|| broken(index, Type::Integer, "a version is at least 1"))
}

pub(crate) fn read_time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    time(index, row.get(index)?)
}

fn task_id(bytes: [u8; 16]) -> TaskId {
    TaskId::from_uuid(Uuid::from_bytes(bytes))
}

fn time(index: usize, millis: i64) -> rusqlite::Result<Timestamp> {
    let time = DateTime::from_timestamp_millis(millis).map(Timestamp::from_utc);
    time.ok_or_else(|| broken(index, Type::Integer, "no calendar reaches this time"))
}

fn from_json(index: usize, text: &str) -> rusqlite::Result<Vec<String>> {
    serde_json::from_str(text).map_err(|cause| broken(index, Type::Text, cause))
}

fn broken(index: usize, kind: Type, cause: impl Into<BoxError>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, kind, cause.into())
}
