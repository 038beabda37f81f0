//! One batch on its way: what is still to be sent, and what became of the rest. Does no I/O.

use std::collections::VecDeque;

use bytes::Bytes;
use taskwire_domain::{Chain, IndexFault, IndexOperation, ItemOutcome, TaskId};

use crate::bulk_body;

/// So many operations refused one by one as whole requests, and not one request of the batch taken: that is no longer
/// about the operations.
const REFUSED_IN_VAIN: usize = 10;

/// A request: the places of its operations in the batch, their tasks, and its body.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) positions: &'a [usize],
    pub(crate) tasks: Tasks<'a>,
    pub(crate) body: Bytes,
}

/// The tasks of a request's operations, in their order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tasks<'a> {
    operations: &'a [IndexOperation],
    positions: &'a [usize],
}

impl<'a> Tasks<'a> {
    pub(crate) fn ids(self) -> impl ExactSizeIterator<Item = TaskId> + use<'a> {
        let Self {
            operations,
            positions,
        } = self;
        positions.iter().map(|&position| operations[position].id)
    }
}

/// A batch.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    operations: &'a [IndexOperation],
    outcomes: Vec<Option<ItemOutcome>>,
    /// Never empty slices.
    waiting: VecDeque<&'a [usize]>,
    /// Why nothing more is sent.
    trouble: Option<IndexFault>,
    has_answer: bool,
    refused_alone: usize,
}

impl<'a> Delivery<'a> {
    /// `sound` are the places of those operations that can be written down; the others are rejected.
    pub(crate) fn new(operations: &'a [IndexOperation], sound: &'a [usize]) -> Self {
        let rejected = ItemOutcome::Rejected {
            detail: "the task is not a JSON object with fields".to_owned(),
        };
        let mut outcomes = match sound.len() == operations.len() {
            true => Vec::new(),
            false => vec![Some(rejected); operations.len()],
        };
        outcomes.resize(operations.len(), None);
        for &position in sound {
            outcomes[position] = None;
        }
        Self {
            operations,
            outcomes,
            waiting: VecDeque::from_iter((!sound.is_empty()).then_some(sound)),
            trouble: None,
            has_answer: false,
            refused_alone: 0,
        }
    }

    /// The next request, of at most so many bytes if it has more than one operation; `None` when none is to be sent.
    pub(crate) fn next(&mut self, max_bytes: usize) -> Option<Part<'a>> {
        if self.trouble.is_some() {
            return None;
        }
        let positions = self.waiting.pop_front()?;
        let (body, taken) = bulk_body::encode(self.operations, positions, max_bytes);
        let (positions, later) = positions.split_at(taken);
        if !later.is_empty() {
            self.waiting.push_front(later);
        }
        let operations = self.operations;
        let tasks = Tasks {
            operations,
            positions,
        };
        Some(Part {
            positions,
            tasks,
            body,
        })
    }

    /// A request was answered operation by operation.
    pub(crate) fn answered(&mut self, positions: &[usize], outcomes: Vec<ItemOutcome>) {
        self.has_answer = true;
        for (&position, outcome) in positions.iter().zip(outcomes) {
            self.outcomes[position] = Some(outcome);
        }
    }

    /// A request was refused as a whole. If it had one operation, that is the one to blame. Otherwise its halves are sent,
    /// after everything that waits: so the first to be known is whether anything is taken at all.
    ///
    /// # Errors
    /// [`IndexFault::Halt`] when nothing is.
    pub(crate) fn refused(&mut self, positions: &'a [usize], detail: String) -> Result<(), IndexFault> {
        if let [position] = positions {
            self.refused_alone += 1;
            if self.refused_alone >= REFUSED_IN_VAIN && !self.has_answer {
                return Err(in_vain(&detail));
            }
            self.outcomes[*position] = Some(ItemOutcome::Rejected { detail });
            return Ok(());
        }
        let (first, second) = positions.split_at(positions.len() / 2);
        self.waiting.extend([first, second]);
        Ok(())
    }

    /// A request was not answered, or answered with trouble that may pass: nothing more is sent.
    pub(crate) fn stop(&mut self, trouble: IndexFault) {
        self.trouble.get_or_insert(trouble);
    }

    /// What became of each operation. What was not sent, or not answered, is to be sent again.
    ///
    /// # Errors
    /// The trouble, if it is all there is to tell.
    pub(crate) fn finish(self) -> Result<Vec<ItemOutcome>, IndexFault> {
        let detail = match self.trouble {
            Some(trouble) if self.outcomes.iter().all(Option::is_none) => return Err(trouble),
            Some(trouble) => Chain(&trouble).to_string(),
            None => "it was not sent".to_owned(),
        };
        let again = |outcome: Option<_>| {
            outcome.unwrap_or_else(|| ItemOutcome::Retry {
                detail: detail.clone(),
            })
        };
        Ok(self.outcomes.into_iter().map(again).collect())
    }
}

