//! A rest for the index after each batch, so that a flood of writes goes into it in fewer and larger ones.
//!
//! Every batch becomes a segment, which costs files, syncs and soon a merge, all of it taken from the requests that wait
//! for the same processors and the same disk. A write that comes alone is not held up: the rest is afterwards.

use std::time::Duration;

use async_trait::async_trait;
use taskwire_dispatch::Sink;
use taskwire_domain::{IndexFault, ItemOutcome};
use tokio::time::Instant;

/// How much longer than its work a rest is...
const SHARE: u32 = 4;

/// ...and the longest there is: with the batch that follows it, a write is still searchable within 200 ms.
const LONGEST: Duration = Duration::from_millis(100);

/// A sink that rests.
pub(crate) struct Paced<S> {
    sink: S,
    full: usize,
}

impl<S> Paced<S> {
    /// Rests after each batch of fewer operations than `full`. After a full one there is more waiting already.
    pub(crate) fn new(sink: S, full: usize) -> Self {
        Self { sink, full }
    }
}

#[async_trait]
impl<S: Sink> Sink for Paced<S> {
    type Operation = S::Operation;

    async fn apply(&self, operations: Vec<Self::Operation>) -> Result<Vec<ItemOutcome>, IndexFault> {
        let (began, count) = (Instant::now(), operations.len());
        let outcomes = self.sink.apply(operations).await?;
        if count < self.full {
            tokio::time::sleep(rest(began.elapsed())).await;
        }
        Ok(outcomes)
    }
}

fn rest(work: Duration) -> Duration {
    (work * SHARE).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_batch_earns_a_short_rest_and_none_a_long_one() {
        assert_eq!(rest(Duration::from_millis(8)), Duration::from_millis(32));
        assert_eq!(rest(Duration::from_secs(1)), LONGEST);
    }
}
