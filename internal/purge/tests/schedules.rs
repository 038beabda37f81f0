//! The rule against a world that crashes, repeats itself and forgets, in an order drawn from a seed.
//!
//! The world is a topic of two partitions with real offsets, an outbox whose relay may publish a batch again long after it
//! lost its lead, a consumer that may hold what it read for almost a day and may read the whole topic from its beginning
//! at any time, and an index that obeys versions. A purge is wrong if afterwards any event of that task can still be
//! read, or is held by somebody; and a deleted task must never be live in the index.

#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test is the failure being looked for"
)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fastrand::Rng;
use taskwire_domain::{
    Error, EventTopic, ExtentFault, IndexFault, PurgeLedger, PurgeStage, PurgeSurvey, Purged, TaskId,
    Timestamp, Tombstone, TombstoneDocuments, TombstoneRows, TopicExtent, Version, Watermarks,
};
use taskwire_purge::{Advanced, PurgePorts, PurgeSettings, advance};
use uuid::Uuid;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const PARTITIONS: usize = 2;
const SETTINGS: PurgeSettings = PurgeSettings { days: 1 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Event {
    task: u64,
    version: i64,
    deletes: bool,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    event: Event,
    written: i64,
}

/// A consumer's batch, or a lost leader's, that somebody still holds.
#[derive(Debug, Clone)]
struct Held {
    events: Vec<Event>,
    until: i64,
}

#[derive(Debug, Default)]
struct World {
    now: i64,
    next_task: u64,
    live: BTreeMap<u64, i64>,
    /// Version and when it was recorded.
    deletions: BTreeMap<u64, (i64, i64)>,
    ever_deleted: BTreeSet<u64>,
    outbox: VecDeque<Waiting>,
    partitions: [Vec<Event>; PARTITIONS],
    low: [i64; PARTITIONS],
    /// What `low` was and when: a replica that has not deleted as much yet may become the leader.
    lows: Vec<(i64, [i64; PARTITIONS])>,
    read: Vec<Held>,
    unsent: Vec<Held>,
    index: BTreeMap<u64, (i64, bool)>,
    stage: PurgeStage,
    revision: i64,
    purged: u64,
    /// The next calls that fail, as an engine that is away or a process that is killed between two steps.
    crashes: u32,
}

fn task_of(id: TaskId) -> u64 {
    id.as_uuid().as_u64_pair().1
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

impl World {
    fn partition(task: u64) -> usize {
        usize::try_from(task).unwrap() % PARTITIONS
    }

    fn write(&mut self, rng: &mut Rng) {
        let chosen = rng.usize(..self.live.len().max(1));
        let chosen = self.live.keys().copied().nth(chosen);
        let kind = rng.u8(..4);
        let event = match chosen {
            Some(task) if kind == 0 => {
                let version = self.live.remove(&task).unwrap() + 1;
                self.deletions.insert(task, (version, self.now));
                self.ever_deleted.insert(task);
                Event {
                    task,
                    version,
                    deletes: true,
                }
            }
            Some(task) if kind == 1 => {
                let version = self.live[&task] + 1;
                self.live.insert(task, version);
                Event {
                    task,
                    version,
                    deletes: false,
                }
            }
            _ => {
                self.next_task += 1;
                self.live.insert(self.next_task, 1);
                Event {
                    task: self.next_task,
                    version: 1,
                    deletes: false,
                }
            }
        };
        self.outbox.push_back(Waiting {
            event,
            written: self.now,
        });
    }

    /// A batch goes out; its rows may stay (a crash before the deletion), and a leader that lost its session may still
    /// hold the same batch for a while.
    fn relay(&mut self, rng: &mut Rng) {
        let count = rng.usize(..=self.outbox.len());
        let batch: Vec<Event> = self
            .outbox
            .iter()
            .take(count)
            .map(|waiting| waiting.event)
            .collect();
        if rng.u8(..4) == 0 && !batch.is_empty() {
            self.unsent.push(Held {
                events: batch.clone(),
                until: self.now + rng.i64(0..50 * MINUTE),
            });
        }
        self.publish(&batch);
        if rng.u8(..4) > 0 {
            self.outbox.drain(..count);
        }
    }

    fn publish(&mut self, events: &[Event]) {
        for event in events {
            self.partitions[Self::partition(event.task)].push(*event);
        }
    }

    fn consume(&mut self, rng: &mut Rng) {
        let partition = rng.usize(..PARTITIONS);
        let (low, log) = (self.low[partition], &self.partitions[partition]);
        let low = usize::try_from(low).unwrap();
        // A committed offset goes with what is retained; a replay begins at the lowest there is.
        let from = if rng.bool() {
            low
        } else {
            rng.usize(low..=log.len())
        };
        let events = log[from..].to_vec();
        if rng.u8(..3) == 0 {
            self.read.push(Held {
                events,
                until: self.now + rng.i64(0..23 * HOUR),
            });
        } else {
            self.apply(&events);
        }
    }

    fn apply(&mut self, events: &[Event]) {
        for event in events {
            let known = self.index.get(&event.task).map_or(0, |(version, _)| *version);
            if event.version > known {
                self.index.insert(event.task, (event.version, event.deletes));
            }
        }
    }

    fn retain(&mut self, rng: &mut Rng) {
        let partition = rng.usize(..PARTITIONS);
        let high = i64::try_from(self.partitions[partition].len()).unwrap();
        self.low[partition] = rng.i64(self.low[partition]..=high);
        // Retention takes what everybody has read, or the daemon would stop: what a consumer has not seen is applied.
        let low = usize::try_from(self.low[partition]).unwrap();
        let gone = self.partitions[partition][..low].to_vec();
        self.apply(&gone);
    }

    /// A replica leads that has not deleted yet what its leader deleted in the last hours.
    fn fall_back(&mut self, rng: &mut Rng) {
        let earliest = self.now - 20 * HOUR;
        self.lows.retain(|(then, _)| *then >= earliest);
        if let Some((_, lows)) = self.lows.get(rng.usize(..self.lows.len().max(1))) {
            for (low, then) in self.low.iter_mut().zip(lows) {
                *low = (*low).min(*then);
            }
        }
    }

    /// The topic is deleted and made anew, once everything in it was read, as the operator's rules say.
    fn recreate(&mut self) {
        for partition in 0..PARTITIONS {
            let all = std::mem::take(&mut self.partitions[partition]);
            self.apply(&all);
            self.low[partition] = 0;
        }
        self.lows.clear();
    }

    fn let_go(&mut self) {
        let now = self.now;
        let (due, unsent) = std::mem::take(&mut self.unsent)
            .into_iter()
            .partition(|held: &Held| held.until <= now);
        self.unsent = unsent;
        let due: Vec<Held> = due;
        for held in due {
            self.publish(&held.events);
        }
        let (due, read) = std::mem::take(&mut self.read)
            .into_iter()
            .partition(|held: &Held| held.until <= now);
        self.read = read;
        let due: Vec<Held> = due;
        for held in due {
            self.apply(&held.events);
        }
    }

    /// Everything that anybody may still see of this task.
    fn where_seen(&self, task: u64) -> Option<&'static str> {
        let of_it = |events: &[Event]| events.iter().any(|event| event.task == task);
        let partition = Self::partition(task);
        let low = usize::try_from(self.low[partition]).unwrap();
        if of_it(&self.partitions[partition][low..]) {
            return Some("the topic");
        }
        if self.outbox.iter().any(|waiting| waiting.event.task == task) {
            return Some("the outbox");
        }
        if self.unsent.iter().any(|held| of_it(&held.events)) {
            return Some("a relay that lost its lead");
        }
        self.read
            .iter()
            .any(|held| of_it(&held.events))
            .then_some("a consumer")
    }

    fn assert_nothing_came_back(&self) {
        for (task, (version, deleted)) in &self.index {
            let is_back = self.ever_deleted.contains(task) && !deleted && !self.is_behind(*task, *version);
            assert!(!is_back, "task {task} is live again at version {version}");
        }
    }

    /// Whether its deletion is still on the way.
    fn is_behind(&self, task: u64, version: i64) -> bool {
        self.deletions
            .get(&task)
            .is_some_and(|(deletion, _)| *deletion > version)
    }
}

/// The world behind the ports.
#[derive(Clone)]
struct Ports(Arc<Mutex<World>>);

impl Ports {
    fn fails(&self) -> bool {
        let mut world = self.0.lock().unwrap();
        let fails = world.crashes > 0;
        world.crashes = world.crashes.saturating_sub(1);
        fails
    }
}

fn away() -> Error {
    Error::Unavailable {
        dependency: "model",
        retry_after: std::time::Duration::ZERO,
        cause: "away".into(),
    }
}

#[async_trait]
impl PurgeLedger for Ports {
    async fn survey(&self) -> Result<PurgeSurvey, Error> {
        if self.fails() {
            return Err(away());
        }
        let world = self.0.lock().unwrap();
        Ok(PurgeSurvey {
            now: time(world.now),
            oldest_event: world.outbox.iter().map(|waiting| waiting.written).min().map(time),
            oldest_tombstone: world
                .deletions
                .values()
                .map(|(_, recorded)| *recorded)
                .min()
                .map(time),
            tombstones: world.deletions.len() as u64,
            stage: world.stage.clone(),
            revision: world.revision,
        })
    }

    async fn save(&self, revision: i64, stage: &PurgeStage) -> Result<bool, Error> {
        let fails = self.fails();
        let mut world = self.0.lock().unwrap();
        // Applied, then reported as failed: half of the failures are of this kind.
        if fails && revision % 2 == 0 {
            return Err(away());
        }
        let is_ours = world.revision == revision;
        if is_ours {
            world.stage = stage.clone();
            world.revision += 1;
        }
        if fails { Err(away()) } else { Ok(is_ours) }
    }
}

#[async_trait]
impl EventTopic for Ports {
    async fn extent(&self) -> Result<TopicExtent, ExtentFault> {
        if self.fails() {
            return Err(ExtentFault {
                detail: "away".to_owned(),
                cause: None,
            });
        }
        let world = self.0.lock().unwrap();
        let watermarks = (0..PARTITIONS).map(|partition| Watermarks {
            low: world.low[partition],
            high: i64::try_from(world.partitions[partition].len()).unwrap(),
        });
        Ok(TopicExtent {
            topic: "tasks".to_owned(),
            partitions: watermarks.collect(),
        })
    }
}

#[async_trait]
impl TombstoneRows for Ports {
    async fn read(
        &self,
        recorded_before: Timestamp,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<Tombstone>, Error> {
        if self.fails() {
            return Err(away());
        }
        let world = self.0.lock().unwrap();
        let after = after.map_or(0, task_of);
        let old = world
            .deletions
            .iter()
            .filter(|(task, (_, recorded))| **task > after && time(*recorded) <= recorded_before);
        let tombstones = old.take(limit as usize).map(|(task, (version, _))| Tombstone {
            id: TaskId::from_uuid(Uuid::from_u64_pair(0, *task)),
            version: Version::new(*version).unwrap(),
        });
        Ok(tombstones.collect())
    }

    async fn delete(&self, tombstones: &[Tombstone]) -> Result<u64, Error> {
        let fails = self.fails();
        let mut world = self.0.lock().unwrap();
        let mut deleted = 0;
        for tombstone in tombstones {
            deleted += u64::from(world.deletions.remove(&task_of(tombstone.id)).is_some());
        }
        world.purged += deleted;
        if fails { Err(away()) } else { Ok(deleted) }
    }
}

#[async_trait]
impl TombstoneDocuments for Ports {
    async fn purge(&self, tombstones: &[Tombstone]) -> Result<Vec<Purged>, IndexFault> {
        let fails = self.fails();
        let mut world = self.0.lock().unwrap();
        let mut outcomes = Vec::new();
        for tombstone in tombstones {
            let task = task_of(tombstone.id);
            if let Some(place) = world.where_seen(task) {
                panic!(
                    "the tombstone of task {task} goes while its events are in {place}: {:?}",
                    world.stage
                );
            }
            world.index.remove(&task);
            outcomes.push(Purged::Gone);
        }
        if fails {
            return Err(IndexFault::Retry {
                detail: "away".to_owned(),
                cause: None,
            });
        }
        Ok(outcomes)
    }
}

/// One schedule; how many tombstones went and how many rounds were finished.
fn run(seed: u64) -> (u64, u64) {
    let mut rng = Rng::with_seed(seed);
    let world = Arc::new(Mutex::new(World {
        now: 1_000 * DAY,
        ..World::default()
    }));
    let ports = Ports(world.clone());
    let ports = PurgePorts {
        ledger: Arc::new(ports.clone()),
        topic: Arc::new(ports.clone()),
        rows: Arc::new(ports.clone()),
        documents: Arc::new(ports),
    };
    let mut rounds = 0;
    for _ in 0..300 {
        {
            let mut world = world.lock().unwrap();
            world.now += rng.i64(0..6 * HOUR);
            world.let_go();
            match rng.u8(..20) {
                0..5 => world.write(&mut rng),
                5..10 => world.relay(&mut rng),
                10..13 => world.consume(&mut rng),
                13..19 => world.retain(&mut rng),
                _ if rng.u8(..8) == 0 => world.recreate(),
                _ => {}
            }
            let lows = (world.now, world.low);
            world.lows.push(lows);
            let falls_back = rng.u8(..20) == 0;
            if falls_back {
                world.fall_back(&mut rng);
            }
            // What nobody looks at cannot be noticed.
            world.crashes = if !falls_back && rng.u8(..6) == 0 {
                rng.u32(1..4)
            } else {
                0
            };
        }
        // Any number of servers, each a fresh process: nothing is remembered but what is saved.
        for _ in 0..rng.u8(1..3) {
            if let Ok((_, Advanced::Purged(_))) = now(advance(&ports, SETTINGS)) {
                rounds += 1;
            }
        }
        world.lock().unwrap().assert_nothing_came_back();
    }
    let purged = world.lock().unwrap().purged;
    (purged, rounds)
}

/// The model never waits, so neither does the shell.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("nothing here waits"),
    }
}

/// `PURGE_SEED` runs one schedule alone, `PURGE_SEEDS` so many of them.
#[test]
fn no_tombstone_goes_while_an_event_of_its_task_can_be_seen() {
    let number = |variable: &str| {
        std::env::var(variable)
            .ok()
            .map(|text| text.parse::<u64>().unwrap())
    };
    let seeds = match number("PURGE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PURGE_SEEDS").unwrap_or(1_000),
    };
    let (mut purged, mut rounds) = (0, 0);
    for seed in seeds.clone() {
        let outcome = std::panic::catch_unwind(|| run(seed));
        let (gone, finished) =
            outcome.unwrap_or_else(|_| panic!("schedule {seed} failed: PURGE_SEED={seed} repeats it"));
        purged += gone;
        rounds += finished;
    }
    println!(
        "{} schedules, {rounds} rounds, {purged} tombstones purged",
        seeds.end - seeds.start
    );
    assert!(
        seeds.end - seeds.start == 1 || (purged > 100 && rounds > 100),
        "the schedules get to purge something"
    );
}
