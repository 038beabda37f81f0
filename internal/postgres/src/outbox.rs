//! The outbox as the relay reads it, and the election of the one relay that may.
//!
//! A session is one connection that holds a session-level advisory lock and does everything else. If the connection
//! is lost, so is the lock, and with it the means to delete. A leader that is cut off must not keep the lock for the
//! hours that TCP would wait, so both ends watch: the server ends a session that is idle or does not acknowledge, the
//! client gives up a call that is not answered. After the first fault the session is closed and of no further use.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use taskwire_domain::{EncodedEvent, Outbox, OutboxFault, OutboxRecord, OutboxSession, TaskId, Version};
use uuid::Uuid;

use crate::DatabaseUrl;
use crate::locks::RELAY_LEADER;
use crate::row::pair;

/// The server closes a session that sends nothing for this long; a leader has to read, delete or send a heartbeat
/// more often.
pub const SESSION_IDLE_LIMIT: Duration = Duration::from_secs(15);

/// How long the server may work on one call.
const STATEMENT_LIMIT: Duration = Duration::from_secs(10);

/// How long the leader waits for the answer to one: longer than the server may work on it.
const ANSWER_LIMIT: Duration = Duration::from_secs(12);

/// How long a connection may take, or a farewell.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A server that takes no writes grants advisory locks too: one who was elected there would publish what it can never
/// delete, and on a standby lead beside the leader on the primary.
const STAND: &str = "
    select case when pg_is_in_recovery() or current_setting('transaction_read_only')::boolean then null
                else pg_try_advisory_lock($1) end";

const READ: &str = "select id, task_id, version, payload, headers from outbox order by id limit $1";

const READ_OTHERS: &str = "
    select id, task_id, version, payload, headers from outbox where task_id <> all($2) order by id limit $1";

const DELETE: &str = "delete from outbox where id = any($1)";

/// [`Outbox`] over connections of its own. They must reach the server directly: the lock belongs to the server's
/// session, and the session's own settings keep a dead leader from holding it.
pub struct PostgresOutbox {
    options: PgConnectOptions,
}

impl PostgresOutbox {
    /// Connects nothing yet.
    pub fn new(url: &DatabaseUrl) -> Self {
        let milliseconds = |limit: Duration| limit.as_millis().to_string();
        let settings = [
            ("idle_session_timeout", milliseconds(SESSION_IDLE_LIMIT)),
            ("statement_timeout", milliseconds(STATEMENT_LIMIT)),
            // A leader whose machine is gone is noticed after some ten seconds, whether it owes us an acknowledgement
            // or not. Over a Unix socket these have no effect and are not needed.
            ("tcp_keepalives_idle", "4".to_owned()),
            ("tcp_keepalives_interval", "2".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
            ("tcp_user_timeout", "10000".to_owned()),
        ];
        Self {
            options: url.connect_options("taskwire-relay", settings),
        }
    }
}

#[async_trait]
impl Outbox for PostgresOutbox {
    async fn elect(&self) -> Result<Option<Box<dyn OutboxSession>>, OutboxFault> {
        let mut connection = answer("connect", CONNECT_LIMIT, self.options.connect()).await?;
        let stand = sqlx::query_scalar(STAND)
            .bind(RELAY_LEADER)
            .fetch_one(&mut connection);
        match answer("stand for election", ANSWER_LIMIT, stand).await? {
            Some(true) => Ok(Some(Box::new(Session(Some(connection))))),
            Some(false) => {
                // We only looked. If the farewell fails, the server notices the closed socket.
                let _ = answer("disconnect", CONNECT_LIMIT, connection.close()).await;
                Ok(None)
            }
            None => Err(OutboxFault {
                action: "stand for election",
                cause: "the server takes no writes: it is a standby, or set to be read-only".into(),
            }),
        }
    }
}

/// Leadership. `None` once a call failed, was given up, or was dropped before its answer came.
struct Session(Option<PgConnection>);

impl Session {
    /// Takes the connection for one call; only [`keep`](Self::keep) after its answer makes it usable again.
    fn connection(&mut self, action: &'static str) -> Result<PgConnection, OutboxFault> {
        self.0.take().ok_or_else(|| OutboxFault {
            action,
            cause: "the session was lost before".into(),
        })
    }

    fn keep(&mut self, connection: PgConnection) {
        self.0 = Some(connection);
    }
}

#[async_trait]
impl OutboxSession for Session {
    async fn read(&mut self, limit: u32, set_aside: &[TaskId]) -> Result<Vec<OutboxRecord>, OutboxFault> {
        const ACTION: &str = "read the outbox";
        let mut connection = self.connection(ACTION)?;
        let read = match set_aside {
            [] => sqlx::query_as(READ).bind(i64::from(limit)),
            tasks => {
                let tasks: Vec<Uuid> = tasks.iter().map(|task| task.as_uuid()).collect();
                sqlx::query_as(READ_OTHERS).bind(i64::from(limit)).bind(tasks)
            }
        };
        let read = read.fetch_all(&mut connection);
        let rows: Vec<Row> = answer(ACTION, ANSWER_LIMIT, read).await?;
        let records = rows.into_iter().map(record).collect::<Result<_, _>>()?;
        self.keep(connection);
        Ok(records)
    }

    async fn delete(&mut self, ids: &[i64]) -> Result<(), OutboxFault> {
        const ACTION: &str = "delete from the outbox";
        let mut connection = self.connection(ACTION)?;
        let delete = sqlx::query(DELETE).bind(ids).execute(&mut connection);
        answer(ACTION, ANSWER_LIMIT, delete).await?;
        self.keep(connection);
        Ok(())
    }

    async fn heartbeat(&mut self) -> Result<(), OutboxFault> {
        const ACTION: &str = "send a heartbeat";
        let mut connection = self.connection(ACTION)?;
        answer(ACTION, ANSWER_LIMIT, connection.ping()).await?;
        self.keep(connection);
        Ok(())
    }

    async fn resign(mut self: Box<Self>) -> Result<(), OutboxFault> {
        const ACTION: &str = "resign";
        let mut connection = self.connection(ACTION)?;
        // Said outright, because the server may take a while to notice that a connection was closed.
        let unlock = sqlx::query("select pg_advisory_unlock($1)")
            .bind(RELAY_LEADER)
            .execute(&mut connection);
        answer(ACTION, CONNECT_LIMIT, unlock).await?;
        answer(ACTION, CONNECT_LIMIT, connection.close()).await
    }
}

type Row = (i64, Uuid, i64, Vec<u8>, Vec<String>);

fn record((id, task_id, version, payload, headers): Row) -> Result<OutboxRecord, OutboxFault> {
    let version = Version::new(version).ok_or_else(|| OutboxFault {
        action: "read the outbox",
        cause: format!("row {id} has version {version}, which no task has").into(),
    })?;
    let event = EncodedEvent {
        task_id: TaskId::from_uuid(task_id),
        version,
        payload: payload.into(),
        headers: pair(headers),
    };
    Ok(OutboxRecord { id, event })
}

/// Waits for the answer to one call no longer than `limit`.
async fn answer<T>(
    action: &'static str,
    limit: Duration,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, OutboxFault> {
    let cause = match tokio::time::timeout(limit, call).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error.into(),
        Err(_) => io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time").into(),
    };
    Err(OutboxFault { action, cause })
}
