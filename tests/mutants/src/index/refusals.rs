//! Single operations that are refused for a while (429), and one who does not look.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use fastrand::Rng;
use taskwire_domain::{IndexFault, IndexOperation, ItemOutcome, TaskIndex};

const SEED: u64 = 429;

/// Refuses three operations in ten, each time anew, as Elasticsearch does when its queue is full: they do not reach the
/// index, and may be sent again. Breaks no rule.
pub(crate) struct Refusing {
    index: Arc<dyn TaskIndex>,
    rng: Mutex<Rng>,
}

impl Refusing {
    pub(crate) fn over(index: Arc<dyn TaskIndex>) -> Self {
        Self {
            index,
            rng: Mutex::new(Rng::with_seed(SEED)),
        }
    }

    /// For each of so many operations whether it is refused.
    fn draw(&self, count: usize) -> Vec<bool> {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        (0..count).map(|_| rng.u8(..10) < 3).collect()
    }
}

#[async_trait]
impl TaskIndex for Refusing {
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        let refused = self.draw(operations.len());
        let taken: Vec<_> = operations
            .iter()
            .zip(&refused)
            .filter(|(_, refused)| !**refused)
            .map(|(operation, _)| operation.clone())
            .collect();
        let mut answered = self.index.apply(&taken).await?.into_iter();
        let outcomes = refused.into_iter().filter_map(|refused| match refused {
            true => Some(ItemOutcome::Retry {
                detail: "es_rejected_execution_exception: injected".to_owned(),
            }),
            false => answered.next(),
        });
        Ok(outcomes.collect())
    }
}

/// Takes an operation that is to be sent again for one that is done.
pub(crate) struct Ignoring(pub(crate) Arc<dyn TaskIndex>);

#[async_trait]
impl TaskIndex for Ignoring {
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        let mut outcomes = self.0.apply(operations).await?;
        for outcome in &mut outcomes {
            if matches!(outcome, ItemOutcome::Retry { .. }) {
                *outcome = ItemOutcome::Done;
            }
        }
        Ok(outcomes)
    }
}
