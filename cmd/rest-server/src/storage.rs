//! The database at start-up.

use std::time::Duration;

use anyhow::Context;
use taskwire_domain::Chain;
use taskwire_postgres::{DatabaseUrl, MigrationError, ensure_migrated};

/// How long to wait before the database is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Brings the schema up to date, or makes sure that it is, waiting for a database that is away.
pub(crate) async fn prepare(url: &DatabaseUrl, auto_migrate: bool) -> anyhow::Result<()> {
    loop {
        let prepared = if auto_migrate {
            taskwire_postgres::migrate(url).await
        } else {
            ensure_migrated(url).await
        };
        match prepared {
            Err(error @ MigrationError::Unreachable(_)) => {
                tracing::warn!(error = %Chain(&error), retry.after_ms = PAUSE.as_millis(), "waiting for the database");
                tokio::time::sleep(PAUSE).await;
            }
            other => return other.context("the database is not ready"),
        }
    }
}

/// `rest-server migrate`.
pub(crate) async fn migrate(url: &DatabaseUrl) -> anyhow::Result<()> {
    taskwire_postgres::migrate(url).await?;
    tracing::info!("the database's schema is up to date");
    Ok(())
}
