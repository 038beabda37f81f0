//! Who may be whose parent.
//!
//! The rules need more than one row, so those who add or move an edge of the tree exclude one another by an advisory
//! lock. It is taken by a statement of its own: a statement sees what was committed before it began, and one that
//! took the lock and then looked would look at the tree as it was before it waited. Two tasks moved below each other
//! at once would then make a cycle.
//!
//! Tasks may be added side by side, since neither can be the other's parent yet, so an addition takes the lock shared.
//! Who deletes a task with all that is below it excludes additions too: none may come below what was already walked.
//! Making a task a root takes no lock: it removes an edge, which can break no rule.

use sqlx::postgres::PgConnection;
use taskwire_domain::{Error, MAX_DEPTH, TaskId, TreeSurvey};

use crate::locks::TASK_TREE;

/// Whom a transaction keeps from changing the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TreeLock {
    /// All but those who add tasks: for one that only adds tasks itself.
    Shared,
    /// Everyone: for one that moves tasks or deletes what is below one.
    Exclusive,
}

/// Keeps others from changing the tree until the transaction ends. Come before any row is locked: whoever waits here
/// must not hold what others wait for.
pub(crate) async fn lock_tree(transaction: &mut PgConnection, lock: TreeLock) -> Result<(), sqlx::Error> {
    let lock = match lock {
        TreeLock::Shared => "select pg_advisory_xact_lock_shared($1)",
        TreeLock::Exclusive => "select pg_advisory_xact_lock($1)",
    };
    sqlx::query(lock).bind(TASK_TREE).execute(transaction).await?;
    Ok(())
}

/// `$1` is the new parent, `$2` the task below it, `$3` the greatest depth. Walking is bounded so that a cycle made by
/// hand does not run for ever; one level more than allowed is enough to know.
const SURVEY: &str = "
    with recursive
    above (id, parent_id, level) as (
        select id, parent_id, 1 from tasks where id = $1
        union all
        select task.id, task.parent_id, above.level + 1
        from above join tasks task on task.id = above.parent_id
        where above.level <= $3
    ),
    below (id, level) as (
        select id, 1 from tasks where id = $2
        union all
        select task.id, below.level + 1
        from below join tasks task on task.parent_id = below.id
        where below.level <= $3
    )
    select (select max(level) from above),
           exists (select from above where id = $2),
           coalesce((select max(level) from below), 1)";

/// Whether `task`, new or with all that is below it, may be placed below `parent`. Call it after [`lock_tree`] in the
/// same transaction.
pub(crate) async fn judge(
    transaction: &mut PgConnection,
    parent: TaskId,
    task: TaskId,
) -> Result<Result<(), Error>, sqlx::Error> {
    let (parent_depth, is_cycle, height) = sqlx::query_as(SURVEY)
        .bind(parent.as_uuid())
        .bind(task.as_uuid())
        .bind(MAX_DEPTH)
        .fetch_one(transaction)
        .await?;
    let survey = TreeSurvey {
        parent_depth,
        is_cycle,
        height,
    };
    Ok(survey.judge())
}