fn in_vain(detail: &str) -> IndexFault {
    IndexFault::Halt {
        detail: format!(
            "Elasticsearch took no request of this batch, and refused {REFUSED_IN_VAIN} operations that were sent one by \
             one ({detail}), so the cause is not in the tasks; nothing was skipped: see that ELASTICSEARCH_URL is an \
             Elasticsearch server with nothing in between that refuses requests, and restart"
        ),
        cause: None,
    }
}

#[cfg(test)]
mod tests {
    use taskwire_domain::{Document, Version};

    use super::*;

    fn batch(count: u32) -> Vec<IndexOperation> {
        let operation = |n| IndexOperation {
            id: format!("0199c5a0-7d9f-7cc1-a3c8-{n:012x}").parse().unwrap(),
            version: Version::new(1).unwrap(),
            document: Document::Tombstone {
                deleted_at: "2026-05-01T09:00:00Z".parse().unwrap(),
            },
        };
        (0..count).map(operation).collect()
    }

    fn trouble() -> IndexFault {
        IndexFault::Retry {
            detail: "busy".into(),
            cause: None,
        }
    }

    /// Sends all of it to a server that refuses every request with one of `poison` in it; how many requests that took.
    fn deliver(count: usize, poison: &[usize]) -> (usize, Result<Vec<usize>, IndexFault>) {
        let operations = batch(u32::try_from(count).unwrap());
        let sound: Vec<_> = (0..count).collect();
        let mut delivery = Delivery::new(&operations, &sound);
        let mut requests = 0;
        while let Some(part) = delivery.next(1_000_000) {
            requests += 1;
            if part.positions.iter().any(|position| poison.contains(position)) {
                if let Err(fault) = delivery.refused(part.positions, "odd".into()) {
                    return (requests, Err(fault));
                }
            } else {
                let done = vec![ItemOutcome::Done; part.positions.len()];
                delivery.answered(part.positions, done);
            }
        }
        let outcomes = delivery.finish().unwrap();
        let rejected = |n: &usize| matches!(outcomes[*n], ItemOutcome::Rejected { .. });
        let others = outcomes.iter().filter(|outcome| **outcome == ItemOutcome::Done);
        let rejected: Vec<_> = sound.iter().copied().filter(rejected).collect();
        assert_eq!(others.count() + rejected.len(), count);
        (requests, Ok(rejected))
    }

    #[test]
    fn the_one_to_blame_is_found_by_halves_wherever_it_stands() {
        for count in 1..=33 {
            for poison in 0..count {
                let (requests, rejected) = deliver(count, &[poison]);
                assert_eq!(rejected.unwrap(), [poison], "{poison} of {count}");
                let depth = usize::BITS - (count - 1).leading_zeros();
                assert!(requests <= 1 + 2 * depth as usize, "{requests} for {count}");
            }
        }
    }

    #[test]
    fn many_to_blame_are_found_as_long_as_something_is_taken() {
        let poison: Vec<_> = (0..64).chain(100..108).collect();
        assert_eq!(deliver(128, &poison).1.unwrap(), poison);
    }

    #[test]
    fn a_server_that_refuses_everything_halts_instead_of_parking_the_topic() {
        let (_, ended) = deliver(1_000, &(0..1_000).collect::<Vec<_>>());
        let sentence = ended.unwrap_err().to_string();
        assert!(sentence.contains("the cause is not in the tasks"), "{sentence}");
    }

    #[test]
    fn trouble_ends_the_sending_and_leaves_what_is_known() {
        let operations = batch(4);
        let sound = [0, 1, 3];
        let mut delivery = Delivery::new(&operations, &sound);
        let first = delivery.next(1).unwrap();
        let second = delivery.next(1).unwrap();
        delivery.stop(trouble());
        assert!(delivery.next(1).is_none());
        delivery.answered(first.positions, vec![ItemOutcome::Done]);
        assert_eq!(second.positions, [1]);
        let outcomes = delivery.finish().unwrap();
        assert_eq!(outcomes[0], ItemOutcome::Done);
        assert!(matches!(&outcomes[1], ItemOutcome::Retry { detail } if detail.contains("busy")));
        assert!(matches!(outcomes[2], ItemOutcome::Rejected { .. }));
        assert!(matches!(outcomes[3], ItemOutcome::Retry { .. }));
    }

    #[test]
    fn trouble_is_all_there_is_to_tell_when_nothing_is_known() {
        let operations = batch(2);
        let mut delivery = Delivery::new(&operations, &[0, 1]);
        delivery.next(1);
        delivery.stop(trouble());
        assert!(matches!(delivery.finish(), Err(IndexFault::Retry { .. })));
    }
}
