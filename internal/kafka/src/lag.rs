//! How far behind the reader is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskwire_domain::Partition;

/// One partition's distance from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionLag {
    /// Which partition.
    pub partition: Partition,
    /// The next offset to finish: what was stored last, or where reading began.
    pub next: i64,
    /// The offset that the next record written will get, as far as known.
    pub high_watermark: i64,
}

impl PartitionLag {
    /// Records that are written and not finished.
    pub fn records(&self) -> i64 {
        (self.high_watermark - self.next).max(0)
    }
}

/// The lag of the partitions that this process reads; cheap to clone and to read.
///
/// Finished records count at once. The ends of the partitions are what the brokers last said: with every fetch, taken
/// over every 5 s, and in answer to a question as often while reading is paused. While brokers are away the last answer
/// stands.
#[derive(Debug, Clone, Default)]
pub struct LagSnapshot(Arc<Mutex<BTreeMap<i32, PartitionLag>>>);

impl LagSnapshot {
    /// Every partition that this process reads now, in order.
    pub fn partitions(&self) -> Vec<PartitionLag> {
        self.entries().values().copied().collect()
    }

    /// The sum over the partitions that this process reads; added up over the processes, the group's lag.
    pub fn group_lag(&self) -> i64 {
        self.entries().values().map(PartitionLag::records).sum()
    }

    pub(crate) fn begin(&self, partition: i32, next: i64, high_watermark: i64) {
        let lag = PartitionLag {
            partition: Partition(partition),
            next,
            high_watermark,
        };
        self.entries().insert(partition, lag);
    }

    pub(crate) fn stored(&self, partition: i32, next: i64) {
        if let Some(entry) = self.entries().get_mut(&partition) {
            entry.next = next;
        }
    }

    pub(crate) fn seen(&self, partition: i32, high_watermark: i64) {
        if let Some(entry) = self.entries().get_mut(&partition) {
            entry.high_watermark = entry.high_watermark.max(high_watermark);
        }
    }

    pub(crate) fn end(&self, partitions: &[i32]) {
        self.entries()
            .retain(|partition, _| !partitions.contains(partition));
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<i32, PartitionLag>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_the_end_minus_what_is_stored_over_the_partitions_that_are_ours() {
        let lag = LagSnapshot::default();
        lag.begin(0, 10, 15);
        lag.begin(1, 0, 3);
        assert_eq!(lag.group_lag(), 8);
        lag.stored(0, 14);
        lag.seen(1, 5);
        lag.seen(1, -1001);
        lag.seen(7, 100);
        assert_eq!(lag.group_lag(), 6);
        lag.end(&[1]);
        assert_eq!(lag.group_lag(), 1);
    }
}
