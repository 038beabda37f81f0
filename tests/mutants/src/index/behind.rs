//! An answer before there is one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use taskwire_domain::{IndexFault, IndexOperation, ItemOutcome, TaskIndex};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Between two attempts at a batch.
const PAUSE: Duration = Duration::from_millis(100);

/// Says that a batch is done as soon as it is given one, and applies it behind that, in order, for as long as it takes.
pub(crate) struct AppliedBehind(UnboundedSender<Vec<IndexOperation>>);

impl AppliedBehind {
    #[allow(
        clippy::disallowed_methods,
        reason = "that nobody waits for it is the mutation"
    )]
    pub(crate) fn over(index: Arc<dyn TaskIndex>) -> Self {
        let (batches, mut waiting) = unbounded_channel::<Vec<IndexOperation>>();
        tokio::spawn(async move {
            while let Some(batch) = waiting.recv().await {
                while index.apply(&batch).await.is_err() {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
        Self(batches)
    }
}

#[async_trait]
impl TaskIndex for AppliedBehind {
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        // It fails only when the task is gone, and that ends with the process.
        let _ = self.0.send(operations.to_vec());
        Ok(vec![ItemOutcome::Done; operations.len()])
    }
}
