//! Ends of partitions behind which nothing is to be done, though nobody stored them.
//!
//! A transaction ends with a record that no reader is given, and so are those of one that was aborted. If they are the
//! last of a partition, the position behind the last record that was handed out is not the partition's end. librdkafka
//! says when it has come to the end, in its place among the records; then nothing lies in between.

use std::collections::BTreeMap;

/// The partitions that are read.
#[derive(Debug, Default)]
pub(crate) struct Tails(BTreeMap<i32, Tail>);

#[derive(Debug)]
struct Tail {
    /// Behind the last record handed out.
    handed_out: i64,
    /// What the loop has stored.
    stored: i64,
    /// The end that was reached after that record.
    end: i64,
}

impl Tails {
    pub(crate) fn begin(&mut self, partition: i32, offset: i64) {
        let tail = Tail {
            handed_out: offset,
            stored: offset,
            end: offset,
        };
        self.0.insert(partition, tail);
    }

    pub(crate) fn end(&mut self, partitions: &[i32]) {
        self.0.retain(|partition, _| !partitions.contains(partition));
    }

    /// A record was handed out, whose next one has this offset.
    pub(crate) fn handed_out(&mut self, partition: i32, next: i64) {
        if let Some(tail) = self.0.get_mut(&partition) {
            tail.handed_out = next;
        }
    }

    /// The loop has stored this position. Returns the one that it comes to.
    pub(crate) fn stored(&mut self, partition: i32, offset: i64) -> i64 {
        let Some(tail) = self.0.get_mut(&partition) else {
            return offset;
        };
        tail.stored = offset;
        tail.reached().unwrap_or(offset)
    }

    /// The end was reached. Returns the position to be stored, if all that was handed out is done.
    pub(crate) fn reached(&mut self, partition: i32, end: i64) -> Option<i64> {
        let tail = self.0.get_mut(&partition)?;
        tail.end = end;
        tail.reached()
    }
}

impl Tail {
    fn reached(&self) -> Option<i64> {
        (self.stored == self.handed_out && self.handed_out < self.end).then_some(self.end)
    }
}

/// The offset in librdkafka's `Fetch from broker 1 reached end of partition at offset 18 (HighwaterMark 18)`; the error
/// itself has only the partition.
pub(crate) fn end_offset(reason: &str) -> Option<i64> {
    let (_, rest) = reason.split_once("reached end of partition at offset ")?;
    rest.split_once(' ')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_counts_when_all_that_was_handed_out_is_stored() {
        let mut tails = Tails::default();
        tails.begin(0, 5);
        assert_eq!(tails.reached(0, 5), None, "nothing is behind it");
        assert_eq!(tails.reached(0, 7), Some(7), "nothing was handed out");
        tails.handed_out(0, 9);
        assert_eq!(tails.stored(0, 8), 8);
        assert_eq!(tails.reached(0, 12), None, "8 is not done");
        assert_eq!(tails.stored(0, 9), 12);
        tails.handed_out(0, 13);
        assert_eq!(tails.stored(0, 13), 13, "the end reached before counts no more");
        tails.end(&[0]);
        assert_eq!((tails.stored(0, 3), tails.reached(0, 20)), (3, None));
    }

    #[test]
    fn the_end_is_read_from_the_sentence() {
        let said = "Fetch from broker 1 reached end of partition at offset 18 (HighwaterMark 20)";
        assert_eq!(end_offset(said), Some(18));
        assert_eq!(end_offset("Fetch from broker 1 failed"), None);
    }
}
