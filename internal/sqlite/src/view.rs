//! What a decision sees.

use std::collections::{HashMap, HashSet};

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use taskwire_domain::{Conflict, Error, MAX_DEPTH, Scope, Task, TaskId, TasksScope, View};

use crate::columns::{read_id, read_optional_id, read_task, task_columns, uuid_bytes};
use crate::command::Failure;

pub(crate) const TASK: &str = concat!("select ", task_columns!(), " from tasks where id = ?1");

const CHILDREN: &str = concat!(
    "select ",
    task_columns!(),
    " from tasks where parent_id = ?1 order by created_at, id limit ?2"
);

const PARENT: &str = "select parent_id from tasks where id = ?1";

const LINKS_TO: &str = "select id from tasks where parent_id = ?1 limit ?2";

/// `?2` bounds a cycle that somebody made by hand.
const LINKS_BELOW: &str = "
    with recursive below (id, parent_id, level) as (
        select id, parent_id, 1 from tasks where parent_id = ?1
        union all
        select task.id, task.parent_id, below.level + 1
        from below join tasks task on task.parent_id = below.id
        where below.level <= ?2
    )
    select id, parent_id from below limit ?3";

const OWNER: &str = "select id from tasks where external_id = ?1";

type Links = HashMap<TaskId, Option<TaskId>>;

/// As it stands in this transaction. Refused when a subtree is too large.
pub(crate) fn read_view(connection: &Connection, scope: &Scope) -> Result<View, Failure> {
    match scope {
        Scope::Tasks(scope) => read_tasks(connection, scope),
        Scope::Subtree { root, at_most } => {
            let tasks = read_subtree(connection, *root, *at_most)?;
            Ok(View {
                tasks,
                ..View::default()
            })
        }
    }
}

fn read_tasks(connection: &Connection, scope: &TasksScope) -> Result<View, Failure> {
    let mut view = View::default();
    let mut find = connection.prepare_cached(TASK)?;
    for id in &scope.tasks {
        let found = find.query_row([uuid_bytes(*id)], read_task).optional()?;
        view.tasks.extend(found);
    }
    let mut parent_of = connection.prepare_cached(PARENT)?;
    for parent in &scope.parents {
        links_above(&mut parent_of, *parent, &mut view.links)?;
    }
    let mut below = HashSet::new();
    for moved in &scope.moved {
        links_below(connection, *moved, &mut below, &mut view.links)?;
    }
    let mut links_to = connection.prepare_cached(LINKS_TO)?;
    for parent in &scope.deleted {
        let wanted = params![uuid_bytes(*parent), TasksScope::MAX_CHILDREN as i64];
        let children = links_to.query_map(wanted, |row| read_id(row, 0))?;
        for child in children {
            view.links.insert(child?, Some(*parent));
        }
    }
    let mut owner = connection.prepare_cached(OWNER)?;
    for external_id in &scope.external_ids {
        let id = owner.query_row([external_id.as_str()], |row| read_id(row, 0));
        if let Some(id) = id.optional()? {
            view.external_ids.insert(external_id.clone(), id);
        }
    }
    Ok(view)
}

/// The root first, then level by level.
fn read_subtree(connection: &Connection, root: TaskId, at_most: usize) -> Result<Vec<Task>, Failure> {
    let mut find = connection.prepare_cached(TASK)?;
    let root = find.query_row([uuid_bytes(root)], read_task).optional()?;
    let mut tasks = Vec::from_iter(root);
    let mut children = connection.prepare_cached(CHILDREN)?;
    let mut next = 0;
    while tasks.len() <= at_most
        && let Some(parent) = tasks.get(next).map(|task| task.id)
    {
        // One more than there may be is enough to know.
        let room = at_most - tasks.len() + 1;
        let found = children.query_map(params![uuid_bytes(parent), room as i64], read_task)?;
        for child in found {
            tasks.push(child?);
        }
        next += 1;
    }
    if tasks.len() > at_most {
        return Err(too_large(at_most));
    }
    Ok(tasks)
}

/// The links of a task and of all above it. What is known already is not followed again.
fn links_above(parent_of: &mut CachedStatement<'_>, task: TaskId, links: &mut Links) -> rusqlite::Result<()> {
    let mut next = Some(task);
    while let Some(task) = next
        && !links.contains_key(&task)
    {
        let parent = parent_of.query_row([uuid_bytes(task)], |row| read_optional_id(row, 0));
        let Some(parent) = parent.optional()? else {
            break;
        };
        links.insert(task, parent);
        next = parent;
    }
    Ok(())
}

/// `below` holds what stands below any of the moved, each counted once.
fn links_below(
    connection: &Connection,
    top: TaskId,
    below: &mut HashSet<TaskId>,
    links: &mut Links,
) -> Result<(), Failure> {
    const MAX: usize = TasksScope::MAX_BELOW;
    let mut walk = connection.prepare_cached(LINKS_BELOW)?;
    let wanted = params![uuid_bytes(top), MAX_DEPTH, (MAX + 1) as i64];
    let found = walk.query_map(wanted, |row| Ok((read_id(row, 0)?, read_optional_id(row, 1)?)))?;
    for link in found {
        let (task, parent) = link?;
        below.insert(task);
        if below.len() > MAX {
            return Err(too_large(MAX));
        }
        links.insert(task, parent);
    }
    Ok(())
}

fn too_large(at_most: usize) -> Failure {
    Failure::Refused(Error::Conflict(Conflict::SubtreeTooLarge { at_most }))
}
