//! The way into the index.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use taskwire_dispatch::Sink;
use taskwire_domain::{IndexFault, IndexOperation, ItemOutcome, TaskId, TaskIndex};

/// Applies a batch to the index, sending of each task the highest version alone.
pub struct TaskSink {
    index: Arc<dyn TaskIndex>,
}

impl TaskSink {
    /// A sink into this index.
    pub fn new(index: Arc<dyn TaskIndex>) -> Self {
        Self { index }
    }
}

#[async_trait]
impl Sink for TaskSink {
    type Operation = IndexOperation;

    async fn apply(&self, operations: Vec<IndexOperation>) -> Result<Vec<ItemOutcome>, IndexFault> {
        let (winners, positions) = keep_highest(operations);
        let outcomes = self.index.apply(&winners).await?;
        Ok(positions
            .into_iter()
            .map(|position| position.outcome(&outcomes))
            .collect())
    }
}

/// Where an operation of the batch went.
enum Standing {
    /// It is sent, as number so and so.
    Sent(usize),
    /// The operation sent as number so and so has the same task and a version at least as high.
    Superseded(usize),
}

impl Standing {
    fn outcome(&self, outcomes: &[ItemOutcome]) -> ItemOutcome {
        let missing = || ItemOutcome::Retry {
            detail: "the index did not answer this operation".to_owned(),
        };
        match self {
            Self::Sent(number) => outcomes.get(*number).cloned().unwrap_or_else(missing),
            Self::Superseded(number) => match outcomes.get(*number) {
                Some(ItemOutcome::Done) => ItemOutcome::Done,
                Some(ItemOutcome::Retry { detail }) => ItemOutcome::Retry {
                    detail: detail.clone(),
                },
                // What would have superseded this one can never be applied, so this one has to be.
                Some(ItemOutcome::Rejected { .. }) => ItemOutcome::Retry {
                    detail: "a newer version in the same batch was refused".to_owned(),
                },
                None => missing(),
            },
        }
    }
}

/// The operations to send, one for each task in the order of first appearance, and where each went.
fn keep_highest(operations: Vec<IndexOperation>) -> (Vec<IndexOperation>, Vec<Standing>) {
    let mut numbers: HashMap<TaskId, usize> = HashMap::with_capacity(operations.len());
    let mut winners: Vec<(usize, IndexOperation)> = Vec::with_capacity(operations.len());
    let mut sent_as = Vec::with_capacity(operations.len());
    for (place, operation) in operations.into_iter().enumerate() {
        let number = *numbers.entry(operation.id).or_insert(winners.len());
        sent_as.push(number);
        match winners.get_mut(number) {
            Some((_, winner)) if winner.version >= operation.version => {}
            Some(winner) => *winner = (place, operation),
            None => winners.push((place, operation)),
        }
    }
    let standings = sent_as
        .iter()
        .enumerate()
        .map(|(place, number)| match winners.get(*number) {
            Some((winner, _)) if *winner == place => Standing::Sent(*number),
            _ => Standing::Superseded(*number),
        });
    let standings = standings.collect();
    (
        winners.into_iter().map(|(_, operation)| operation).collect(),
        standings,
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use taskwire_domain::{Document, Timestamp, Version};

    use super::*;

    /// Rejects one version, takes the others, and remembers what it was sent.
    struct Index {
        rejects: i64,
        sent: Mutex<Vec<(TaskId, i64)>>,
    }

    #[async_trait]
    impl TaskIndex for Index {
        async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
            let sent = operations
                .iter()
                .map(|operation| (operation.id, operation.version.get()));
            self.sent.lock().unwrap().extend(sent);
            let outcome = |operation: &IndexOperation| match operation.version.get() {
                version if version == self.rejects => ItemOutcome::Rejected { detail: "no".into() },
                _ => ItemOutcome::Done,
            };
            Ok(operations.iter().map(outcome).collect())
        }
    }

    fn operation(id: TaskId, version: i64) -> IndexOperation {
        let deleted_at: Timestamp = "2026-05-01T09:00:00Z".parse().unwrap();
        IndexOperation {
            id,
            version: Version::new(version).unwrap(),
            document: Document::Tombstone { deleted_at },
        }
    }

    fn ids() -> (TaskId, TaskId) {
        let id = |text: &str| text.parse().unwrap();
        (
            id("0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10"),
            id("0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a11"),
        )
    }

    #[tokio::test]
    async fn only_the_highest_version_of_a_task_is_sent_and_all_are_done() {
        let (a, b) = ids();
        let index = Arc::new(Index {
            rejects: 0,
            sent: Mutex::default(),
        });
        let batch = vec![
            operation(a, 1),
            operation(b, 1),
            operation(a, 3),
            operation(a, 2),
            operation(a, 3),
        ];
        let outcomes = TaskSink::new(index.clone()).apply(batch).await.unwrap();
        assert_eq!(*index.sent.lock().unwrap(), [(a, 3), (b, 1)]);
        assert_eq!(outcomes, vec![ItemOutcome::Done; 5]);
    }

    #[tokio::test]
    async fn when_the_highest_is_refused_the_lower_ones_are_to_be_sent() {
        let (a, _) = ids();
        let index = Arc::new(Index {
            rejects: 3,
            sent: Mutex::default(),
        });
        let outcomes = TaskSink::new(index)
            .apply(vec![operation(a, 2), operation(a, 3)])
            .await
            .unwrap();
        assert!(
            matches!(
                &outcomes[..],
                [ItemOutcome::Retry { .. }, ItemOutcome::Rejected { .. }]
            ),
            "{outcomes:?}"
        );
    }
}
