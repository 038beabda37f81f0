//! One connection of the pool, for one use.

use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;

use crate::error::leaves_connection_usable;

/// A connection that goes back to the pool only by [`finish`](Self::finish). Dropped otherwise, because a request
/// was abandoned in the middle of a statement, it is closed: nobody else gets a connection that is busy with that
/// statement or waits for a server that is silent. The server ends the statement or rolls the transaction back; a
/// statement that commits itself is applied as a whole or not at all, and its caller is no longer there.
pub(crate) struct Checkout {
    connection: PoolConnection<Postgres>,
    limit: Duration,
    reusable: bool,
}

impl Checkout {
    /// `limit` is how long to wait for an answer: longer than the server may work on a statement, so that the
    /// server's own limit, which leaves no doubt, strikes first.
    pub(crate) fn new(connection: PoolConnection<Postgres>, limit: Duration) -> Self {
        Self {
            connection,
            limit,
            reusable: false,
        }
    }

    /// See [`new`](Self::new).
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Ends the use. The connection goes back to the pool if `outcome` shows that it is fit for further use.
    pub(crate) fn finish<T>(mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.reusable = outcome.as_ref().err().is_none_or(leaves_connection_usable);
        outcome
    }
}

impl Deref for Checkout {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Checkout {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if !self.reusable {
            self.connection.close_on_drop();
        }
    }
}

/// Waits for an answer no longer than `limit`; none by then is an I/O error like any other lost answer.
pub(crate) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time").into())
    })
}
