//! What every server of one database signs with.

use taskwire_domain::Error;

use crate::PostgresPool;
use crate::checkout::within;
use crate::error::{internal, not_applied};

const CONTEXT: &str = "the signing key could not be read";

/// The key that the migration made.
pub(crate) async fn read(pool: &PostgresPool) -> Result<[u8; 32], Error> {
    let mut connection = pool.checkout().await?;
    let query = sqlx::query_scalar("select key from signing_key");
    let outcome = within(connection.limit(), query.fetch_one(&mut *connection)).await;
    let key: Vec<u8> = connection
        .finish(outcome)
        .map_err(|error| not_applied(CONTEXT, error))?;
    key.try_into()
        .map_err(|key: Vec<u8>| internal(CONTEXT, format!("it has {} bytes instead of 32", key.len())))
}
