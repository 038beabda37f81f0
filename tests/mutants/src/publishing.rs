//! A broker that takes its time, and a publisher that does not wait for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use taskwire_domain::{EventPublisher, OutboxRecord, PublishFault};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Long enough to be killed in.
const SLOWNESS: Duration = Duration::from_secs(3);

/// Every batch takes three seconds longer than it does. Breaks no rule.
pub(crate) struct SlowBroker(pub(crate) Arc<dyn EventPublisher>);

#[async_trait]
impl EventPublisher for SlowBroker {
    async fn publish(&self, batch: &[OutboxRecord]) -> Result<(), PublishFault> {
        tokio::time::sleep(SLOWNESS).await;
        self.0.publish(batch).await
    }

    async fn purge(&self) {
        self.0.purge().await;
    }
}

/// Says that a batch is acknowledged as soon as it is given one, and publishes it behind that, in order. The relay then
/// deletes from the outbox what no broker has.
pub(crate) struct PublishedBehind {
    publisher: Arc<dyn EventPublisher>,
    batches: UnboundedSender<Vec<OutboxRecord>>,
}

impl PublishedBehind {
    #[allow(
        clippy::disallowed_methods,
        reason = "that nobody waits for it is the mutation"
    )]
    pub(crate) fn new(publisher: Arc<dyn EventPublisher>) -> Self {
        let (batches, mut waiting) = unbounded_channel::<Vec<OutboxRecord>>();
        let theirs = publisher.clone();
        tokio::spawn(async move {
            while let Some(batch) = waiting.recv().await {
                while theirs.publish(&batch).await.is_err() {
                    theirs.purge().await;
                }
            }
        });
        Self { publisher, batches }
    }
}

#[async_trait]
impl EventPublisher for PublishedBehind {
    async fn publish(&self, batch: &[OutboxRecord]) -> Result<(), PublishFault> {
        // It fails only when the task is gone, and that ends with the process.
        let _ = self.batches.send(batch.to_vec());
        Ok(())
    }

    async fn purge(&self) {
        self.publisher.purge().await;
    }
}
