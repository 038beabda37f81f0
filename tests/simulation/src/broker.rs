//! The broker and the way to it: the topic, and producers whose requests fail, are lost, or arrive long after anybody
//! waits for them.

use std::collections::{BTreeSet, VecDeque};

use fastrand::Rng;

use crate::catalogue::{Content, Event};

pub(crate) const PARTITIONS: usize = 3;

/// The partition of a task, by its key.
pub(crate) fn partition_of(task: u64) -> usize {
    usize::try_from(task).expect("few tasks") % PARTITIONS
}

#[derive(Debug, Default)]
pub(crate) struct Topic {
    logs: [Vec<Content>; PARTITIONS],
    /// Too large for the topic as it is set now.
    too_large: BTreeSet<(u64, i64)>,
}

impl Topic {
    pub(crate) fn append(&mut self, partition: usize, content: Content) -> i64 {
        self.logs[partition].push(content);
        self.end(partition) - 1
    }

    /// From now on an event is refused, until the topic is repaired.
    pub(crate) fn refuse(&mut self, event: Event) {
        self.too_large.insert((event.task, event.version));
    }

    pub(crate) fn repair(&mut self) {
        self.too_large.clear();
    }

    /// The tasks of which an event is refused.
    pub(crate) fn refused_tasks(&self) -> BTreeSet<u64> {
        self.too_large.iter().map(|(task, _)| *task).collect()
    }

    pub(crate) fn refuses(&self, content: Content) -> bool {
        matches!(content, Content::Event(event) if self.too_large.contains(&(event.task, event.version)))
    }

    /// The high watermark.
    pub(crate) fn end(&self, partition: usize) -> i64 {
        offset(self.logs[partition].len())
    }

    pub(crate) fn ends(&self) -> [i64; PARTITIONS] {
        std::array::from_fn(|partition| self.end(partition))
    }

    /// What stands from one offset to before another.
    pub(crate) fn between(
        &self,
        partition: usize,
        from: i64,
        to: i64,
    ) -> impl Iterator<Item = (i64, Content)> {
        let log = &self.logs[partition];
        let (from, to) = (place(from).min(log.len()), place(to).min(log.len()));
        let slice = log.get(from..to).unwrap_or_default();
        slice
            .iter()
            .enumerate()
            .map(move |(index, content)| (offset(from + index), *content))
    }

    /// Whether nothing between the two is ever delivered.
    pub(crate) fn is_empty_between(&self, partition: usize, from: i64, to: i64) -> bool {
        self.between(partition, from, to)
            .all(|(_, content)| content == Content::Hole)
    }
}

fn offset(length: usize) -> i64 {
    i64::try_from(length).expect("a short log")
}

fn place(offset: i64) -> usize {
    usize::try_from(offset).expect("offsets begin at 0")
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Appended and acknowledged.
    Acknowledged,
    /// Appended; the acknowledgement is lost.
    Unanswered,
    /// Never seen by the broker.
    Lost,
    /// Refused for its size.
    TooLarge,
}

/// A producer's way to one partition.
#[derive(Debug, Default)]
struct Lane {
    /// The broker has taken something of this client here: from now on it refuses a gap.
    known: bool,
    /// There is a gap; nothing more is appended, now or later.
    broken: bool,
    /// Not sent yet; a purge takes these.
    queue: VecDeque<Content>,
    /// Under way; no purge can call these back.
    wire: VecDeque<Content>,
}

/// One idempotent producer: what `internal/kafka/src/producer.rs` says of it, and no more. Once a record of this client
/// stands in a partition, a record that fails is the last one there. Before that, the broker takes any for the first.
#[derive(Debug, Default)]
pub(crate) struct Client {
    lanes: [Lane; PARTITIONS],
    waves: VecDeque<Vec<(usize, Content)>>,
    outstanding: usize,
    failed: bool,
    too_large: bool,
}

impl Client {
    /// Begins a batch: one wave after the other, each acknowledged before the next.
    pub(crate) fn begin(&mut self, waves: impl IntoIterator<Item = Vec<(usize, Content)>>) {
        self.waves = waves.into_iter().filter(|wave| !wave.is_empty()).collect();
        self.next_wave();
    }

    fn next_wave(&mut self) {
        for (partition, content) in self.waves.pop_front().unwrap_or_default() {
            self.lanes[partition].queue.push_back(content);
            self.outstanding += 1;
        }
    }

    /// Sends the next records of one partition.
    pub(crate) fn send(&mut self, rng: &mut Rng) {
        let count = rng.usize(1..4);
        let start = rng.usize(..PARTITIONS);
        let lanes = (0..PARTITIONS).map(|step| (start + step) % PARTITIONS);
        if let Some(partition) = lanes
            .into_iter()
            .find(|partition| !self.lanes[*partition].queue.is_empty())
        {
            let lane = &mut self.lanes[partition];
            let count = count.min(lane.queue.len());
            lane.wire.extend(lane.queue.drain(..count));
        }
    }

    /// Whether what failed was refused for its size.
    pub(crate) fn failed_for_size(&self) -> bool {
        self.too_large
    }

    /// What arrives next in a partition.
    pub(crate) fn next(&self, partition: usize) -> Option<Content> {
        self.lanes[partition].wire.front().copied()
    }

    /// A partition with something under way.
    pub(crate) fn busy_lane(&self, rng: &mut Rng) -> Option<usize> {
        let start = rng.usize(..PARTITIONS);
        let mut lanes = (0..PARTITIONS).map(|step| (start + step) % PARTITIONS);
        lanes.find(|partition| !self.lanes[*partition].wire.is_empty())
    }

    /// The next record under way to a partition meets its fate; the record, if it is appended now.
    pub(crate) fn arrive(&mut self, partition: usize, fate: Fate) -> Option<Content> {
        let lane = &mut self.lanes[partition];
        let content = lane.wire.pop_front()?;
        if lane.broken || matches!(fate, Fate::Lost | Fate::TooLarge) {
            lane.broken |= lane.known;
            // The first cause is the one that is reported.
            self.too_large |= fate == Fate::TooLarge && !self.failed;
            self.failed = true;
            return None;
        }
        lane.known = true;
        if fate == Fate::Unanswered {
            self.failed = true;
        } else {
            self.outstanding = self.outstanding.saturating_sub(1);
            if self.outstanding == 0 && !self.failed {
                self.next_wave();
            }
        }
        Some(content)
    }

    /// `Some(true)`: all is acknowledged. `Some(false)`: something failed.
    pub(crate) fn outcome(&self) -> Option<bool> {
        if self.failed {
            Some(false)
        } else {
            (self.outstanding == 0).then_some(true)
        }
    }

    /// Out of use, and what was not sent is forgotten.
    pub(crate) fn retire(&mut self) {
        self.waves.clear();
        self.failed = true;
        for lane in &mut self.lanes {
            lane.queue.clear();
        }
    }

    pub(crate) fn has_sent(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.wire.is_empty())
    }
}
