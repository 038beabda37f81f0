//! Relays under any schedule: late commits, lost sessions, crashes, stops, frozen leaders that thaw, several leaders at
//! once, batches taken in part, success that is reported as failure, requests that arrive after they were given up, and
//! events that the broker refuses. Whatever the order, every event reaches the topic, and for each task the first
//! occurrences of its versions stand there in order.
//!
//! A failing seed is printed; `TASKWIRE_SEED=<seed>` runs it alone, `TASKWIRE_SEEDS=<count>` runs more of them.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod world;

use fastrand::Rng;
use taskwire_relay::{Action, Input, Relay, RelaySettings};
use world::{Flight, World, task_id};

const RELAYS: usize = 3;
const STEPS: usize = 500;

/// How often what the schedules are for did happen, so that none of it is missing unnoticed.
#[derive(Debug, Default)]
struct Seen {
    late_successes: usize,
    late_requests: usize,
    leaders_at_once: usize,
    thawed_after_successor: usize,
    lower_ids_late: usize,
    refusals: usize,
}

/// A relay's process: the machine, the action it is at, and what of a batch is under way.
struct Process {
    relay: Relay,
    action: Action,
    flight: Option<Flight>,
    stopping: bool,
    frozen: bool,
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
            flight: None,
            stopping: false,
            frozen: false,
        }
    }

    /// It is in the middle of a batch that others have published and deleted meanwhile.
    fn was_overtaken(&self, world: &World) -> bool {
        let gone = |id: &i64| !world.outbox.contains_key(id);
        match &self.action {
            Action::Publish(batch) => batch.iter().all(|record| gone(&record.id)),
            Action::Delete(ids) => ids.iter().all(gone),
            _ => false,
        }
    }
}

