//! What the poll thread and the consume loop share: events one way, wishes and positions the other.
//!
//! Events about partitions overtake records, for a revocation cannot wait until a slow loop has worked through what was
//! read ahead. So records of a partition that is taken away are removed here, at the moment at which it is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use taskwire_domain::{Partition, Position, Record, RevocationGuard, SourceEvent, SourceFault};
use tokio::sync::Notify;

/// A batch holds no more records than this…
pub(crate) const BATCH_RECORDS: usize = 1000;
/// …and is closed when it has grown to this.
pub(crate) const BATCH_BYTES: usize = 4 << 20;

/// How much may be read ahead of the loop. Both may be overshot by one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

/// How the loop wants the thread to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Commit what was stored first.
    Orderly,
    /// The loop is gone.
    Abandoned,
}

pub(crate) struct Handover {
    state: Mutex<State>,
    /// An event waits for the loop.
    event: Notify,
    /// The loop has made room, dropped a guard or wants an end.
    changed: Condvar,
    room: Room,
}

#[derive(Default)]
struct State {
    about_partitions: VecDeque<SourceEvent>,
    batches: VecDeque<Batch>,
    buffered_records: usize,
    buffered_bytes: usize,
    owned: BTreeSet<i32>,
    stored: BTreeMap<i32, i64>,
    paused: bool,
    failed: bool,
    ending: Option<Ending>,
}

#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    pub(crate) bytes: usize,
}

impl Batch {
    pub(crate) fn push(&mut self, record: Record) {
        self.bytes += record.size();
        self.records.push(record);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES
    }

    /// Drops the records of other partitions.
    fn keep_only(&mut self, keep: impl Fn(i32) -> bool) {
        self.records.retain(|record| keep(record.position.partition.0));
        self.bytes = self.records.iter().map(Record::size).sum();
    }
}

impl State {
    fn keep_only(&mut self, keep: impl Fn(i32) -> bool) {
        self.batches.iter_mut().for_each(|batch| batch.keep_only(&keep));
        self.batches.retain(|batch| !batch.records.is_empty());
        self.buffered_records = self.batches.iter().map(|batch| batch.records.len()).sum();
        self.buffered_bytes = self.batches.iter().map(|batch| batch.bytes).sum();
    }

    /// Nothing follows a failure or is wanted at the end. What is not announced is given back: dropping it may
    /// release a guard, which must not happen under the lock.
    fn announce(&mut self, event: SourceEvent) -> Option<SourceEvent> {
        if self.failed || self.ending.is_some() {
            return Some(event);
        }
        self.about_partitions.push_back(event);
        None
    }

    fn has_room(&self, room: Room) -> bool {
        self.buffered_records < room.records && self.buffered_bytes < room.bytes
    }
}

/// The loop's side.
impl Handover {
    pub(crate) fn new(room: Room) -> Self {
        Self {
            state: Mutex::default(),
            event: Notify::new(),
            changed: Condvar::new(),
            room,
        }
    }

    /// Cancel-safe: an event is taken out and returned without a pause in between.
    pub(crate) async fn next(&self) -> SourceEvent {
        loop {
            if let Some(event) = self.take() {
                return event;
            }
            self.event.notified().await;
        }
    }

    fn take(&self) -> Option<SourceEvent> {
        let mut state = self.state();
        if let Some(event) = state.about_partitions.pop_front() {
            return Some(event);
        }
        if state.failed {
            return None;
        }
        let batch = state.batches.pop_front()?;
        state.buffered_records -= batch.records.len();
        state.buffered_bytes -= batch.bytes;
        self.changed.notify_all();
        Some(SourceEvent::Records(batch.records))
    }

    /// The positions that were taken: those of partitions that are ours.
    pub(crate) fn store(&self, positions: &[Position]) -> Vec<Position> {
        let mut state = self.state();
        let mut taken = positions.to_vec();
        taken.retain(|position| state.owned.contains(&position.partition.0));
        state.stored.extend(
            taken
                .iter()
                .map(|position| (position.partition.0, position.offset)),
        );
        taken
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        self.state().paused = paused;
    }

