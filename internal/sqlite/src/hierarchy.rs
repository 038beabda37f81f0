//! Who may be whose parent. There is one writer, so between the look at the tree and the write nobody changes it.

use rusqlite::{Connection, params};
use taskwire_domain::{MAX_DEPTH, TaskId, TreeSurvey};

use crate::columns::uuid_bytes;

/// `?1` is the new parent, `?2` the task below it, `?3` the greatest depth. Walking is bounded so that a cycle made by
/// hand does not run for ever; one level more than allowed is enough to know.
const SURVEY: &str = "
    with recursive
    above (id, parent_id, level) as (
        select id, parent_id, 1 from tasks where id = ?1
        union all
        select task.id, task.parent_id, above.level + 1
        from above join tasks task on task.id = above.parent_id
        where above.level <= ?3
    ),
    below (id, level) as (
        select id, 1 from tasks where id = ?2
        union all
        select task.id, below.level + 1
        from below join tasks task on task.parent_id = below.id
        where below.level <= ?3
    )
    select (select max(level) from above),
           exists (select 1 from above where id = ?2),
           coalesce((select max(level) from below), 1)";

/// The tree around `task`, new or not, and the parent it is to have.
pub(crate) fn survey(connection: &Connection, parent: TaskId, task: TaskId) -> rusqlite::Result<TreeSurvey> {
    connection.prepare_cached(SURVEY)?.query_row(
        params![uuid_bytes(parent), uuid_bytes(task), MAX_DEPTH],
        |row| {
            Ok(TreeSurvey {
                parent_depth: row.get(0)?,
                is_cycle: row.get(1)?,
                height: row.get(2)?,
            })
        },
    )
}
