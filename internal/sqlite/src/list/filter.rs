//! A filter as conditions on `tasks`.

use rusqlite::types::Value;
use taskwire_domain::{ExternalId, ListFilter, Timestamp};

use crate::columns::uuid_bytes;

use super::route::Along;

/// One condition on a row of `tasks`.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// With one `?` in it.
    pub(super) sql: &'static str,
    pub(super) value: Value,
    /// Where the tasks that fulfil it stand together.
    pub(super) along: Along,
}

/// Those that are likely to leave the fewest tasks stand first.
pub(super) fn conditions(filter: &ListFilter) -> Vec<Condition> {
    let text = |text: &str| Value::Text(text.to_owned());
    let time = |time: Timestamp| Value::Integer(time.unix_millis());
    let external_id = filter.external_id.as_ref().map(ExternalId::as_str).map(text);
    let parent_id = filter.parent_id.map(|id| Value::Blob(uuid_bytes(id).into()));
    let category = filter.category.as_deref().map(text);
    let priority = filter
        .priority
        .map(|priority| Value::Integer(priority.rank().into()));
    let is_done = filter.is_done.map(|is_done| Value::Integer(is_done.into()));
    let all = [
        ("external_id = ?", external_id, Along::UniqueIndex),
        ("parent_id = ?", parent_id, Along::PARENT),
        (OF_CATEGORY, category, Along::Category),
        ("due_at < ?", filter.due_before.map(time), Along::DUE),
        ("due_at > ?", filter.due_after.map(time), Along::DUE),
        ("is_done = ?", is_done, Along::IS_DONE),
        ("priority = ?", priority, Along::PRIORITY),
    ];
    let present = |(sql, value, along): (_, Option<_>, _)| {
        let value = value?;
        Some(Condition { sql, value, along })
    };
    all.into_iter().filter_map(present).collect()
}

const OF_CATEGORY: &str = "exists (select 1 from task_categories where category = ? and task_created_at = created_at and task_id = id)";

/// In place of [`OF_CATEGORY`] along the categories themselves.
pub(super) const THIS_CATEGORY: &str = "category = ?";
