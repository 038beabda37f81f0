//! Whether requests for tasks would succeed.

use async_trait::async_trait;
use taskwire_domain::{BoxError, Dependency, Unreachable};

use crate::PostgresPool;
use crate::checkout::within;
use crate::error::DEPENDENCY;

/// Asks over the connections that requests use, so it fails when they are all taken; touches the tables that writes
/// need, so it fails when they are missing or locked; and fails on a server that takes no writes. It writes nothing,
/// so it does not see a full disk.
pub struct PostgresHealth {
    pool: PostgresPool,
}

const CHECK: &str = "
    select current_setting('transaction_read_only')::boolean,
           exists (select from tasks), exists (select from deleted_tasks), exists (select from outbox),
           exists (select from idempotency_keys)";

impl PostgresHealth {
    /// Asks over this pool.
    pub fn new(pool: PostgresPool) -> Self {
        Self { pool }
    }

    async fn ask(&self) -> Result<(), BoxError> {
        let mut connection = self.pool.checkout().await?;
        let query = sqlx::query_as(CHECK);
        let outcome = within(connection.limit(), query.fetch_one(&mut *connection)).await;
        let (is_read_only, _, _, _, _): (bool, bool, bool, bool, bool) = connection.finish(outcome)?;
        if is_read_only {
            return Err("the server takes no writes: it is a standby, or set to be read-only".into());
        }
        Ok(())
    }
}

#[async_trait]
impl Dependency for PostgresHealth {
    fn name(&self) -> &'static str {
        DEPENDENCY
    }

    async fn check(&self) -> Result<(), Unreachable> {
        self.ask().await.map_err(|cause| Unreachable {
            dependency: DEPENDENCY,
            cause,
        })
    }
}
