//! The connections that requests share.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use taskwire_domain::Error;

use crate::checkout::Checkout;
use crate::{PostgresSettings, error};

/// How long an idle connection may take to show that it lives. On the way to a request, so short.
const PING_LIMIT: Duration = Duration::from_millis(500);

/// What the network may add to the server's own limit on a statement before its answer is given up.
const GRACE: Duration = Duration::from_secs(1);

/// The connections that requests share; a clone shares them too. They are opened when they are needed, so making one
/// needs no database, only a tokio runtime.
#[derive(Clone)]
pub struct PostgresPool {
    connections: PgPool,
    limit: Duration,
}

impl PostgresPool {
    /// Connects nothing yet.
    pub fn new(settings: &PostgresSettings) -> Self {
        let limit = settings.statement_timeout();
        let options = settings.url.connect_options("taskwire", session_settings(limit));
        let connections = PgPoolOptions::new()
            .max_connections(settings.pool_size)
            .acquire_timeout(settings.acquire_timeout())
            // The hook below asks the same with a time limit. Without it a silent peer would cost a request its whole
            // wait, once for every idle connection.
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(async { Ok(answers(connection).await) }))
            .connect_lazy_with(options);
        Self {
            connections,
            limit: limit + GRACE,
        }
    }

    /// A connection that answered a moment ago: after a restart of the server, the dead ones are thrown away here,
    /// before anything is sent whose outcome could be in doubt.
    pub(crate) async fn checkout(&self) -> Result<Checkout, Error> {
        let connection = self.connections.acquire().await.map_err(error::unreachable)?;
        Ok(Checkout::new(connection, self.limit))
    }
}

async fn answers(connection: &mut PgConnection) -> bool {
    matches!(
        tokio::time::timeout(PING_LIMIT, connection.ping()).await,
        Ok(Ok(()))
    )
}

fn session_settings(statement_timeout: Duration) -> [(&'static str, String); 7] {
    let statement_timeout_ms = statement_timeout.as_millis().to_string();
    [
        ("statement_timeout", statement_timeout_ms.clone()),
        // A process that stops inside a transaction must not keep the others from moving tasks.
        ("idle_in_transaction_session_timeout", statement_timeout_ms),
        // `hierarchy` counts on a fresh snapshot for each statement, whatever the server's default is.
        ("default_transaction_isolation", "read committed".to_owned()),
        // A client that is gone without a word is noticed after some 25 seconds.
        ("tcp_keepalives_idle", "10".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
        ("tcp_user_timeout", "25000".to_owned()),
    ]
}
