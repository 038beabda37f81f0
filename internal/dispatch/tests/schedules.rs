//! A consumer under any schedule: rebalances, lost sessions, crashes, stops, batches applied in part, batches applied
//! and reported as failed, poison in ones and in floods, and a dead-letter queue that refuses. Whatever the order: an
//! offset is committed only when everything before it is applied or parked, no more is parked within a minute than the
//! limit allows, and in the end, when somebody has lifted the limit, everything is finished.
//!
//! A failing seed is printed; `TASKWIRE_SEED=<seed>` runs it alone, `TASKWIRE_SEEDS=<count>` runs more of them.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use taskwire_dispatch::{Action, Consumer, DispatchSettings, Ending, Input, Poison};
use taskwire_domain::{DeadLetter, ItemOutcome, Partition, Position, Record};

const PARTITIONS: i32 = 3;
const RECORDS: i64 = 40;
const STEPS: usize = 600;

/// What a record is, decided by its place alone.
enum Nature {
    Sound,
    /// No handler takes it.
    Poison,
    /// The sink refuses it for ever.
    Refused,
    /// Nothing to do.
    Empty,
}

fn nature(position: Position) -> Nature {
    if position.partition == Partition(2) && (12..30).contains(&position.offset) {
        return Nature::Poison;
    }
    match (position.offset * 7 + i64::from(position.partition.0) * 3) % 11 {
        0 => Nature::Poison,
        1 => Nature::Refused,
        2 => Nature::Empty,
        _ => Nature::Sound,
    }
}

/// The broker, the sink and the dead-letter queue; and how far the one process has read.
#[derive(Default)]
struct World {
    committed: BTreeMap<Partition, i64>,
    applied: BTreeSet<Position>,
    parked: BTreeSet<Position>,
    /// Partitions of the process, and the next offset that is fetched of each.
    assigned: BTreeMap<Partition, i64>,
    /// Fetched and not yet handed to the machine: what may still arrive after a pause.
    fetched: Vec<Record>,
    revoking: Vec<Partition>,
    paused: bool,
}

impl World {
    fn is_finished(&self, position: Position) -> bool {
        let empty = matches!(nature(position), Nature::Empty);
        empty || self.applied.contains(&position) || self.parked.contains(&position)
    }

    fn commit(&mut self, seed: u64, position: Position) {
        let Position { partition, offset } = position;
        if !self.assigned.contains_key(&partition) {
            return;
        }
        for before in 0..offset {
            let before = Position {
                partition,
                offset: before,
            };
            assert!(
                self.is_finished(before),
                "seed {seed}: {offset} is committed, {before:?} is not finished"
            );
        }
        let committed = self.committed.entry(partition).or_insert(0);
        *committed = offset.max(*committed);
    }

    /// Reads ahead, unless it is paused.
    fn fetch(&mut self, rng: &mut Rng) {
        if self.paused {
            return;
        }
        for (partition, next) in &mut self.assigned {
            let count = rng.i64(0..6).min(RECORDS - *next);
            for offset in *next..*next + count {
                let position = Position {
                    partition: *partition,
                    offset,
                };
                self.fetched.push(Record {
                    position,
                    key: None,
                    value: None,
                    headers: Vec::new(),
                    time: None,
                });
            }
            *next += count;
        }
    }

    /// The partitions are gone, and what was fetched of them.
    fn drop_partitions(&mut self, partitions: &[Partition]) {
        self.assigned
            .retain(|partition, _| !partitions.contains(partition));
        self.fetched
            .retain(|record| !partitions.contains(&record.position.partition));
    }
}

/// What is under way in the process.
enum Work {
    Nothing,
    Applying(Vec<Position>),
    Parking(Vec<DeadLetter>),
    BackingOff,
}

struct Process {
    consumer: Consumer<Position>,
    work: Work,
    park_limit: u32,
    /// Parked since the minute began, which runs when the machine has asked for it.
    parked: usize,
    minute_runs: bool,
}

impl Process {
    fn start(seed: u64) -> Self {
        let limits = [0, 4, 8, 15];
        Self::limited(seed, limits[seed as usize % limits.len()])
    }

