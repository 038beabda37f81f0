//! What the database holds, as JSON in the shape of the contract.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{Connection, PgConnection};

/// Tasks or deletions by id.
pub(crate) type ById = BTreeMap<String, Value>;

/// Every task.
pub(crate) async fn live_rows(url: &str) -> anyhow::Result<ById> {
    let statement = r#"
        select id::text, json_build_object(
            'id', id, 'externalId', external_id, 'description', description,
            'priority', (array['none', 'low', 'medium', 'high'])[priority + 1],
            'dates', json_build_object(
                'start', to_char(start_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'due', to_char(due_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
            'isDone', is_done, 'parentId', parent_id, 'categories', categories,
            'createdAt', to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'updatedAt', to_char(updated_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'completedAt', to_char(completed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'version', version)
        from tasks"#;
    rows(url, statement).await
}

/// Every remembered deletion.
pub(crate) async fn deletions(url: &str) -> anyhow::Result<ById> {
    let statement = r#"
        select id::text, json_build_object(
            'id', id, 'version', version,
            'deletedAt', to_char(deleted_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        from deleted_tasks"#;
    rows(url, statement).await
}

/// How many events wait to be published.
pub(crate) async fn outbox_length(url: &str) -> anyhow::Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    let (count,): (i64,) = sqlx::query_as("select count(*) from outbox")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(count)
}

async fn rows(url: &str, statement: &'static str) -> anyhow::Result<ById> {
    let mut connection = PgConnection::connect(url).await?;
    let rows: Vec<(String, Value)> = sqlx::query_as(statement).fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(rows.into_iter().collect())
}
