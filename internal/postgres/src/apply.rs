//! What a decision came to, applied in a handful of statements however many changes there are.
//!
//! The order of the statements is not the caller's, and need not be: what they leave is, and constraints are looked at
//! when a statement ends. Additions come first, because tasks may be moved below them, and deletions last, because
//! tasks may be moved away from them. An external id that passes from one task to another is taken from the first
//! beforehand, because the index is looked at row by row.

use std::collections::HashMap;

use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::types::chrono::{DateTime, Utc};
use taskwire_domain::{Change, DeletedTask, EncodedEvent, ExternalId, Task, TaskId, Timestamp, Version};
use uuid::Uuid;

use crate::row::flatten;

const GIVE_UP_EXTERNAL_IDS: &str = "update tasks set external_id = null where id = any($1)";

/// Arrays of arrays are rectangles in PostgreSQL, so categories and headers come as text.
macro_rules! tasks_given {
    () => {
        "unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::timestamptz[],
                $7::boolean[], $8::uuid[], $9::text[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[],
                $13::bigint[])
         as given (id, external_id, description, priority, start_at, due_at, is_done, parent_id, categories,
                   created_at, updated_at, completed_at, version)"
    };
}

const INSERT: &str = concat!(
    "insert into tasks (id, external_id, description, priority, start_at, due_at, is_done, parent_id, categories,
                        created_at, updated_at, completed_at, version)
     select id, external_id, description, priority, start_at, due_at, is_done, parent_id, categories::text[],
            created_at, updated_at, completed_at, version
     from ",
    tasks_given!()
);

const UPDATE: &str = concat!(
    "update tasks
     set external_id = given.external_id, description = given.description, priority = given.priority,
         start_at = given.start_at, due_at = given.due_at, is_done = given.is_done, parent_id = given.parent_id,
         categories = given.categories::text[], created_at = given.created_at, updated_at = given.updated_at,
         completed_at = given.completed_at, version = given.version
     from ",
    tasks_given!(),
    " where tasks.id = given.id and tasks.version = given.version - 1"
);

const DELETE: &str = "
    with gone as (
        delete from tasks
        using unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
              as given (id, from_version, version, deleted_at)
        where tasks.id = given.id and tasks.version = given.from_version
        returning given.id, given.version, given.deleted_at
    )
    insert into deleted_tasks (id, version, deleted_at) select id, version, deleted_at from gone";

/// Its rows come last: every task was locked long before, so for one task the ids grow with the versions.
const ANNOUNCE: &str = "
    insert into outbox (task_id, version, payload, headers)
    select task_id, version, payload, headers::text[]
    from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::text[]) as given (task_id, version, payload, headers)";

/// Applies the changes with their events. False when a task does not exist, or not at the version that the changes go
/// by: the transaction must then be rolled back. `owners` are those of the external ids that the decision asked for.
pub(crate) async fn apply(
    transaction: &mut PgConnection,
    changes: &[Change],
    owners: &HashMap<ExternalId, TaskId>,
) -> Result<bool, sqlx::Error> {
    let mut sorted = Sorted::default();
    for change in changes {
        sorted.add(change);
    }
    let passed_on = sorted.passed_on(owners);
    if !passed_on.is_empty() {
        let give_up = sqlx::query(GIVE_UP_EXTERNAL_IDS).bind(passed_on);
        give_up.execute(&mut *transaction).await?;
    }
    // Two who give the same external ids in different orders would wait for each other.
    sorted
        .created
        .sort_by_key(|task| task.fields.external_id.as_ref().map(ExternalId::as_str));
    let statements = [
        (
            sorted.created.len(),
            bind_tasks(sqlx::query(INSERT), &sorted.created),
        ),
        (
            sorted.updated.len(),
            bind_tasks(sqlx::query(UPDATE), &sorted.updated),
        ),
        (
            sorted.deleted.len(),
            bind_deleted(sqlx::query(DELETE), &sorted.deleted),
        ),
        (
            sorted.events.len(),
            bind_events(sqlx::query(ANNOUNCE), &sorted.events),
        ),
    ];
    for (rows, statement) in statements {
        if rows > 0 && statement.execute(&mut *transaction).await?.rows_affected() != rows as u64 {
            return Ok(false);
        }
    }
    Ok(true)
}

