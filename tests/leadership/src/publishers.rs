//! Publishers that let something happen while a batch is under way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use async_trait::async_trait;
use sqlx::{Connection, PgConnection};
use taskwire_domain::{EventPublisher, OutboxRecord, PublishFault};
use tokio::sync::Notify;

/// Counts the batches that were acknowledged.
pub struct Counted {
    inner: Arc<dyn EventPublisher>,
    batches: AtomicUsize,
}

impl Counted {
    /// None yet.
    pub fn new(inner: Arc<dyn EventPublisher>) -> Self {
        Self {
            inner,
            batches: AtomicUsize::new(0),
        }
    }

    /// How many there were.
    pub fn batches(&self) -> usize {
        self.batches.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl EventPublisher for Counted {
    async fn publish(&self, batch: &[OutboxRecord]) -> Result<(), PublishFault> {
        self.inner.publish(batch).await?;
        self.batches.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn purge(&self) {
        self.inner.purge().await;
    }
}

/// Has the database end the leader's session while every third batch is under way: it is published, and whoever
/// published it may delete nothing.
pub struct Interrupted {
    inner: Arc<dyn EventPublisher>,
    database_url: String,
    batches: AtomicUsize,
    interruptions: AtomicUsize,
}

impl Interrupted {
    /// The leader is looked for in this database.
    pub fn new(inner: Arc<dyn EventPublisher>, database_url: &str) -> Self {
        Self {
            inner,
            database_url: database_url.to_owned(),
            batches: AtomicUsize::new(0),
            interruptions: AtomicUsize::new(0),
        }
    }

    /// How many sessions were ended.
    pub fn interruptions(&self) -> usize {
        self.interruptions.load(Ordering::SeqCst)
    }

    async fn interrupt(&self) {
        let mut connection = PgConnection::connect(&self.database_url).await.unwrap();
        let ended = sqlx::query(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity
             where application_name = 'taskwire-relay' and datname = current_database()",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        self.interruptions
            .fetch_add(usize::from(ended.rows_affected() > 0), Ordering::SeqCst);
    }
}

#[async_trait]
impl EventPublisher for Interrupted {
    async fn publish(&self, batch: &[OutboxRecord]) -> Result<(), PublishFault> {
        if self.batches.fetch_add(1, Ordering::SeqCst) % 3 == 2 {
            let ((), published) = tokio::join!(self.interrupt(), self.inner.publish(batch));
            return published;
        }
        self.inner.publish(batch).await
    }

    async fn purge(&self) {
        self.inner.purge().await;
    }
}

/// Blocks its thread with the first batch, and so everything else that its relay does, heartbeats included, until it is
/// thawed. Its relay needs a runtime of its own, with one thread.
pub struct Frozen {
    inner: Arc<dyn EventPublisher>,
    thawed: Mutex<Option<mpsc::Receiver<()>>>,
    is_frozen: Arc<Notify>,
    published: AtomicBool,
}

impl Frozen {
    /// Sending thaws it; `is_frozen` is notified when it blocks.
    pub fn new(inner: Arc<dyn EventPublisher>, is_frozen: Arc<Notify>) -> (Self, mpsc::Sender<()>) {
        let (thaw, thawed) = mpsc::channel();
        let frozen = Self {
            inner,
            thawed: Mutex::new(Some(thawed)),
            is_frozen,
            published: AtomicBool::new(false),
        };
        (frozen, thaw)
    }

    /// Whether the batch is published that it held.
    pub fn has_published(&self) -> bool {
        self.published.load(Ordering::SeqCst)
    }
}

fn publish_at_once(publisher: &dyn EventPublisher, batch: &[OutboxRecord]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(publisher.publish(batch)).unwrap();
}

#[async_trait]
impl EventPublisher for Frozen {
    async fn publish(&self, batch: &[OutboxRecord]) -> Result<(), PublishFault> {
        let frozen = self.thawed.lock().unwrap().take();
        if let Some(thawed) = frozen {
            self.is_frozen.notify_one();
            thawed.recv().unwrap();
            // Before anything else wakes up in that relay, a heartbeat that would tell it, say.
            std::thread::scope(|scope| {
                scope.spawn(|| publish_at_once(&*self.inner, batch));
            });
            self.published.store(true, Ordering::SeqCst);
            return Ok(());
        }
        self.inner.publish(batch).await
    }

    async fn purge(&self) {
        self.inner.purge().await;
    }
}
