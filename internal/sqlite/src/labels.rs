//! The categories of each task as rows, for lists of one category. They stand in the task's own row as well, in the
//! caller's order, and are written together with it.

use rusqlite::{Connection, params};
use taskwire_domain::{Categories, TaskId, Timestamp};

use crate::columns::uuid_bytes;

const ADD: &str = "insert into task_categories (category, task_created_at, task_id) values (?1, ?2, ?3)";

const REMOVE: &str = "
    delete from task_categories where category = ?1 and task_created_at = ?2 and task_id = ?3";

pub(crate) fn add(
    connection: &Connection,
    task: TaskId,
    created_at: Timestamp,
    categories: &Categories,
) -> rusqlite::Result<()> {
    for_each(ADD, connection, task, created_at, categories)
}

pub(crate) fn remove(
    connection: &Connection,
    task: TaskId,
    created_at: Timestamp,
    categories: &Categories,
) -> rusqlite::Result<()> {
    for_each(REMOVE, connection, task, created_at, categories)
}

fn for_each(
    statement: &str,
    connection: &Connection,
    task: TaskId,
    created_at: Timestamp,
    categories: &Categories,
) -> rusqlite::Result<()> {
    for category in categories.as_slice() {
        let mut statement = connection.prepare_cached(statement)?;
        statement.execute(params![category, created_at.unix_millis(), uuid_bytes(task)])?;
    }
    Ok(())
}
