//! Along which index a list is read.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use taskwire_domain::{ListFilter, ListKey};

use super::filter::{Condition, THIS_CATEGORY, conditions};

/// Where tasks stand in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    /// In an index by this name.
    Index(&'static str),
    /// In that of external ids, where there is one task at most.
    UniqueIndex,
    /// In the table of categories, by the time of creation.
    Category,
}

impl Along {
    pub(super) const CREATED_AT: Self = Self::Index("tasks_created_at");
    pub(super) const UPDATED_AT: Self = Self::Index("tasks_updated_at");
    /// Also the filters by due time.
    pub(super) const DUE: Self = Self::Index("tasks_due_at");
    /// Also the filter by priority.
    pub(super) const PRIORITY: Self = Self::Index("tasks_priority");
    /// A filter's; what fulfils it stands by the time of creation.
    pub(super) const IS_DONE: Self = Self::Index("tasks_is_done");
    /// As [`IS_DONE`](Self::IS_DONE).
    pub(super) const PARENT: Self = Self::Index("tasks_parent_id");

    /// Whether the tasks that fulfil a condition stand here by the time of creation.
    fn is_by_creation(self) -> bool {
        matches!(self, Self::Category | Self::IS_DONE | Self::PARENT)
    }
}

/// Along which index, and which conditions are judged there and on the way.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) along: Along,
    pub(super) conditions: Vec<Condition>,
}

impl Route {
    /// Along a filter that leaves only so few tasks, otherwise along the order.
    pub(super) fn choose(
        connection: &Connection,
        filter: &ListFilter,
        key: ListKey,
        few: usize,
    ) -> rusqlite::Result<Self> {
        let conditions = conditions(filter);
        let ordered = along_order(&conditions, key);
        let mut along = ordered;
        for condition in &conditions {
            // A filter's own index needs no few: nothing is passed over along it.
            if condition.along != ordered && leaves(few, connection, &conditions, condition.along)? {
                along = condition.along;
                break;
            }
        }
        Ok(Self::new(along, conditions))
    }

    pub(super) fn new(along: Along, mut conditions: Vec<Condition>) -> Self {
        if along == Along::Category {
            for condition in conditions.iter_mut().filter(|it| it.along == Along::Category) {
                condition.sql = THIS_CATEGORY;
            }
        }
        Self { along, conditions }
    }
}

/// Where the tasks stand in the order, and if possible those alone that fulfil a condition.
fn along_order(conditions: &[Condition], key: ListKey) -> Along {
    match key {
        ListKey::UpdatedAt => Along::UPDATED_AT,
        ListKey::Due => Along::DUE,
        ListKey::Priority => Along::PRIORITY,
        ListKey::CreatedAt => {
            let along = conditions.iter().map(|condition| condition.along);
            let mut by_creation = along.filter(|along| along.is_by_creation());
            by_creation.next().unwrap_or(Along::CREATED_AT)
        }
    }
}

/// Whether the conditions that have their tasks in one place leave so few at most.
fn leaves(
    few: usize,
    connection: &Connection,
    conditions: &[Condition],
    along: Along,
) -> rusqlite::Result<bool> {
    let from = match along {
        // There is one task at most.
        Along::UniqueIndex => return Ok(true),
        Along::Index(index) => format!("tasks indexed by {index}"),
        Along::Category => "task_categories".to_owned(),
    };
    let here = conditions.iter().filter(|condition| condition.along == along);
    let route = Route::new(along, here.cloned().collect());
    let judged: Vec<&str> = route.conditions.iter().map(|condition| condition.sql).collect();
    let judged = judged.join(" and ");
    let sql = format!("select count(*) from (select 1 from {from} where {judged} limit ?)");
    let values = route.conditions.into_iter().map(|condition| condition.value);
    // One more is enough to know.
    let values = values.chain([Value::Integer(few as i64 + 1)]);
    let mut count = connection.prepare_cached(&sql)?;
    let count: i64 = count.query_row(params_from_iter(values), |row| row.get(0))?;
    Ok(count <= few as i64)
}
