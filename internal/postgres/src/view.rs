//! What a decision sees.
//!
//! Each statement sees what was committed before it began. What can still change after that is harmless: the tasks
//! themselves are locked; nobody but us adds an edge to the tree where that matters; an edge that is removed breaks no
//! rule; and what an external id or a parent turns out to be when the verdict is applied, its constraint says.

use std::collections::HashMap;

use sqlx::postgres::PgConnection;
use taskwire_domain::{Conflict, Error, ExternalId, Scope, Task, TaskId, TasksScope, View};
use uuid::Uuid;

use crate::hierarchy::{TreeLock, lock_tree};
use crate::row::{TaskRow, task_columns};

/// In the order of their ids, so that two who lock the same tasks do not wait for each other. A task that changed
/// while its lock was waited for comes as it is now, and one that was deleted does not come.
const LOCKED_TASKS: &str = concat!(
    "select ",
    task_columns!(),
    " from tasks where id = any($1) order by id for update"
);

/// As [`LOCKED_TASKS`], `$1` and what is below it, and at most `$2` altogether. `union` rather than `union all`, so that
/// a cycle made by hand has an end.
const LOCKED_SUBTREE: &str = concat!(
    "with recursive subtree (id) as (
        select id from tasks where id = $1
        union
        select task.id from subtree join tasks task on task.parent_id = subtree.id
    )
    select ",
    task_columns!(),
    " from tasks where id in (select id from subtree limit $2) order by id for update of tasks"
);

/// `$1` are shown with all above them, of `$2` all that is below them, up to `$4` altogether, of `$3` their sub-tasks, up
/// to `$5` of each.
const LINKS: &str = "
    with recursive
    above (id, parent_id) as (
        select id, parent_id from tasks where id = any($1)
        union
        select task.id, task.parent_id from above join tasks task on task.id = above.parent_id
    ),
    below (id, parent_id) as (
        select id, parent_id from tasks where parent_id = any($2)
        union
        select task.id, task.parent_id from below join tasks task on task.parent_id = below.id
    )
    select id, parent_id, false from above
    union all
    (select id, parent_id, true from below limit $4)
    union all
    select child.id, child.parent_id, false
    from unnest($3::uuid[]) as deleted (id)
    cross join lateral (select id, parent_id from tasks where parent_id = deleted.id limit $5) as child";

const OWNERS: &str = "select external_id, id from tasks where external_id = any($1)";

/// Locks and reads, or refuses.
pub(crate) async fn read(
    transaction: &mut PgConnection,
    scope: &Scope,
) -> Result<Result<View, Error>, sqlx::Error> {
    match scope {
        Scope::Tasks(scope) => surroundings(transaction, scope).await,
        Scope::Subtree { root, at_most } => subtree(transaction, *root, *at_most).await,
    }
}

async fn subtree(
    transaction: &mut PgConnection,
    root: TaskId,
    at_most: usize,
) -> Result<Result<View, Error>, sqlx::Error> {
    lock_tree(transaction, TreeLock::Exclusive).await?;
    let tasks: Vec<TaskRow> = sqlx::query_as(LOCKED_SUBTREE)
        .bind(root.as_uuid())
        .bind(limit(at_most) + 1)
        .fetch_all(transaction)
        .await?;
    if tasks.len() > at_most {
        return Ok(Err(Error::Conflict(Conflict::SubtreeTooLarge { at_most })));
    }
    Ok(Ok(View {
        tasks: downwards(root, tasks.into_iter().map(|TaskRow(task)| task).collect()),
        ..View::default()
    }))
}

/// The root first, every task after its parent. A task that became a root while its lock was waited for is left out
/// with all that is below it.
fn downwards(root: TaskId, tasks: Vec<Task>) -> Vec<Task> {
    let mut ordered = Vec::with_capacity(tasks.len());
    let mut below: HashMap<Option<TaskId>, Vec<Task>> = HashMap::new();
    for task in tasks {
        match task.id == root {
            true => ordered.push(task),
            false => below.entry(task.fields.parent_id).or_default().push(task),
        }
    }
    let mut visited = 0;
    while visited < ordered.len() {
        let children = below.remove(&Some(ordered[visited].id));
        ordered.extend(children.into_iter().flatten());
        visited += 1;
    }
    ordered
}

async fn surroundings(
    transaction: &mut PgConnection,
    scope: &TasksScope,
) -> Result<Result<View, Error>, sqlx::Error> {
    if !scope.moved.is_empty() {
        lock_tree(transaction, TreeLock::Exclusive).await?;
    } else if !scope.parents.is_empty() {
        lock_tree(transaction, TreeLock::Shared).await?;
    }
    let tasks = locked_tasks(transaction, &scope.tasks).await?;
    let Some(links) = links(transaction, scope).await? else {
        let at_most = TasksScope::MAX_BELOW;
        return Ok(Err(Error::Conflict(Conflict::SubtreeTooLarge { at_most })));
    };
    let external_ids = owners(transaction, &scope.external_ids).await?;
    Ok(Ok(View {
        tasks,
        links,
        external_ids,
    }))
}

async fn locked_tasks(transaction: &mut PgConnection, ids: &[TaskId]) -> Result<Vec<Task>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = sqlx::query_as(LOCKED_TASKS).bind(uuids(ids));
    let rows: Vec<TaskRow> = query.fetch_all(transaction).await?;
    Ok(rows.into_iter().map(|TaskRow(task)| task).collect())
}

/// `None` when too much is below the tasks that are moved.
async fn links(
    transaction: &mut PgConnection,
    scope: &TasksScope,
) -> Result<Option<HashMap<TaskId, Option<TaskId>>>, sqlx::Error> {
    if scope.parents.is_empty() && scope.moved.is_empty() && scope.deleted.is_empty() {
        return Ok(Some(HashMap::new()));
    }
    let upwards = [&scope.parents[..], &scope.moved, &scope.deleted].concat();
    let rows: Vec<(Uuid, Option<Uuid>, bool)> = sqlx::query_as(LINKS)
        .bind(uuids(&upwards))
        .bind(uuids(&scope.moved))
        .bind(uuids(&scope.deleted))
        .bind(limit(TasksScope::MAX_BELOW) + 1)
        .bind(limit(TasksScope::MAX_CHILDREN))
        .fetch_all(transaction)
        .await?;
    let below = rows.iter().filter(|(_, _, is_below)| *is_below).count();
    if below > TasksScope::MAX_BELOW {
        return Ok(None);
    }
    let links = rows
        .into_iter()
        .map(|(id, parent, _)| (TaskId::from_uuid(id), parent.map(TaskId::from_uuid)));
    Ok(Some(links.collect()))
}

async fn owners(
    transaction: &mut PgConnection,
    external_ids: &[ExternalId],
) -> Result<HashMap<ExternalId, TaskId>, sqlx::Error> {
    if external_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted: Vec<&str> = external_ids.iter().map(ExternalId::as_str).collect();
    let rows: Vec<(String, Uuid)> = sqlx::query_as(OWNERS).bind(wanted).fetch_all(transaction).await?;
    let owners: HashMap<String, Uuid> = rows.into_iter().collect();
    let owned = external_ids.iter().filter_map(|external_id| {
        let owner = owners.get(external_id.as_str())?;
        Some((external_id.clone(), TaskId::from_uuid(*owner)))
    });
    Ok(owned.collect())
}

fn uuids(ids: &[TaskId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.as_uuid()).collect()
}

/// As PostgreSQL counts. No list here is longer than it can count.
fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX - 1)
}