    pub(crate) fn end(&self, ending: Ending) {
        let mut state = self.state();
        state.ending.get_or_insert(ending);
        // Guards that nobody will ever receive are released; why the source failed is still to be said.
        let unread = std::mem::take(&mut state.about_partitions);
        let (failures, unread): (VecDeque<_>, VecDeque<_>) = unread
            .into_iter()
            .partition(|event| matches!(event, SourceEvent::Failed(_)));
        state.about_partitions = failures;
        drop(state);
        drop(unread);
        self.changed.notify_all();
    }

    /// Records read ahead and not taken yet.
    pub(crate) fn buffered_records(&self) -> usize {
        self.state().buffered_records
    }
}

/// The poll thread's side.
impl Handover {
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state().ending
    }

    /// The loop wants no records, or nobody will take them any more.
    pub(crate) fn is_paused(&self) -> bool {
        let state = self.state();
        state.paused || state.failed
    }

    /// Records of partitions that are not ours (any more) are dropped.
    pub(crate) fn push(&self, mut batch: Batch) {
        let mut state = self.state();
        let owned = &state.owned;
        if batch
            .records
            .iter()
            .any(|record| !owned.contains(&record.position.partition.0))
        {
            batch.keep_only(|partition| owned.contains(&partition));
        }
        if batch.records.is_empty() {
            return;
        }
        state.buffered_records += batch.records.len();
        state.buffered_bytes += batch.bytes;
        match state.batches.back_mut() {
            Some(last) if last.records.len() + batch.records.len() <= BATCH_RECORDS && !last.is_full() => {
                last.bytes += batch.bytes;
                last.records.append(&mut batch.records);
            }
            _ => state.batches.push_back(batch),
        }
        drop(state);
        self.event.notify_one();
    }

    /// Whether there is room, after waiting for it for a while.
    pub(crate) fn await_room(&self, limit: Duration) -> bool {
        let state = self.state();
        let full = |state: &mut State| !state.has_room(self.room) && state.ending.is_none();
        let waited = self.changed.wait_timeout_while(state, limit, full);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Half of the room is free, which is when reading starts again after it had to stop.
    pub(crate) fn has_plenty_of_room(&self) -> bool {
        let half = Room {
            records: self.room.records.div_ceil(2),
            bytes: self.room.bytes.div_ceil(2),
        };
        self.state().has_room(half)
    }

    pub(crate) fn assigned(&self, partitions: Vec<i32>) {
        let mut state = self.state();
        state.owned.extend(&partitions);
        state.announce(SourceEvent::Assigned(named(partitions)));
        drop(state);
        self.event.notify_one();
    }

    /// Those of the partitions that are ours.
    pub(crate) fn owned_among(&self, partitions: &[i32]) -> Vec<i32> {
        let owned = &self.state().owned;
        partitions
            .iter()
            .copied()
            .filter(|partition| owned.contains(partition))
            .collect()
    }

    pub(crate) fn revoking(&self, partitions: Vec<i32>, guard: RevocationGuard) {
        self.taken_away(
            &partitions,
            SourceEvent::Revoking(named(partitions.clone()), guard),
        );
    }

    pub(crate) fn lost(&self, partitions: Vec<i32>) {
        self.taken_away(&partitions, SourceEvent::Lost(named(partitions.clone())));
    }

    fn taken_away(&self, partitions: &[i32], event: SourceEvent) {
        let mut state = self.state();
        state.keep_only(|partition| !partitions.contains(&partition));
        let unwanted = state.announce(event);
        drop(state);
        drop(unwanted);
        self.changed.notify_all();
        self.event.notify_one();
    }

    /// What was stored since the last call.
    pub(crate) fn take_stored(&self) -> BTreeMap<i32, i64> {
        std::mem::take(&mut self.state().stored)
    }

    /// From here on positions of these partitions are passed over. Returns what was stored and not yet given to
    /// librdkafka, theirs included.
    pub(crate) fn release(&self, partitions: &[i32]) -> BTreeMap<i32, i64> {
        let mut state = self.state();
        state.owned.retain(|partition| !partitions.contains(partition));
        std::mem::take(&mut state.stored)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.state().failed
    }

    pub(crate) fn fail(&self, fault: SourceFault) {
        let mut state = self.state();
        state.announce(SourceEvent::Failed(fault));
        state.failed = true;
        drop(state);
        self.event.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named(partitions: Vec<i32>) -> Vec<Partition> {
    partitions.into_iter().map(Partition).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const ROOM: Room = Room {
        records: 4,
        bytes: 1 << 20,
    };

    fn batch(offsets: &[(i32, i64)]) -> Batch {
        let mut batch = Batch::default();
        for (partition, offset) in offsets {
            let position = Position {
                partition: Partition(*partition),
                offset: *offset,
            };
            batch.push(Record {
                position,
                key: None,
                value: None,
                headers: Vec::new(),
                time: None,
            });
        }
        batch
    }

    fn handed_out(handover: &Handover) -> Vec<(i32, i64)> {
        match handover.take() {
            Some(SourceEvent::Records(records)) => records
                .iter()
                .map(|record| (record.position.partition.0, record.position.offset))
                .collect(),
            other => panic!("expected records, got {other:?}"),
        }
    }

    fn ours(partitions: &[i32]) -> Handover {
        let handover = Handover::new(ROOM);
        handover.assigned(partitions.to_vec());
        assert!(matches!(handover.take(), Some(SourceEvent::Assigned(_))));
        handover
    }

    #[test]
    fn records_of_a_revoked_partition_are_not_handed_out_any_more() {
        let handover = ours(&[0, 1]);
        handover.push(batch(&[(0, 0), (1, 0), (0, 1)]));
        handover.revoking(vec![0], RevocationGuard::new(|| ()));
        assert!(
            matches!(handover.take(), Some(SourceEvent::Revoking(partitions, _)) if partitions == [Partition(0)])
        );
        assert_eq!(handed_out(&handover), [(1, 0)]);
        handover.release(&[0]);
        handover.push(batch(&[(0, 2)]));
        assert!(handover.take().is_none());
        assert_eq!(handover.buffered_records(), 0);
    }

    #[test]
    fn positions_of_partitions_that_are_not_ours_are_passed_over() {
        let handover = ours(&[0, 1]);
        let at = |partition, offset| Position {
            partition: Partition(partition),
            offset,
        };
        assert_eq!(handover.store(&[at(0, 5), at(2, 7)]), [at(0, 5)]);
        assert_eq!(handover.release(&[0]), BTreeMap::from([(0, 5)]));
        assert_eq!(handover.store(&[at(0, 6)]), []);
        assert_eq!(handover.take_stored(), BTreeMap::new());
    }

    #[test]
    fn small_batches_are_joined_and_taking_them_makes_room() {
        let handover = ours(&[0]);
        handover.push(batch(&[(0, 0), (0, 1)]));
        assert!(handover.await_room(Duration::ZERO));
        handover.push(batch(&[(0, 2), (0, 3)]));
        assert!(!handover.await_room(Duration::ZERO));
        assert_eq!(handed_out(&handover), [(0, 0), (0, 1), (0, 2), (0, 3)]);
        assert!(handover.has_plenty_of_room());
    }

    #[test]
    fn a_failure_is_told_even_when_the_thread_has_ended() {
        let handover = ours(&[0]);
        handover.fail(SourceFault {
            detail: "panicked".to_owned(),
            cause: None,
        });
        handover.end(Ending::Abandoned);
        assert!(matches!(handover.take(), Some(SourceEvent::Failed(_))));
    }

    #[test]
    fn nothing_follows_a_failure_and_a_guard_nobody_will_get_is_released() {
        let handover = ours(&[0]);
        handover.push(batch(&[(0, 0)]));
        handover.fail(SourceFault {
            detail: "broken".to_owned(),
            cause: None,
        });
        assert!(matches!(handover.take(), Some(SourceEvent::Failed(_))));
        let released = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&released);
        handover.revoking(
            vec![0],
            RevocationGuard::new(move || flag.store(true, Ordering::Relaxed)),
        );
        assert!(released.load(Ordering::Relaxed));
        assert!(handover.take().is_none());
    }
}
