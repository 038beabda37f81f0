//! Relays under any schedule: late commits, lost sessions, crashes, stops, batches taken in part, and success that is
//! reported as failure. Whatever the order, every event reaches the topic, and for each task the first occurrences
//! of its versions stand there in order.
//!
//! A failing seed is printed; `TASKWIRE_SEED=<seed>` runs it alone, `TASKWIRE_SEEDS=<count>` runs more of them.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::collections::BTreeMap;

use fastrand::Rng;
use taskwire_domain::{EncodedEvent, OutboxRecord, TaskId, Version};
use taskwire_relay::{Action, Input, Relay, RelaySettings};

const TASKS: usize = 4;
const RELAYS: usize = 3;
const STEPS: usize = 400;

/// A write that has its outbox id and is not committed. Its task's row is locked until it is.
#[derive(Clone, Copy)]
struct Pending {
    id: i64,
    task: usize,
    version: i64,
}

/// The database and the broker.
#[derive(Default)]
struct World {
    next_id: i64,
    versions: [i64; TASKS],
    pending: Vec<Pending>,
    outbox: BTreeMap<i64, (usize, i64)>,
    /// Which relay holds the lock.
    leader: Option<usize>,
    topic: Vec<(usize, i64)>,
}

impl World {
    fn begin_write(&mut self, rng: &mut Rng) {
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

    fn commit_one(&mut self, rng: &mut Rng) {
        if !self.pending.is_empty() {
            let committed = self.pending.swap_remove(rng.usize(..self.pending.len()));
            self.outbox
                .insert(committed.id, (committed.task, committed.version));
        }
    }

    fn read(&self, limit: u32) -> Vec<OutboxRecord> {
        let rows = self.outbox.iter().take(limit as usize);
        rows.map(|(id, (task, version))| OutboxRecord {
            id: *id,
            event: event(*task, *version),
        })
        .collect()
    }

    /// The broker takes the records of each task in order, up to where it stops for that task.
    fn take(&mut self, batch: &[OutboxRecord], mut takes: impl FnMut(usize) -> bool) {
        let mut stopped = [false; TASKS];
        for record in batch {
            let (task, version) = coordinates(&record.event);
            if !stopped[task] && takes(task) {
                self.topic.push((task, version));
            } else {
                stopped[task] = true;
            }
        }
    }

    fn check(&self, seed: u64) {
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

fn event(task: usize, version: i64) -> EncodedEvent {
    let task_id: TaskId = format!("00000000-0000-7000-8000-{task:012}").parse().unwrap();
    EncodedEvent {
        task_id,
        version: Version::new(version).unwrap(),
        payload: Default::default(),
        headers: Vec::new(),
    }
}

fn coordinates(event: &EncodedEvent) -> (usize, i64) {
    let task = event.task_id.as_uuid().as_u128() & 0xff;
    (usize::try_from(task).unwrap(), event.version.get())
}

/// A relay's process: the machine and the action it is at.
struct Process {
    relay: Relay,
    action: Action,
    stopping: bool,
}

impl Process {
    fn start() -> Self {
        let settings = RelaySettings {
            batch_size: 3,
            poll_ms: 50,
            election_ms: 1_000,
        };
        let mut relay = Relay::new(settings);
        let action = relay.step(Input::Start);
        Self {
            relay,
            action,
            stopping: false,
        }
    }
}

/// Lets one relay carry out the action it is at, which may go wrong when `faults` are on.
fn carry_out(world: &mut World, number: usize, process: &mut Process, rng: &mut Rng, faults: bool) {
    let chance = |rng: &mut Rng, one_in: u32| faults && rng.u32(..one_in) == 0;
    let leads = world.leader == Some(number);
    if leads && chance(rng, 12) {
        // The session dies: the lock is free. The relay notices at its next use of the session.
        world.leader = None;
    }
    let leads = world.leader == Some(number);
    let input = match &process.action {
        Action::Elect => {
            if world.leader.is_none() {
                world.leader = Some(number);
            }
            Input::Elected(world.leader == Some(number))
        }
        Action::Read { .. } | Action::Delete(_) if !leads => Input::SessionLost,
        Action::Read { limit } => Input::Read(world.read(*limit)),
        Action::Delete(ids) => {
            world.outbox.retain(|id, _| !ids.contains(id));
            // "Applied, then reported as failed" is a lost session, too.
            if chance(rng, 10) {
                world.leader = None;
                Input::SessionLost
            } else {
                Input::Deleted
            }
        }
        Action::Publish(batch) => match rng.u32(..6) {
            0 if faults => {
                world.take(batch, |_| rng.bool());
                if leads {
                    Input::PublishFailed
                } else {
                    Input::SessionLost
                }
            }
            1 if faults => {
                world.take(batch, |_| true);
                if leads {
                    Input::PublishFailed
                } else {
                    Input::SessionLost
                }
            }
            _ => {
                // A zombie's batch lands as well; it has the same order within.
                world.take(batch, |_| true);
                Input::Published
            }
        },
        Action::Purge => Input::Purged,
        Action::Wait { .. } => Input::Waited,
        Action::Resign => {
            if leads {
                world.leader = None;
            }
            Input::Resigned
        }
        Action::Finish => {
            assert!(process.stopping, "a relay ended that nobody asked to");
            *process = Process::start();
            return;
        }
    };
    process.action = process.relay.step(input);
}

fn run(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mut world = World::default();
    let mut processes: Vec<Process> = (0..RELAYS).map(|_| Process::start()).collect();
    for _ in 0..STEPS {
        match rng.u32(..10) {
            0..2 => world.begin_write(&mut rng),
            2..4 => world.commit_one(&mut rng),
            4 if rng.u32(..8) == 0 => {
                // A crash: the session ends with the process.
                let number = rng.usize(..RELAYS);
                world.leader = world.leader.filter(|leader| *leader != number);
                processes[number] = Process::start();
            }
            5 if rng.u32(..8) == 0 => {
                let process = &mut processes[rng.usize(..RELAYS)];
                process.relay.stop();
                process.stopping = true;
            }
            _ => {
                let number = rng.usize(..RELAYS);
                carry_out(&mut world, number, &mut processes[number], &mut rng, true);
            }
        }
    }
    // Then peace: everything is committed and published.
    while !world.pending.is_empty() {
        world.commit_one(&mut rng);
    }
    for round in 0.. {
        assert!(
            round < 2_000,
            "seed {seed}: the outbox does not empty: {:?}",
            world.outbox
        );
        if world.outbox.is_empty() {
            break;
        }
        for (number, process) in processes.iter_mut().enumerate() {
            carry_out(&mut world, number, process, &mut rng, false);
        }
    }
    world.check(seed);
}

#[test]
fn nothing_is_lost_or_out_of_order_under_any_schedule() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("a number"))
    };
    match number("TASKWIRE_SEED") {
        Some(seed) => run(seed),
        None => (0..number("TASKWIRE_SEEDS").unwrap_or(2_000)).for_each(run),
    }
}
