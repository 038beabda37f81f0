//! The database and the broker, as far as a relay can tell.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use taskwire_domain::{EncodedEvent, OutboxRecord, TaskId, Version};

pub(crate) const TASKS: usize = 4;

/// A write that has its outbox id and is not committed. Its task's row is locked until it is.
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    id: i64,
    task: usize,
    version: i64,
}

/// A batch on its way to the broker: records land one after the other; behind one that fails, nothing of its task does.
pub(crate) struct Flight {
    records: Vec<(usize, i64)>,
    at: usize,
    failed: BTreeSet<usize>,
    refused: BTreeSet<usize>,
}

impl Flight {
    pub(crate) fn of(batch: &[OutboxRecord]) -> Self {
        Self {
            records: batch.iter().map(|record| coordinates(&record.event)).collect(),
            at: 0,
            failed: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.records.len() - self.at
    }

    pub(crate) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// The tasks of which the broker refused a record.
    pub(crate) fn refused(&self) -> Vec<usize> {
        self.refused.iter().copied().collect()
    }
}

pub(crate) struct World {
    exclusive: bool,
    next_id: i64,
    versions: [i64; TASKS],
    pub(crate) pending: Vec<Pending>,
    pub(crate) outbox: BTreeMap<i64, (usize, i64)>,
    /// Which relays have a session that counts as the leader's.
    pub(crate) leaders: BTreeSet<usize>,
    /// Requests that their client has given up, and that may arrive nevertheless.
    pub(crate) given_up: Vec<Flight>,
    /// Versions that the broker does not take for the time being.
    pub(crate) refused: BTreeSet<(usize, i64)>,
    topic: Vec<(usize, i64)>,
}

impl World {
    pub(crate) fn new(exclusive: bool) -> Self {
        Self {
            exclusive,
            next_id: 0,
            versions: [0; TASKS],
            pending: Vec::new(),
            outbox: BTreeMap::new(),
            leaders: BTreeSet::new(),
            given_up: Vec::new(),
            refused: BTreeSet::new(),
            topic: Vec::new(),
        }
    }

    pub(crate) fn begin_write(&mut self, rng: &mut Rng) {
        let task = rng.usize(..TASKS);
        if self.pending.iter().all(|pending| pending.task != task) {
            self.next_id += 1;
            self.versions[task] += 1;
            self.pending.push(Pending {
                id: self.next_id,
                task,
                version: self.versions[task],
            });
        }
    }

    /// Whether it was below an id that had been committed before.
    pub(crate) fn commit_one(&mut self, rng: &mut Rng) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let committed = self.pending.swap_remove(rng.usize(..self.pending.len()));
        self.outbox
            .insert(committed.id, (committed.task, committed.version));
        self.outbox.keys().next_back() != Some(&committed.id)
    }

    /// From now on the broker refuses an event that is not in the topic yet.
    pub(crate) fn refuse_one(&mut self, rng: &mut Rng) {
        let task = rng.usize(..TASKS);
        self.refused.insert((task, self.versions[task] + 1));
    }

    pub(crate) fn elect(&mut self, number: usize) -> bool {
        let wins = self.leaders.is_empty() || !self.exclusive;
        if wins {
            self.leaders.insert(number);
        }
        wins || self.leaders.contains(&number)
    }

    pub(crate) fn read(&self, limit: u32, set_aside: &[TaskId]) -> Vec<OutboxRecord> {
        let rows = self.outbox.iter().map(|(id, (task, version))| OutboxRecord {
            id: *id,
            event: event(*task, *version),
        });
        rows.filter(|record| !set_aside.contains(&record.event.task_id))
            .take(limit as usize)
            .collect()
    }

    /// The next record lands unless it fails, or one of its task did before.
    pub(crate) fn land(&mut self, flight: &mut Flight, fails: bool) {
        let Some(&(task, version)) = flight.records.get(flight.at) else {
            return;
        };
        flight.at += 1;
        if flight.failed.contains(&task) || flight.refused.contains(&task) {
            return;
        }
        if self.refused.contains(&(task, version)) {
            flight.refused.insert(task);
        } else if fails {
            flight.failed.insert(task);
        } else {
            self.topic.push((task, version));
        }
    }

    /// Whether there was one.
    pub(crate) fn land_late_request(&mut self, rng: &mut Rng) -> bool {
        if self.given_up.is_empty() {
            return false;
        }
        let mut late = self.given_up.swap_remove(rng.usize(..self.given_up.len()));
        let landed = late.remaining() > 0;
        while late.remaining() > 0 {
            self.land(&mut late, false);
        }
        landed
    }

    pub(crate) fn check(&self, seed: u64) {
        let mut seen = [0; TASKS];
        for (task, version) in &self.topic {
            assert!(
                *version <= seen[*task] + 1,
                "seed {seed}: task {task}: {version} stands before {}",
                seen[*task] + 1
            );
            seen[*task] = seen[*task].max(*version);
        }
        assert_eq!(seen, self.versions, "seed {seed}: an event was lost");
    }
}

pub(crate) fn task_id(task: usize) -> TaskId {
    format!("00000000-0000-7000-8000-{task:012}").parse().unwrap()
}

fn event(task: usize, version: i64) -> EncodedEvent {
    EncodedEvent {
        task_id: task_id(task),
        version: Version::new(version).unwrap(),
        payload: Default::default(),
        headers: Vec::new(),
    }
}

fn coordinates(event: &EncodedEvent) -> (usize, i64) {
    let task = event.task_id.as_uuid().as_u128() & 0xff;
    (usize::try_from(task).unwrap(), event.version.get())
}