#[derive(Default)]
struct Sorted<'c> {
    created: Vec<&'c Task>,
    updated: Vec<&'c Task>,
    deleted: Vec<(&'c DeletedTask, Version)>,
    events: Vec<&'c EncodedEvent>,
}

impl<'c> Sorted<'c> {
    fn add(&mut self, change: &'c Change) {
        self.events.push(match change {
            Change::Create(task, event) => {
                self.created.push(task);
                event
            }
            Change::Update(task, event) => {
                self.updated.push(task);
                event
            }
            Change::Delete { deleted, from, event } => {
                self.deleted.push((deleted, *from));
                event
            }
        });
    }

    /// The tasks whose external id another is given.
    fn passed_on(&self, owners: &HashMap<ExternalId, TaskId>) -> Vec<Uuid> {
        let given = self.created.iter().chain(&self.updated);
        let owner_of_given = given.filter_map(|task| {
            let owner = owners.get(task.fields.external_id.as_ref()?)?;
            (*owner != task.id).then_some(owner.as_uuid())
        });
        owner_of_given.collect()
    }
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Binds `$1` to `$13`: the tasks' columns, in the order of the table.
fn bind_tasks<'q>(query: Statement<'q>, tasks: &[&'q Task]) -> Statement<'q> {
    query
        .bind(column(tasks, |task| task.id.as_uuid()))
        .bind(column(tasks, |task| {
            task.fields.external_id.as_ref().map(ExternalId::as_str)
        }))
        .bind(column(tasks, |task| task.fields.description.as_str()))
        .bind(column(tasks, |task| task.fields.priority.rank()))
        .bind(column(tasks, |task| {
            task.fields.dates.start().map(Timestamp::as_utc)
        }))
        .bind(column(tasks, |task| {
            task.fields.dates.due().map(Timestamp::as_utc)
        }))
        .bind(column(tasks, |task| task.fields.is_done))
        .bind(column(tasks, |task| task.fields.parent_id.map(TaskId::as_uuid)))
        .bind(column(tasks, |task| array(task.fields.categories.as_slice())))
        .bind(column(tasks, |task| task.created_at.as_utc()))
        .bind(column(tasks, |task| task.updated_at.as_utc()))
        .bind(column(tasks, |task| task.completed_at.map(Timestamp::as_utc)))
        .bind(column(tasks, |task| task.version.get()))
}

fn bind_deleted<'q>(query: Statement<'q>, tasks: &[(&DeletedTask, Version)]) -> Statement<'q> {
    let deleted_at: Vec<DateTime<Utc>> = column(tasks, |(deleted, _)| deleted.deleted_at.as_utc());
    query
        .bind(column(tasks, |(deleted, _)| deleted.id.as_uuid()))
        .bind(column(tasks, |(_, from)| from.get()))
        .bind(column(tasks, |(deleted, _)| deleted.version.get()))
        .bind(deleted_at)
}

fn bind_events<'q>(query: Statement<'q>, events: &[&'q EncodedEvent]) -> Statement<'q> {
    query
        .bind(column(events, |event| event.task_id.as_uuid()))
        .bind(column(events, |event| event.version.get()))
        .bind(column(events, |event| &event.payload[..]))
        .bind(column(events, |event| array(&flatten(&event.headers))))
}

fn column<T: Copy, C>(rows: &[T], value: impl Fn(T) -> C) -> Vec<C> {
    rows.iter().map(|row| value(*row)).collect()
}

/// The text that PostgreSQL reads as an array of these
/// (<https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>): in quotes nothing but a quote and a backslash
/// means anything.
fn array(texts: &[impl AsRef<str>]) -> String {
    let mut array = String::from("{");
    for (index, text) in texts.iter().enumerate() {
        array.push_str(if index == 0 { "\"" } else { ",\"" });
        for character in text.as_ref().chars() {
            if matches!(character, '"' | '\\') {
                array.push('\\');
            }
            array.push(character);
        }
        array.push('"');
    }
    array.push('}');
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_quoted_whatever_it_holds() {
        assert_eq!(array(&[""; 0]), "{}");
        assert_eq!(array(&["", "null", " a,b ", "{}"]), r#"{"","null"," a,b ","{}"}"#);
        assert_eq!(array(&[r#"\"x"#]), r#"{"\\\"x"}"#);
    }
}
