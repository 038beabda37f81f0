//! An outbox read with a cursor, and one that is deleted from by range.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};
use taskwire_domain::{Outbox, OutboxFault, OutboxRecord, OutboxSession, TaskId};

use crate::choice::setting;

/// Reads only rows whose id is above the greatest that was read before.
pub(crate) struct Cursor {
    outbox: Arc<dyn Outbox>,
    last: Arc<AtomicI64>,
}

impl Cursor {
    pub(crate) fn over(outbox: Arc<dyn Outbox>) -> Self {
        Self {
            outbox,
            last: Arc::default(),
        }
    }
}

#[async_trait]
impl Outbox for Cursor {
    async fn elect(&self) -> Result<Option<Box<dyn OutboxSession>>, OutboxFault> {
        let elected = self.outbox.elect().await?;
        Ok(elected.map(|session| -> Box<dyn OutboxSession> {
            let last = self.last.clone();
            Box::new(CursorSession { session, last })
        }))
    }
}

struct CursorSession {
    session: Box<dyn OutboxSession>,
    last: Arc<AtomicI64>,
}

#[async_trait]
impl OutboxSession for CursorSession {
    async fn read(&mut self, limit: u32, set_aside: &[TaskId]) -> Result<Vec<OutboxRecord>, OutboxFault> {
        let last = self.last.load(Ordering::Relaxed);
        let mut records = self.session.read(limit, set_aside).await?;
        records.retain(|record| record.id > last);
        if let Some(record) = records.last() {
            self.last.store(record.id, Ordering::Relaxed);
        }
        Ok(records)
    }

    async fn delete(&mut self, ids: &[i64]) -> Result<(), OutboxFault> {
        self.session.delete(ids).await
    }

    async fn heartbeat(&mut self) -> Result<(), OutboxFault> {
        self.session.heartbeat().await
    }

    async fn resign(self: Box<Self>) -> Result<(), OutboxFault> {
        self.session.resign().await
    }
}

/// Deletes every row up to the greatest id of the batch.
pub(crate) struct RangeDelete(pub(crate) Arc<dyn Outbox>);

#[async_trait]
impl Outbox for RangeDelete {
    async fn elect(&self) -> Result<Option<Box<dyn OutboxSession>>, OutboxFault> {
        let elected = self.0.elect().await?;
        Ok(elected.map(|session| -> Box<dyn OutboxSession> { Box::new(RangeSession(session)) }))
    }
}

struct RangeSession(Box<dyn OutboxSession>);

#[async_trait]
impl OutboxSession for RangeSession {
    async fn read(&mut self, limit: u32, set_aside: &[TaskId]) -> Result<Vec<OutboxRecord>, OutboxFault> {
        self.0.read(limit, set_aside).await
    }

    async fn delete(&mut self, ids: &[i64]) -> Result<(), OutboxFault> {
        // First its own way: the test holds that call up while a lower id is committed.
        self.0.delete(ids).await?;
        let Some(greatest) = ids.iter().max() else {
            return Ok(());
        };
        let deleted = async {
            let mut connection = PgConnection::connect(&setting("DATABASE_URL")).await?;
            let delete = sqlx::query("delete from outbox where id <= $1").bind(greatest);
            delete.execute(&mut connection).await?;
            connection.close().await
        };
        deleted.await.map_err(|cause: sqlx::Error| OutboxFault {
            action: "delete a range",
            cause: cause.into(),
        })
    }

    async fn heartbeat(&mut self) -> Result<(), OutboxFault> {
        self.0.heartbeat().await
    }

    async fn resign(self: Box<Self>) -> Result<(), OutboxFault> {
        self.0.resign().await
    }
}
