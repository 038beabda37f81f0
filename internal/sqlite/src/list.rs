//! Pages of lists. Each is read along an index whose entries stand in the list's order, from its place in it onwards, so
//! that a page costs the same wherever it begins; or, when a filter leaves only a few tasks, those are read along the
//! filter's index and sorted.
//!
//! The index is named in the statement. SQLite would choose by guessing how many tasks a filter leaves; here they are
//! counted, up to a bound.

use rusqlite::types::Value;
use rusqlite::{Connection, Statement, params_from_iter};
use taskwire_domain::{ListKey, ListOrder, ListPosition, ListQuery, ListRank, Task};

use crate::columns::{read_task, task_columns, uuid_bytes};

mod filter;
mod route;

use filter::Condition;
use route::{Along, Route};

/// So many tasks are sorted rather than looked for along the order. Each costs the reading of its row, a few
/// microseconds; along the order of a million tasks, a page of fifty of them would be found among ten thousand.
const FEW: usize = 5_000;

/// A page of a list.
pub(crate) fn read_page(connection: &Connection, query: &ListQuery) -> rusqlite::Result<Vec<Task>> {
    read_page_or_sort(connection, query, FEW)
}

fn read_page_or_sort(connection: &Connection, query: &ListQuery, few: usize) -> rusqlite::Result<Vec<Task>> {
    // Everything below sees one moment.
    let moment = connection.unchecked_transaction()?;
    let route = Route::choose(&moment, &query.filter, query.order.key, few)?;
    let limit = query.limit as usize;
    let mut tasks = Vec::with_capacity(limit);
    for stretch in stretches(query) {
        let room = limit - tasks.len();
        if room == 0 {
            break;
        }
        let (sql, values) = route.select(&stretch, query.order, room);
        let mut select = moment.prepare_cached(&sql)?;
        read_all(&mut select, values, &mut tasks)?;
    }
    Ok(tasks)
}

fn read_all(select: &mut Statement<'_>, values: Vec<Value>, tasks: &mut Vec<Task>) -> rusqlite::Result<()> {
    for task in select.query_map(params_from_iter(values), read_task)? {
        tasks.push(task?);
    }
    Ok(())
}

/// Tasks that stand together in an order, ranked by one column and their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ranks {
    CreatedAt,
    UpdatedAt,
    Priority,
    /// Those that have a due time.
    Due,
    /// Those that have none, by their ids alone.
    NotDue,
}

/// What is left of such tasks behind a place.
#[derive(Debug, Clone, PartialEq)]
struct Stretch {
    ranks: Ranks,
    /// The rank, unless all have the same, and the id.
    after: Option<(Option<Value>, Value)>,
}

/// What is left of a list, in its order.
fn stretches(query: &ListQuery) -> Vec<Stretch> {
    let ranks = match query.order.key {
        ListKey::CreatedAt => Ranks::CreatedAt,
        ListKey::UpdatedAt => Ranks::UpdatedAt,
        ListKey::Priority => Ranks::Priority,
        ListKey::Due => Ranks::Due,
    };
    let after = query.after.map(place);
    // Undated tasks come last in both directions, and no filter by due time lets them through.
    let are_undated_listed =
        ranks == Ranks::Due && query.filter.due_before.is_none() && query.filter.due_after.is_none();
    let undated = |after| Stretch {
        ranks: Ranks::NotDue,
        after,
    };
    match after {
        Some((None, _)) if are_undated_listed => vec![undated(after)],
        Some((None, _)) => Vec::new(),
        after if are_undated_listed => vec![Stretch { ranks, after }, undated(None)],
        after => vec![Stretch { ranks, after }],
    }
}

fn place(position: ListPosition) -> (Option<Value>, Value) {
    let rank = match position.rank {
        ListRank::Time(time) => time.map(|time| Value::Integer(time.unix_millis())),
        ListRank::Priority(priority) => Some(Value::Integer(priority.rank().into())),
    };
    (rank, Value::Blob(uuid_bytes(position.id).into()))
}

impl Route {
    /// The statement that reads at most so many tasks of a stretch, and what is bound to it in order.
    fn select(&self, stretch: &Stretch, order: ListOrder, limit: usize) -> (String, Vec<Value>) {
        let (from, [created_at, id]) = match self.along {
            Along::Index(index) => (format!("tasks indexed by {index}"), ["created_at", "id"]),
            Along::UniqueIndex => ("tasks".to_owned(), ["created_at", "id"]),
            // "cross" keeps SQLite from turning the two around.
            Along::Category => (
                "task_categories cross join tasks on id = task_id".to_owned(),
                ["task_created_at", "task_id"],
            ),
        };
        let rank = match stretch.ranks {
            Ranks::CreatedAt => Some(created_at),
            Ranks::UpdatedAt => Some("updated_at"),
            Ranks::Priority => Some("priority"),
            Ranks::Due => Some("due_at"),
            Ranks::NotDue => None,
        };
        let (beyond, direction) = if order.descending {
            ("<", "desc")
        } else {
            (">", "asc")
        };

        let mut conditions: Vec<String> = Vec::new();
        let mut values = Vec::new();
        for Condition { sql, value, .. } in &self.conditions {
            conditions.push((*sql).to_owned());
            values.push(value.clone());
        }
        match stretch.ranks {
            Ranks::Due => conditions.push("due_at is not null".to_owned()),
            Ranks::NotDue => conditions.push("due_at is null".to_owned()),
            Ranks::CreatedAt | Ranks::UpdatedAt | Ranks::Priority => {}
        }
        if let Some((place, after_id)) = &stretch.after {
            match (rank, place) {
                (Some(rank), Some(place)) => {
                    conditions.push(format!("({rank}, {id}) {beyond} (?, ?)"));
                    values.push(place.clone());
                }
                _ => conditions.push(format!("{id} {beyond} ?")),
            }
            values.push(after_id.clone());
        }
        let conditions = match conditions.is_empty() {
            true => String::new(),
            false => format!(" where {}", conditions.join(" and ")),
        };
        let order = match rank {
            Some(rank) => format!("{rank} {direction}, {id} {direction}"),
            None => format!("{id} {direction}"),
        };
        values.push(Value::Integer(limit as i64));
        let columns = task_columns!();
        let sql = format!("select {columns} from {from}{conditions} order by {order} limit ?");
        (sql, values)
    }
}

#[cfg(test)]
mod tests;
