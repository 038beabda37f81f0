//! A task as a row of `tasks`, and back.

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, Postgres, Row};
use taskwire_domain::{
    BoxError, Categories, Dates, Description, EncodedEvent, ExternalId, Priority, Task, TaskFields, TaskId,
    Timestamp, Version,
};
use uuid::Uuid;

/// The columns of a task, in the order of the table.
macro_rules! task_columns {
    () => {
        "id, external_id, description, priority, start_at, due_at, is_done, parent_id, categories, created_at, \
         updated_at, completed_at, version"
    };
}
pub(crate) use task_columns;

/// Binds `$1` to `$13`: the task's columns, in the order of the table.
pub(crate) fn bind_task<'q>(
    query: Query<'q, Postgres, PgArguments>,
    task: &'q Task,
) -> Query<'q, Postgres, PgArguments> {
    let fields = &task.fields;
    query
        .bind(task.id.as_uuid())
        .bind(fields.external_id.as_ref().map(ExternalId::as_str))
        .bind(fields.description.as_str())
        .bind(fields.priority.rank())
        .bind(fields.dates.start().map(Timestamp::as_utc))
        .bind(fields.dates.due().map(Timestamp::as_utc))
        .bind(fields.is_done)
        .bind(fields.parent_id.map(TaskId::as_uuid))
        .bind(fields.categories.as_slice())
        .bind(task.created_at.as_utc())
        .bind(task.updated_at.as_utc())
        .bind(task.completed_at.map(Timestamp::as_utc))
        .bind(task.version.get())
}

/// Binds the next two parameters: the event's payload and its headers.
pub(crate) fn bind_event<'q>(
    query: Query<'q, Postgres, PgArguments>,
    event: &'q EncodedEvent,
) -> Query<'q, Postgres, PgArguments> {
    query.bind(&event.payload[..]).bind(flatten(&event.headers))
}

/// Name, value, name, value: as `outbox.headers` holds them.
pub(crate) fn flatten(headers: &[(String, String)]) -> Vec<&str> {
    headers
        .iter()
        .flat_map(|(name, value)| [name.as_str(), value.as_str()])
        .collect()
}

/// The inverse of [`flatten`]; the table's constraint keeps the number even.
pub(crate) fn pair(headers: Vec<String>) -> Vec<(String, String)> {
    let mut headers = headers.into_iter();
    std::iter::from_fn(|| headers.next().zip(headers.next())).collect()
}

/// A task as read. Every rule is checked again: a row that somebody wrote by hand must not become a task that
/// cannot be.
pub(crate) struct TaskRow(pub(crate) Task);

impl FromRow<'_, PgRow> for TaskRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let time = |column: &str| row.try_get::<DateTime<Utc>, _>(column).map(Timestamp::from_utc);
        let optional_time = |column: &str| {
            let time = row.try_get::<Option<DateTime<Utc>>, _>(column)?;
            Ok::<_, sqlx::Error>(time.map(Timestamp::from_utc))
        };
        let dates = Dates::new(optional_time("start_at")?, optional_time("due_at")?);
        let external_id = row.try_get::<Option<String>, _>("external_id")?;
        let fields = TaskFields {
            external_id: external_id
                .map(ExternalId::try_from)
                .transpose()
                .map_err(|detail| broken("external_id", detail))?,
            description: Description::try_from(row.try_get::<String, _>("description")?)
                .map_err(|detail| broken("description", detail))?,
            priority: Priority::from_rank(row.try_get("priority")?)
                .ok_or_else(|| broken("priority", "must be 0 to 3"))?,
            dates: dates.map_err(|violation| broken("due_at", violation.detail))?,
            is_done: row.try_get("is_done")?,
            parent_id: row
                .try_get::<Option<Uuid>, _>("parent_id")?
                .map(TaskId::from_uuid),
            categories: Categories::try_from(row.try_get::<Vec<String>, _>("categories")?)
                .map_err(|detail| broken("categories", detail))?,
        };
        Ok(Self(Task {
            id: TaskId::from_uuid(row.try_get("id")?),
            fields,
            created_at: time("created_at")?,
            updated_at: time("updated_at")?,
            completed_at: optional_time("completed_at")?,
            version: Version::new(row.try_get("version")?)
                .ok_or_else(|| broken("version", "must be 1 or greater"))?,
        }))
    }
}

fn broken(column: &str, detail: impl Into<BoxError>) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: detail.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_order_and_their_repetitions() {
        let headers: Vec<_> = [("b", "1"), ("a", ""), ("b", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let flat: Vec<String> = flatten(&headers).into_iter().map(str::to_owned).collect();
        assert_eq!(flat, ["b", "1", "a", "", "b", "2"]);
        assert_eq!(pair(flat), headers);
    }
}
