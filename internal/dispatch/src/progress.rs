//! How far each partition has been finished without a gap.

use std::collections::{BTreeMap, BTreeSet};

use taskwire_domain::{Partition, Position};

/// One assignment of a partition to this process. A partition that is taken away and given back is a new
/// tenure: what was read in the old one counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tenure(u64);

#[derive(Debug)]
struct PartitionProgress {
    tenure: Tenure,
    /// Read and not finished.
    open: BTreeSet<i64>,
    /// One past the greatest offset read; `None` before the first.
    next: Option<i64>,
    /// What was stored last.
    stored: Option<i64>,
}

/// The partitions that are ours, and what is open in each.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    partitions: BTreeMap<Partition, PartitionProgress>,
    tenures: u64,
}

impl Progress {
    /// A partition is ours from now on.
    pub(crate) fn assign(&mut self, partition: Partition) {
        self.tenures += 1;
        let tenure = Tenure(self.tenures);
        self.partitions.insert(
            partition,
            PartitionProgress {
                tenure,
                open: BTreeSet::new(),
                next: None,
                stored: None,
            },
        );
    }

    /// A partition is ours no more.
    pub(crate) fn revoke(&mut self, partition: Partition) {
        self.partitions.remove(&partition);
    }

    /// A record was read. `None` when its partition is not ours: it is to be passed over.
    pub(crate) fn read(&mut self, position: Position) -> Option<Tenure> {
        let partition = self.partitions.get_mut(&position.partition)?;
        partition.open.insert(position.offset);
        partition.next = Some(position.offset + 1);
        Some(partition.tenure)
    }

    /// Whether a record that was read in `tenure` is still ours to apply.
    pub(crate) fn holds(&self, partition: Partition, tenure: Tenure) -> bool {
        self.partitions
            .get(&partition)
            .is_some_and(|progress| progress.tenure == tenure)
    }

    /// A record is finished: applied, parked, or nothing to do.
    pub(crate) fn finish(&mut self, position: Position, tenure: Tenure) {
        if let Some(partition) = self.partitions.get_mut(&position.partition)
            && partition.tenure == tenure
        {
            partition.open.remove(&position.offset);
        }
    }

    /// The next offset of every partition whose finished prefix has grown since the last call. The first call after
    /// the first record gives where the partition began, so that a group's start is committed, too.
    pub(crate) fn newly_finished(&mut self) -> Vec<Position> {
        let mut grown = Vec::new();
        for (partition, progress) in &mut self.partitions {
            let prefix = progress.open.first().copied().or(progress.next);
            if let Some(offset) = prefix
                && progress.stored.is_none_or(|stored| stored < offset)
            {
                progress.stored = Some(offset);
                grown.push(Position {
                    partition: *partition,
                    offset,
                });
            }
        }
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Partition = Partition(3);

    fn at(offset: i64) -> Position {
        Position { partition: P, offset }
    }

    #[test]
    fn only_the_prefix_without_a_gap_is_stored() {
        let mut progress = Progress::default();
        progress.assign(P);
        let tenure = progress.read(at(10)).unwrap();
        for offset in [11, 12, 15] {
            progress.read(at(offset));
        }
        progress.finish(at(11), tenure);
        assert_eq!(
            progress.newly_finished(),
            [at(10)],
            "11 is done, 10 is not: nothing past 10"
        );
        progress.finish(at(10), tenure);
        assert_eq!(progress.newly_finished(), [at(12)]);
        progress.finish(at(12), tenure);
        assert_eq!(
            progress.newly_finished(),
            [at(15)],
            "a hole that compaction left is no gap"
        );
        progress.finish(at(15), tenure);
        assert_eq!(progress.newly_finished(), [at(16)]);
        assert_eq!(progress.newly_finished(), []);
    }

    #[test]
    fn what_was_read_in_an_earlier_tenure_counts_no_more() {
        let mut progress = Progress::default();
        progress.assign(P);
        let old = progress.read(at(1)).unwrap();
        progress.revoke(P);
        assert_eq!(progress.read(at(2)), None);
        progress.assign(P);
        let new = progress.read(at(1)).unwrap();
        progress.finish(at(1), old);
        assert_eq!(progress.newly_finished(), [at(1)], "still open in the new tenure");
        assert!(!progress.holds(P, old) && progress.holds(P, new));
    }
}
