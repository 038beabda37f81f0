//! What the database says of tasks, to be compared with the index.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use taskwire_domain::{Error, KnownState, StoredStates, TaskId, Timestamp, Version};
use uuid::Uuid;

use crate::PostgresPool;
use crate::checkout::within;
use crate::error::{internal, not_applied};

/// [`StoredStates`] over the connections that requests share.
pub struct PostgresStates {
    pool: PostgresPool,
}

impl PostgresStates {
    /// Over this pool.
    pub fn new(pool: PostgresPool) -> Self {
        Self { pool }
    }
}

/// One statement, so one moment: a task that is deleted meanwhile is seen as the one or as the other. The first row says
/// whether the server only follows another; what that one has said may not have arrived here.
const STORED: &str = "
    select null::uuid, null::bigint, null::timestamptz, pg_is_in_recovery()
    union all
    select id, version, updated_at, false from tasks where id = any($1)
    union all
    select id, version, deleted_at, true from deleted_tasks where id = any($1)";

const CONTEXT: &str = "the states of tasks could not be read";

type Row = (Option<Uuid>, Option<i64>, Option<DateTime<Utc>>, bool);

#[async_trait]
impl StoredStates for PostgresStates {
    async fn stored(&self, ids: &[TaskId]) -> Result<Option<HashMap<TaskId, KnownState>>, Error> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let mut connection = self.pool.checkout().await?;
        let query = sqlx::query_as(STORED).bind(ids);
        let outcome = within(connection.limit(), query.fetch_all(&mut *connection)).await;
        let rows: Vec<Row> = connection
            .finish(outcome)
            .map_err(|error| not_applied(CONTEXT, error))?;
        let mut states = HashMap::with_capacity(rows.len());
        for (id, version, time, flag) in rows {
            let (Some(id), Some(version), Some(time)) = (id, version, time) else {
                if flag {
                    return Ok(None);
                }
                continue;
            };
            let version = Version::new(version)
                .ok_or_else(|| internal(CONTEXT, format!("{id} has version {version}")))?;
            let state = KnownState {
                version,
                time: Timestamp::from_utc(time),
                deleted: flag,
            };
            states.insert(TaskId::from_uuid(id), state);
        }
        Ok(Some(states))
    }
}