/// One run: the world, the processes, and what happens to them.
struct Run {
    rng: Rng,
    world: World,
    processes: Vec<Process>,
    faults: bool,
    seen: Seen,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        // In every fourth run the lock is worth nothing: anybody who stands for election leads.
        let world = World::new(rng.u32(..4) != 0);
        Self {
            rng,
            world,
            processes: (0..RELAYS).map(|_| Process::start()).collect(),
            faults: true,
            seen: Seen::default(),
        }
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.faults && self.rng.u32(..one_in) == 0
    }

    fn anything(&mut self) {
        let number = self.rng.usize(..RELAYS);
        match self.rng.u32(..24) {
            0..5 => self.world.begin_write(&mut self.rng),
            5..10 => self.seen.lower_ids_late += usize::from(self.world.commit_one(&mut self.rng)),
            10 => self.seen.late_requests += usize::from(self.world.land_late_request(&mut self.rng)),
            11 if self.rng.bool() => self.crash(number),
            12 if self.rng.u32(..4) == 0 => {
                let process = &mut self.processes[number];
                process.relay.stop();
                process.stopping = true;
            }
            13 => self.freeze_or_thaw(number),
            // The database ends a session; who held it notices at its next use.
            14 if self.rng.bool() => drop(self.world.leaders.remove(&number)),
            15 if self.rng.u32(..4) == 0 => self.processes[number].relay.try_set_aside_again(),
            16 if self.rng.u32(..4) == 0 => self.world.refuse_one(&mut self.rng),
            _ if self.processes[number].frozen => {}
            _ => self.carry_out(number),
        }
    }

    fn crash(&mut self, number: usize) {
        self.world.leaders.remove(&number);
        let crashed = std::mem::replace(&mut self.processes[number], Process::start());
        self.world.given_up.extend(crashed.flight);
    }

    fn freeze_or_thaw(&mut self, number: usize) {
        let process = &mut self.processes[number];
        process.frozen = !process.frozen;
        if !process.frozen && process.was_overtaken(&self.world) {
            self.seen.thawed_after_successor += 1;
        }
    }

    /// Lets one relay carry out the action it is at, which may go wrong while there are faults.
    fn carry_out(&mut self, number: usize) {
        let leads = self.world.leaders.contains(&number);
        let action = self.processes[number].action.clone();
        let input = match action {
            Action::Elect => {
                let elected = self.world.elect(number);
                self.seen.leaders_at_once += usize::from(self.world.leaders.len() > 1);
                Input::Elected(elected)
            }
            Action::Read { .. } | Action::Delete(_) if !leads => Input::SessionLost,
            Action::Read { limit, set_aside } => Input::Read(self.world.read(limit, &set_aside)),
            Action::Delete(ids) => {
                self.world.outbox.retain(|id, _| !ids.contains(id));
                // "Applied, then reported as failed" is a lost session, too.
                if self.chance(10) {
                    self.world.leaders.remove(&number);
                    Input::SessionLost
                } else {
                    Input::Deleted
                }
            }
            Action::Publish(batch) => {
                let flight = self.processes[number].flight.take();
                let flight = flight.unwrap_or_else(|| Flight::of(&batch));
                match self.publish(flight, leads) {
                    Ok(input) => input,
                    Err(under_way) => {
                        self.processes[number].flight = Some(under_way);
                        return;
                    }
                }
            }
            Action::Purge => Input::Purged,
            Action::Wait { .. } => Input::Waited,
            Action::Resign => {
                self.world.leaders.remove(&number);
                Input::Resigned
            }
            Action::Finish => {
                assert!(
                    self.processes[number].stopping,
                    "a relay ended that nobody asked to"
                );
                self.processes[number] = Process::start();
                return;
            }
        };
        let process = &mut self.processes[number];
        process.action = process.relay.step(input);
    }

    /// A part of the batch lands; with `Err` it goes on later. One who lost the session publishes all the same until
    /// a heartbeat tells him.
    fn publish(&mut self, mut flight: Flight, leads: bool) -> Result<Input, Flight> {
        if !leads && self.rng.bool() {
            self.world.given_up.push(flight);
            return Ok(Input::SessionLost);
        }
        let failing = if self.faults { 8 } else { u32::MAX };
        let parts = if self.faults {
            self.rng.usize(1..4)
        } else {
            usize::MAX
        };
        for _ in 0..parts.min(flight.remaining()) {
            let fails = self.rng.u32(..failing) == 0;
            self.world.land(&mut flight, fails);
        }
        if flight.remaining() > 0 && !self.chance(8) {
            return Err(flight);
        }
        if flight.remaining() > 0 {
            self.world.given_up.push(flight);
            return Ok(Input::PublishFailed);
        }
        let refused = flight.refused();
        if !refused.is_empty() {
            self.seen.refusals += 1;
            return Ok(Input::Refused(refused.into_iter().map(task_id).collect()));
        }
        if flight.has_failed() {
            return Ok(Input::PublishFailed);
        }
        if self.chance(6) {
            self.seen.late_successes += 1;
            return Ok(Input::PublishFailed);
        }
        Ok(Input::Published)
    }

    /// Everything is committed and taken, and nobody is frozen: the outbox has to empty.
    fn come_to_rest(&mut self, seed: u64) {
        self.faults = false;
        self.world.refused.clear();
        while !self.world.pending.is_empty() {
            self.world.commit_one(&mut self.rng);
        }
        for process in &mut self.processes {
            process.frozen = false;
        }
        for round in 0.. {
            assert!(
                round < 2_000,
                "seed {seed}: the outbox does not empty: {:?}",
                self.world.outbox
            );
            if self.world.outbox.is_empty() {
                return;
            }
            for number in 0..RELAYS {
                // The shell does so every minute.
                if round % 100 == 0 {
                    self.processes[number].relay.try_set_aside_again();
                }
                self.carry_out(number);
            }
        }
    }
}

fn run(seed: u64, seen: &mut Seen) {
    let mut run = Run::new(seed);
    (0..STEPS).for_each(|_| run.anything());
    run.come_to_rest(seed);
    run.world.check(seed);
    seen.late_successes += run.seen.late_successes;
    seen.late_requests += run.seen.late_requests;
    seen.leaders_at_once += run.seen.leaders_at_once;
    seen.thawed_after_successor += run.seen.thawed_after_successor;
    seen.lower_ids_late += run.seen.lower_ids_late;
    seen.refusals += run.seen.refusals;
}

#[test]
fn nothing_is_lost_or_out_of_order_under_any_schedule() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("a number"))
    };
    let mut seen = Seen::default();
    if let Some(seed) = number("TASKWIRE_SEED") {
        return run(seed, &mut seen);
    }
    (0..number("TASKWIRE_SEEDS").unwrap_or(2_000)).for_each(|seed| run(seed, &mut seen));
    let counts = [
        seen.late_successes,
        seen.late_requests,
        seen.leaders_at_once,
        seen.thawed_after_successor,
        seen.lower_ids_late,
        seen.refusals,
    ];
    assert!(counts.iter().all(|count| *count > 0), "{seen:?}");
    println!("{seen:?}");
}
