//! An outbox whose lock keeps nobody out.

use std::sync::Arc;

use async_trait::async_trait;
use taskwire_domain::{Outbox, OutboxFault, OutboxRecord, OutboxSession, TaskId};
use tokio::sync::Mutex;

type Session = Arc<Mutex<Box<dyn OutboxSession>>>;

/// Everybody who stands for election wins, on the one session that holds the real lock.
pub struct SharedLock {
    outbox: Arc<dyn Outbox>,
    session: Mutex<Option<Session>>,
}

impl SharedLock {
    /// Over the real one.
    pub fn new(outbox: Arc<dyn Outbox>) -> Self {
        Self {
            outbox,
            session: Mutex::new(None),
        }
    }
}

#[async_trait]
impl Outbox for SharedLock {
    async fn elect(&self) -> Result<Option<Box<dyn OutboxSession>>, OutboxFault> {
        let mut slot = self.session.lock().await;
        let session = match slot.clone() {
            Some(session) => session,
            None => match self.outbox.elect().await? {
                Some(session) => Arc::new(Mutex::new(session)),
                None => return Ok(None),
            },
        };
        *slot = Some(session.clone());
        Ok(Some(Box::new(Shared(session))))
    }
}

struct Shared(Session);

#[async_trait]
impl OutboxSession for Shared {
    async fn read(&mut self, limit: u32, set_aside: &[TaskId]) -> Result<Vec<OutboxRecord>, OutboxFault> {
        self.0.lock().await.read(limit, set_aside).await
    }

    async fn delete(&mut self, ids: &[i64]) -> Result<(), OutboxFault> {
        self.0.lock().await.delete(ids).await
    }

    async fn heartbeat(&mut self) -> Result<(), OutboxFault> {
        self.0.lock().await.heartbeat().await
    }

    /// The others go on leading.
    async fn resign(self: Box<Self>) -> Result<(), OutboxFault> {
        Ok(())
    }
}