    fn limited(seed: u64, park_limit: u32) -> Self {
        let settings = DispatchSettings {
            batch_records: if seed.is_multiple_of(3) { 20 } else { 5 },
            read_ahead_bytes: 1_000_000,
            park_limit,
        };
        Self {
            consumer: Consumer::new(settings),
            work: Work::Nothing,
            park_limit,
            parked: 0,
            minute_runs: false,
        }
    }

    fn begin_parking(&mut self, seed: u64, letters: Vec<DeadLetter>) {
        let wanted = self.parked + letters.len();
        assert!(
            self.park_limit == 0 || wanted <= self.park_limit as usize,
            "seed {seed}: {wanted} records are parked within a minute, {} are allowed",
            self.park_limit
        );
        self.begin(seed, Work::Parking(letters));
    }

    /// Feeds the machine and carries out what it answers; true when it ended.
    fn step(&mut self, world: &mut World, seed: u64, input: Input<Position>) -> bool {
        let mut ended = false;
        for action in self.consumer.step(input) {
            match action {
                Action::Apply(operations) => self.begin(seed, Work::Applying(operations)),
                Action::Park(letters) => self.begin_parking(seed, letters),
                Action::CountMinute => {
                    assert!(!self.minute_runs, "seed {seed}: two minutes at once");
                    self.minute_runs = true;
                }
                Action::BackOff(_) => self.begin(seed, Work::BackingOff),
                Action::Store(positions) => positions
                    .into_iter()
                    .for_each(|position| world.commit(seed, position)),
                Action::Pause => world.paused = true,
                Action::Resume => world.paused = false,
                Action::Release => {
                    let released = std::mem::take(&mut world.revoking);
                    world.drop_partitions(&released);
                }
                Action::Finish(Ending::Stopped | Ending::Halted(_)) => ended = true,
            }
        }
        ended
    }

    fn begin(&mut self, seed: u64, work: Work) {
        assert!(
            matches!(self.work, Work::Nothing),
            "seed {seed}: two things under way at once"
        );
        self.work = work;
    }

    /// The answer to what is under way, right or wrong.
    fn answer(&mut self, world: &mut World, rng: &mut Rng, faults: bool) -> Option<Input<Position>> {
        let fault = faults && rng.u32(..3) == 0;
        match std::mem::replace(&mut self.work, Work::Nothing) {
            Work::Nothing => None,
            Work::BackingOff => Some(Input::BackedOff),
            Work::Applying(positions) => {
                let outcomes: Vec<_> = positions
                    .iter()
                    .map(|position| apply(world, *position, fault, rng))
                    .collect();
                // Applied, then reported as failed.
                Some(if fault && rng.bool() {
                    Input::ApplyFailed
                } else {
                    Input::Applied(outcomes)
                })
            }
            Work::Parking(letters) => {
                if !fault || rng.bool() {
                    world
                        .parked
                        .extend(letters.iter().map(|letter| letter.record.position));
                }
                if fault {
                    return Some(Input::ParkFailed);
                }
                self.parked += letters.len();
                Some(Input::Parked)
            }
        }
    }
}

fn apply(world: &mut World, position: Position, fault: bool, rng: &mut Rng) -> ItemOutcome {
    if fault && rng.bool() {
        return ItemOutcome::Retry {
            detail: "busy".into(),
        };
    }
    if matches!(nature(position), Nature::Refused) {
        return ItemOutcome::Rejected { detail: "no".into() };
    }
    world.applied.insert(position);
    ItemOutcome::Done
}

fn dispatched(record: Record) -> (Record, Result<Option<Position>, Poison>) {
    let operation = match nature(record.position) {
        Nature::Poison => Err(Poison::malformed("broken")),
        Nature::Empty => Ok(None),
        Nature::Sound | Nature::Refused => Ok(Some(record.position)),
    };
    (record, operation)
}

/// Partitions come, each from where it was committed.
fn assign(world: &mut World, process: &mut Process, seed: u64, which: impl Fn(i32) -> bool) {
    let new: Vec<_> = (0..PARTITIONS)
        .filter(|number| which(*number))
        .map(Partition)
        .collect();
    let new: Vec<_> = new
        .into_iter()
        .filter(|partition| !world.assigned.contains_key(partition))
        .collect();
    for partition in &new {
        world
            .assigned
            .insert(*partition, world.committed.get(partition).copied().unwrap_or(0));
    }
    process.step(world, seed, Input::Assigned(new));
}

