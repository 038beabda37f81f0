//! Lists, page by page.
//!
//! A page is read in the order of an index, from the place where the last one ended. The indexes begin with `is_done`,
//! so a list of both open and done tasks is made of two arms that are merged; where tasks without a due time come last,
//! they are arms of their own, because no index can be walked in both directions and have them at the end. Each arm
//! ends after a page's worth of rows.

use sqlx::{Postgres, QueryBuilder};
use taskwire_domain::{Error, ListFilter, ListKey, ListOrder, ListPosition, ListQuery, ListRank, Task};

use crate::PostgresPool;
use crate::checkout::within;
use crate::error::not_applied;
use crate::row::{TaskRow, task_columns};

/// The page that `query` asks for.
pub(crate) async fn page(pool: &PostgresPool, query: &ListQuery) -> Result<Vec<Task>, Error> {
    let mut statement = statement(query);
    let mut connection = pool.checkout().await?;
    // Planned for these very values: which index is best depends on how many tasks a filter lets through.
    let select = statement.build_query_as::<TaskRow>().persistent(false);
    let outcome = within(connection.limit(), select.fetch_all(&mut *connection)).await;
    let rows = connection
        .finish(outcome)
        .map_err(|error| not_applied("tasks could not be listed", error))?;
    Ok(rows.into_iter().map(|TaskRow(task)| task).collect())
}

fn statement(query: &ListQuery) -> QueryBuilder<Postgres> {
    let arms = arms(query);
    let mut sql = QueryBuilder::new("");
    for (index, arm) in arms.iter().enumerate() {
        sql.push(if index == 0 { "(" } else { " union all (" });
        push_arm(&mut sql, query, *arm);
        sql.push(")");
    }
    if arms.len() > 1 {
        let nulls = match query.order.key {
            ListKey::Due => " nulls last",
            _ => "",
        };
        push_order(&mut sql, query.order, nulls);
        sql.push(" limit ").push_bind(i64::from(query.limit));
    }
    sql
}

/// A part of the list that one index holds in the list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arm {
    /// Only tasks that are done, or that are not.
    is_done: Option<bool>,
    /// Only tasks with a due time, or without.
    has_due: Option<bool>,
}

fn arms(query: &ListQuery) -> Vec<Arm> {
    let filter = &query.filter;
    // Those are found by indexes of their own, which do not begin with `is_done`.
    let is_few = filter.parent_id.is_some() || filter.external_id.is_some();
    let is_done = match filter.is_done {
        Some(is_done) => vec![Some(is_done)],
        None if is_few => vec![None],
        None => vec![Some(false), Some(true)],
    };
    let is_bounded = filter.due_before.is_some() || filter.due_after.is_some();
    let has_due = match (query.order.key, query.after.map(|after| after.rank)) {
        (ListKey::Due, _) if is_bounded => vec![Some(true)],
        (ListKey::Due, Some(ListRank::Time(None))) => vec![Some(false)],
        (ListKey::Due, _) => vec![Some(true), Some(false)],
        _ => vec![None],
    };
    let arms = has_due
        .into_iter()
        .flat_map(|has_due| is_done.iter().map(move |&is_done| Arm { is_done, has_due }));
    arms.collect()
}

fn push_arm(sql: &mut QueryBuilder<Postgres>, query: &ListQuery, arm: Arm) {
    sql.push(concat!("select ", task_columns!(), " from tasks where true"));
    match arm.is_done {
        Some(true) => sql.push(" and is_done"),
        Some(false) => sql.push(" and not is_done"),
        None => sql,
    };
    match arm.has_due {
        Some(true) => sql.push(" and due_at is not null"),
        Some(false) => sql.push(" and due_at is null"),
        None => sql,
    };
    push_filter(sql, &query.filter);
    if let Some(after) = query.after {
        push_after(sql, query.order, after, arm);
    }
    push_order(sql, query.order, "");
    sql.push(" limit ").push_bind(i64::from(query.limit));
}

/// All but `is_done`, which is the arm's.
fn push_filter(sql: &mut QueryBuilder<Postgres>, filter: &ListFilter) {
    if let Some(priority) = filter.priority {
        sql.push(" and priority = ").push_bind(priority.rank());
    }
    if let Some(category) = &filter.category {
        // The second condition says what the first implies, for the index, which holds no task without a category.
        sql.push(" and categories @> array[")
            .push_bind(category.clone())
            .push("] and categories <> '{}'");
    }
    if let Some(parent) = filter.parent_id {
        sql.push(" and parent_id = ").push_bind(parent.as_uuid());
    }
    if let Some(external_id) = &filter.external_id {
        sql.push(" and external_id = ")
            .push_bind(external_id.as_str().to_owned());
    }
    if let Some(time) = filter.due_before {
        sql.push(" and due_at < ").push_bind(time.as_utc());
    }
    if let Some(time) = filter.due_after {
        sql.push(" and due_at > ").push_bind(time.as_utc());
    }
}

/// Rank and id are compared as one row, which an index finds at once.
fn push_after(sql: &mut QueryBuilder<Postgres>, order: ListOrder, after: ListPosition, arm: Arm) {
    let beyond = if order.descending { "<" } else { ">" };
    let row = format!(" and ({}, id) {beyond} (", column(order.key));
    let id = after.id.as_uuid();
    match (after.rank, arm.has_due) {
        // Behind any due time come all tasks without one.
        (ListRank::Time(Some(_)), Some(false)) => sql,
        (ListRank::Time(None), _) => sql.push(format!(" and id {beyond} ")).push_bind(id),
        (ListRank::Time(Some(time)), _) => sql
            .push(row)
            .push_bind(time.as_utc())
            .push(", ")
            .push_bind(id)
            .push(")"),
        (ListRank::Priority(priority), _) => sql
            .push(row)
            .push_bind(priority.rank())
            .push(", ")
            .push_bind(id)
            .push(")"),
    };
}

fn push_order(sql: &mut QueryBuilder<Postgres>, order: ListOrder, nulls: &str) {
    let direction = if order.descending { " desc" } else { "" };
    sql.push(" order by ")
        .push(column(order.key))
        .push(direction)
        .push(nulls)
        .push(", id")
        .push(direction);
}

fn column(key: ListKey) -> &'static str {
    match key {
        ListKey::CreatedAt => "created_at",
        ListKey::UpdatedAt => "updated_at",
        ListKey::Due => "due_at",
        ListKey::Priority => "priority",
    }
}
