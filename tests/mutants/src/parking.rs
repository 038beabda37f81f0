//! A dead-letter queue that takes its time, and a consumer that does not wait for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use taskwire_domain::{DeadLetter, DeadLetterQueue, ParkFault};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Longer than it takes until a stored offset is committed, so that a kill finds the letter nowhere.
const SLOWNESS: Duration = Duration::from_secs(6);

/// Parking takes six seconds longer than it does. Breaks no rule.
pub(crate) struct SlowDeadLetters(pub(crate) Arc<dyn DeadLetterQueue>);

#[async_trait]
impl DeadLetterQueue for SlowDeadLetters {
    async fn park(&self, letters: &[DeadLetter]) -> Result<(), ParkFault> {
        tokio::time::sleep(SLOWNESS).await;
        self.0.park(letters).await
    }
}

/// Says that letters are durable as soon as it is given them, and parks them behind that.
pub(crate) struct ParkedBehind(UnboundedSender<Vec<DeadLetter>>);

impl ParkedBehind {
    #[allow(
        clippy::disallowed_methods,
        reason = "that nobody waits for it is the mutation"
    )]
    pub(crate) fn new(queue: Arc<dyn DeadLetterQueue>) -> Self {
        let (letters, mut waiting) = unbounded_channel::<Vec<DeadLetter>>();
        tokio::spawn(async move {
            while let Some(letters) = waiting.recv().await {
                while queue.park(&letters).await.is_err() {}
            }
        });
        Self(letters)
    }
}

#[async_trait]
impl DeadLetterQueue for ParkedBehind {
    async fn park(&self, letters: &[DeadLetter]) -> Result<(), ParkFault> {
        // It fails only when the task is gone, and that ends with the process.
        let _ = self.0.send(letters.to_vec());
        Ok(())
    }
}