fn restart(world: &mut World, process: &mut Process, new: Process) {
    world.assigned.clear();
    world.fetched.clear();
    world.revoking.clear();
    world.paused = false;
    *process = new;
}

/// Hands over what was fetched; true when the machine ended.
fn deliver(world: &mut World, process: &mut Process, seed: u64) -> bool {
    let records = std::mem::take(&mut world.fetched)
        .into_iter()
        .map(dispatched)
        .collect();
    process.step(world, seed, Input::Read(records))
}

/// One step of the world; true when the machine ended.
fn turn(world: &mut World, process: &mut Process, rng: &mut Rng, seed: u64) -> bool {
    match rng.u32(..15) {
        0 => assign(world, process, seed, |number| number != (seed % 3) as i32),
        1 if world.revoking.is_empty() => {
            let taken: Vec<_> = world.assigned.keys().copied().filter(|_| rng.bool()).collect();
            if !taken.is_empty() {
                world.revoking.clone_from(&taken);
                world
                    .fetched
                    .retain(|record| !taken.contains(&record.position.partition));
                return process.step(world, seed, Input::Revoking(taken));
            }
        }
        // The source waits for no release any longer: the partitions are gone, and may come back at any time.
        2 if rng.u32(..3) == 0 => {
            let given_up = std::mem::take(&mut world.revoking);
            world.drop_partitions(&given_up);
        }
        3 if rng.u32(..4) == 0 && world.revoking.is_empty() => {
            let lost: Vec<_> = world.assigned.keys().copied().collect();
            world.drop_partitions(&lost);
            return process.step(world, seed, Input::Lost(lost));
        }
        4 if rng.u32(..10) == 0 => restart(world, process, Process::start(seed)),
        5 if rng.u32(..10) == 0 => return process.step(world, seed, Input::Stop),
        6..9 => world.fetch(rng),
        9..12 => return deliver(world, process, seed),
        12 if process.minute_runs => {
            (process.minute_runs, process.parked) = (false, 0);
            return process.step(world, seed, Input::MinuteOver);
        }
        _ => {
            if let Some(input) = process.answer(world, rng, true) {
                return process.step(world, seed, input);
            }
        }
    }
    false
}

fn run(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (mut world, mut process) = (World::default(), Process::start(seed));
    for _ in 0..STEPS {
        if turn(&mut world, &mut process, &mut rng, seed) {
            restart(&mut world, &mut process, Process::start(seed));
        }
    }
    // Then peace: whatever state the process is in, it reads everything to its end.
    let rested = |world: &World| {
        (0..PARTITIONS).all(|number| world.committed.get(&Partition(number)) == Some(&RECORDS))
    };
    for round in 0.. {
        if rested(&world) {
            break;
        }
        assert!(
            round < 2_000,
            "seed {seed}: it does not come to rest: {:?}, paused {}",
            world.committed,
            world.paused
        );
        if world.revoking.is_empty() {
            assign(&mut world, &mut process, seed, |_| true);
        }
        world.fetch(&mut rng);
        let mut ended = deliver(&mut world, &mut process, seed);
        if let Some(input) = process.answer(&mut world, &mut rng, false) {
            ended |= process.step(&mut world, seed, input);
        }
        if ended {
            // One that was asked to stop before the peace, or one that saw too much poison, which somebody gives up now.
            restart(&mut world, &mut process, Process::limited(seed, 0));
        }
    }
    for (partition, offset) in
        (0..PARTITIONS).flat_map(|number| (0..RECORDS).map(move |offset| (number, offset)))
    {
        let position = Position {
            partition: Partition(partition),
            offset,
        };
        let sound = matches!(nature(position), Nature::Sound);
        assert_eq!(
            sound,
            world.applied.contains(&position),
            "seed {seed}: {position:?}"
        );
        let poison = matches!(nature(position), Nature::Poison | Nature::Refused);
        assert_eq!(
            poison,
            world.parked.contains(&position),
            "seed {seed}: {position:?}"
        );
    }
}

#[test]
fn nothing_is_committed_unfinished_and_everything_is_finished_under_any_schedule() {
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
