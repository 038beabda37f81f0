//! Where reading begins in a partition that was just given to us.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use crate::diagnosis::{Verdict, verdict};

/// While a partition's start cannot be found out, the brokers are asked this often.
const START_RETRY: Duration = Duration::from_secs(1);

/// Partitions that the group gave us and whose start is not known yet. librdkafka is not told of them before it is:
/// given a partition without an offset, it would look for one by itself.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) partitions: Vec<i32>,
    pub(crate) asked: Option<Instant>,
}

impl Waiting {
    /// Whether it is time to ask for their starts again.
    pub(crate) fn are_due(&self) -> bool {
        !self.partitions.is_empty() && self.asked.is_none_or(|asked| asked.elapsed() >= START_RETRY)
    }
}

/// The group's coordinator may take this long to answer.
const COMMITTED_LIMIT: Duration = Duration::from_secs(5);

/// A partition's leader may take this long to answer.
const WATERMARK_LIMIT: Duration = Duration::from_secs(2);

/// A partition whose start is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) high: i64,
}

/// Why there is no start.
#[derive(Debug)]
pub(crate) enum NoStart {
    /// Records that were never read are gone.
    ReindexNeeded(String),
    /// The brokers did not say; ask again.
    Unknown(KafkaError),
    /// The brokers will not say.
    Refused(KafkaError),
}

impl From<KafkaError> for NoStart {
    fn from(error: KafkaError) -> Self {
        match error.rdkafka_error_code().map(verdict) {
            Some(Verdict::Halt) => Self::Refused(error),
            _ => Self::Unknown(error),
        }
    }
}

/// Finds out where to begin, stopping at the first partition that has no answer; what was found until then counts.
/// Blocks for up to 5 s and 2 s more for each partition. `abandoned` ends it early.
pub(crate) fn find<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partitions: &[i32],
    abandoned: impl Fn() -> bool,
) -> (Vec<Start>, Option<NoStart>) {
    let mut starts = Vec::with_capacity(partitions.len());
    let committed = match committed(consumer, topic, partitions) {
        Ok(committed) => committed,
        Err(error) => return (starts, Some(error.into())),
    };
    for (partition, committed) in committed {
        if abandoned() {
            break;
        }
        let start = consumer
            .fetch_watermarks(topic, partition, WATERMARK_LIMIT)
            .map_err(NoStart::from)
            .and_then(|(low, high)| decide(topic, partition, committed, low, high));
        match start {
            Ok(start) => starts.push(start),
            Err(reason) => return (starts, Some(reason)),
        }
    }
    (starts, None)
}

/// The group's committed offset of each partition. No list of librdkafka's may outlive this call: one that is alive
/// when the consumer is dropped hangs the drop.
fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partitions: &[i32],
) -> KafkaResult<Vec<(i32, Option<i64>)>> {
    let mut wanted = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        wanted.add_partition(topic, *partition);
    }
    let answer = consumer.committed_offsets(wanted, COMMITTED_LIMIT)?;
    let mut committed = Vec::with_capacity(partitions.len());
    for element in answer.elements() {
        element.error()?;
        let offset = match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        committed.push((element.partition(), offset));
    }
    Ok(committed)
}

/// A new group begins at 0 and may not miss anything; an old one goes on where it was, if that is still there.
fn decide(
    topic: &str,
    partition: i32,
    committed: Option<i64>,
    low: i64,
    high: i64,
) -> Result<Start, NoStart> {
    let lost = match committed {
        None if low == 0 => {
            return Ok(Start {
                partition,
                offset: 0,
                high,
            });
        }
        Some(offset) if (low..=high).contains(&offset) => {
            return Ok(Start {
                partition,
                offset,
                high,
            });
        }
        None => format!("a new group has to begin at 0, but records before {low} have been deleted"),
        Some(offset) if offset < low => {
            format!("the group has read up to {offset}, but records before {low} have been deleted")
        }
        Some(offset) => {
            format!("the group has read up to {offset}, but the partition ends at {high}: records were lost")
        }
    };
    Err(NoStart::ReindexNeeded(format!(
        "partition {partition} of topic `{topic}`: {lost}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(committed: Option<i64>, low: i64, high: i64) -> Option<i64> {
        match decide("tasks", 3, committed, low, high) {
            Ok(start) => Some(start.offset),
            Err(NoStart::ReindexNeeded(detail)) => {
                assert!(detail.contains("partition 3 of topic `tasks`"), "{detail}");
                None
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_group_begins_at_0_or_not_at_all() {
        assert_eq!(offset(None, 0, 0), Some(0));
        assert_eq!(offset(None, 0, 9), Some(0));
        assert_eq!(offset(None, 1, 9), None);
    }

    #[test]
    fn a_committed_offset_counts_when_nothing_between_it_and_the_partition_is_missing() {
        assert_eq!(offset(Some(4), 4, 9), Some(4));
        assert_eq!(offset(Some(9), 4, 9), Some(9));
        assert_eq!(offset(Some(3), 4, 9), None);
        assert_eq!(offset(Some(10), 4, 9), None);
    }
}
