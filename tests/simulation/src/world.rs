//! Everything there is, and the scheduler: one thread, no clock; whoever is next is drawn from the seed.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use taskwire_dispatch::Input;
use taskwire_domain::{IndexOperation, Position};

use crate::broker::{Client, PARTITIONS, Topic, partition_of};
use crate::catalogue::{Content, Doc, Event, FOREIGN};
use crate::consuming::Member;
use crate::database::Database;
use crate::faults::{Fault, Faults};
use crate::groups::Group;
use crate::index::Generation;
use crate::mutation::Mutation;
use crate::rebuild::Rebuild;
use crate::relaying::RelayProcess;
use crate::verdict::{Invariant, Journal};

const RELAYS: usize = 2;
const CONSUMERS: usize = 2;
const FOREIGN_TASKS: u64 = 2;

/// Steps with faults.
const STEPS: usize = 600;
/// Rounds without faults after which everything must be at rest. Most seeds need a tenth.
const ROUNDS: usize = 600;

pub(crate) struct World {
    pub(crate) mutation: Option<Mutation>,
    pub(crate) rng: Rng,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) database: Database,
    pub(crate) relays: Vec<RelayProcess>,
    /// Sessions of crashed relays that the database still believes in.
    pub(crate) half_open: Vec<u64>,
    /// Producers that are out of use, with requests under way.
    pub(crate) zombies: Vec<Client>,
    pub(crate) topic: Topic,
    /// The highest version of each task in the topic.
    pub(crate) published: BTreeMap<u64, i64>,
    /// The last version of each task of somebody else's.
    pub(crate) foreign: BTreeMap<u64, i64>,
    pub(crate) generations: BTreeMap<usize, Generation>,
    /// Each generation has its own group.
    pub(crate) groups: BTreeMap<usize, Group>,
    pub(crate) members: BTreeMap<usize, Member>,
    pub(crate) last_member: usize,
    /// Groups that lack a member.
    pub(crate) absent: Vec<usize>,
    /// Bulks that nobody waits for any more.
    pub(crate) late_bulks: Vec<(usize, Vec<IndexOperation>)>,
    /// Where the dead letters came from.
    pub(crate) parked: BTreeSet<Position>,
    /// The generation that is searched.
    pub(crate) alias: usize,
    /// What searches have shown last of each task.
    pub(crate) shown: BTreeMap<u64, Doc>,
    pub(crate) rebuild: Option<Rebuild>,
    pub(crate) last_generation: usize,
}

impl World {
    pub(crate) fn new(seed: u64, mutation: Option<Mutation>, traced: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let faults = Faults::draw(&mut rng);
        let mut world = Self {
            mutation,
            rng,
            faults,
            journal: Journal::new(traced),
            database: Database::new(mutation),
            relays: (0..RELAYS).map(|_| RelayProcess::start()).collect(),
            half_open: Vec::new(),
            zombies: Vec::new(),
            topic: Topic::default(),
            published: BTreeMap::new(),
            foreign: BTreeMap::new(),
            generations: BTreeMap::from([(1, Generation::new(mutation))]),
            groups: BTreeMap::from([(1, Group::default())]),
            members: BTreeMap::new(),
            last_member: 0,
            absent: Vec::new(),
            late_bulks: Vec::new(),
            parked: BTreeSet::new(),
            alias: 1,
            shown: BTreeMap::new(),
            rebuild: None,
            last_generation: 1,
        };
        (0..CONSUMERS).for_each(|_| world.spawn(1));
        world.journal.note(|| format!("{:?}", world.faults));
        world
    }

    /// The whole schedule: faults, then peace, and for some seeds the whole topic once more.
    pub(crate) fn run(&mut self) {
        for _ in 0..STEPS {
            if self.journal.violated() {
                return;
            }
            self.journal.step += 1;
            self.step();
            if self.rng.u32(..self.faults.one_in) == 0 {
                self.fault();
            }
        }
        self.come_to_rest();
        if self.faults.has(Fault::Replay) && !self.journal.violated() {
            // A minute passes, the engine restarts, and somebody sets the group back.
            self.journal.count("the whole topic is read once more");
            self.forget_deletes();
            self.rewind(self.alias, true);
            self.come_to_rest();
        }
    }

    fn forget_deletes(&mut self) {
        self.journal.note(|| "the index forgets its deletions".to_owned());
        self.generations.values_mut().for_each(Generation::forget_deletes);
    }

    /// Somebody goes one step on.
    fn step(&mut self) {
        match self.rng.u32(..100) {
            0..9 => self.write(),
            9..16 => {
                let commits = self.rng.u32(..6) > 0;
                self.end_transaction(commits);
            }
            16..36 => {
                let relay = self.rng.usize(..RELAYS);
                (0..2).for_each(|_| self.turn_relay(relay));
            }
            36..54 => {
                let relay = self.rng.usize(..RELAYS);
                (0..3).for_each(|_| self.network(relay));
            }
            54..60 => self.some_member(Self::fetch),
            60..69 => self.some_member(Self::deliver),
            69..83 => self.some_member(Self::answer),
            83..87 => self.some_member(Self::commit),
            87..90 => self.staff(),
            90 => self.some_member(Self::end_minute),
            91..96 => self.go_on_with_rebuild(),
            96..98 => self.zombie(),
            _ => self.late_bulk(),
        }
    }

    fn some_member(&mut self, act: impl Fn(&mut Self, usize)) {
        if !self.members.is_empty() {
            let place = self.rng.usize(..self.members.len());
            if let Some(id) = self.members.keys().nth(place).copied() {
                act(self, id);
            }
        }
    }

    fn write(&mut self) {
        let written = self.database.write(&mut self.rng);
        self.journal
            .note(|| format!("a write, not committed: {written:?}"));
    }

    fn end_transaction(&mut self, commits: bool) {
        let ended = self.database.end(&mut self.rng, commits);
        if self.database.has_lower_id_open() {
            self.journal.count("a lower id is committed late");
        }
        self.journal
            .note(|| format!("outbox ids {ended:?} are committed: {commits}"));
    }

    /// Somebody takes the place of one who is gone, and partitions are given out.
    fn staff(&mut self) {
        if let Some(group) = self.absent.pop() {
            self.spawn(group);
        }
        let groups: Vec<_> = self.groups.keys().copied().collect();
        groups.into_iter().for_each(|group| self.assign(group));
    }

    /// Something goes wrong, of the kinds that this seed has.
    fn fault(&mut self) {
        let relay = self.rng.usize(..RELAYS);
        let Some(fault) = self.faults.any(&mut self.rng) else {
            return;
        };
        match fault {
            Fault::SessionLost => self.end_session_of(relay),
            Fault::DatabaseCrash if self.rng.u32(..3) == 0 => self.crash_database(),
            Fault::RelayCrash => self.crash_relay(relay),
            Fault::RelayStop => self.stop_relay(relay),
            Fault::RelayFreeze => self.freeze_or_thaw_relay(relay),
            Fault::EventTooLarge => match self.rng.u32(..3) {
                0 => self.topic.repair(),
                1 => self.try_set_aside_again(relay),
                _ => {
                    let refused = self.database.any_waiting(&mut self.rng);
                    refused.into_iter().for_each(|event| self.topic.refuse(event));
                }
            },
            Fault::ConsumerCrash => self.some_member(Self::crash_member),
            Fault::ConsumerStop => self.some_member(Self::stop_member),
            Fault::ConsumerFreeze => self.some_member(Self::freeze_or_thaw),
            Fault::Rebalance => self.some_member(Self::revoke),
            Fault::GivenUp => self.some_member(Self::give_up),
            Fault::PartitionsLost if self.rng.u32(..3) == 0 => self.some_member(Self::lose),
            Fault::Rewind if self.rng.u32(..4) == 0 => {
                let groups: Vec<_> = self.groups.keys().copied().collect();
                let group = groups[self.rng.usize(..groups.len())];
                let to_the_beginning = self.rng.u32(..4) > 0;
                self.rewind(group, to_the_beginning);
            }
            Fault::IndexForgets => self.forget_deletes(),
            Fault::Poison => self.inject(),
            Fault::Holes => {
                let partition = self.rng.usize(..PARTITIONS);
                self.append(partition, Content::Hole);
            }
            Fault::Rebuild if self.rng.u32(..6) == 0 => self.abandon_rebuild(),
            Fault::Rebuild => self.begin_rebuild(),
            // The others change how something ends that is under way.
            _ => {}
        }
    }

    fn crash_database(&mut self) {
        self.journal.note(|| "the database crashes".to_owned());
        self.database.end_all_sessions();
        self.half_open.clear();
        while self.database.has_open() {
            // Committed or not: nobody is told.
            let commits = self.rng.bool();
            self.end_transaction(commits);
        }
    }

    fn freeze_or_thaw_relay(&mut self, number: usize) {
        let frozen = !self.relays[number].frozen;
        self.relays[number].frozen = frozen;
        self.journal.note(|| format!("relay {number}: frozen: {frozen}"));
        if frozen && self.rng.u32(..3) > 0 {
            self.end_session_of(number);
        } else if !frozen && self.relays[number].was_overtaken(&self.database) {
            self.journal.count("a leader thaws after it lost the lead");
        }
    }

    fn stop_member(&mut self, id: usize) {
        let Some(member) = self.members.get_mut(&id).filter(|member| !member.frozen) else {
            return;
        };
        let again = std::mem::replace(&mut member.stopping, true);
        self.feed(id, if again { Input::StopNow } else { Input::Stop });
    }

    /// Somebody else writes to our topic.
    fn inject(&mut self) {
        let anywhere = self.rng.usize(..PARTITIONS);
        match self.rng.u32(..6) {
            0 => self.append(anywhere, Content::NotJson),
            1 => self.append(anywhere, Content::UnknownType),
            2 => self.append(anywhere, Content::Null),
            _ => {
                let task = FOREIGN + self.rng.u64(..FOREIGN_TASKS);
                let last = self.foreign.entry(task).or_insert(0);
                *last += 1;
                let event = Event {
                    task,
                    version: *last,
                    deleted: false,
                };
                self.append(partition_of(task), Content::Event(event));
            }
        }
    }

    /// No more faults and no more writes: everything is finished, in a bounded time, and then everything is right.
    fn come_to_rest(&mut self) {
        self.faults.end();
        self.journal.note(|| "peace".to_owned());
        for relay in 0..RELAYS {
            self.relays[relay].frozen = false;
        }
        for id in self.members.keys().copied().collect::<Vec<_>>() {
            if self.members.get(&id).is_some_and(|member| member.frozen) {
                self.freeze_or_thaw(id);
            }
        }
        for session in std::mem::take(&mut self.half_open) {
            self.database.end_session(session);
        }
        self.publish_around_what_is_refused();
        for _ in 0..ROUNDS {
            if self.journal.violated() {
                return;
            }
            if self.is_at_rest() {
                self.check_rest();
                return;
            }
            self.journal.step += 1;
            self.round();
        }
        self.journal.blame(Invariant::RestIsReached, || {
            let lag = self.groups.iter().map(|(number, group)| (*number, group.committed));
            format!(
                "after {ROUNDS} rounds {} rows are in the outbox, the topic ends at {:?}, the groups are at {:?}, rebuild {:?}",
                self.database.outbox_len(),
                self.topic.ends(),
                lag.collect::<Vec<_>>(),
                self.rebuild,
            )
        });
    }

    /// An event that the broker does not take holds up its own task and no other.
    fn publish_around_what_is_refused(&mut self) {
        let refused = self.topic.refused_tasks();
        for _ in 0..ROUNDS {
            if refused.is_empty() || !(self.database.holds_others_than(&refused) || self.database.has_open())
            {
                self.topic.repair();
                return;
            }
            self.journal.step += 1;
            self.round();
        }
        self.journal.blame(Invariant::RestIsReached, || {
            format!("after {ROUNDS} rounds the events of others still wait behind those of {refused:?}")
        });
    }

    /// Everybody goes on.
    fn round(&mut self) {
        if self.database.has_open() {
            let commits = self.rng.bool();
            self.end_transaction(commits);
        }
        for relay in 0..RELAYS {
            // So many rounds are the minute after which what was refused is tried again.
            if self.topic.refused_tasks().is_empty() || self.journal.step.is_multiple_of(200) {
                self.try_set_aside_again(relay);
            }
            self.turn_relay(relay);
            (0..4).for_each(|_| self.network(relay));
        }
        self.zombie();
        self.late_bulk();
        self.staff();
        for id in self.members.keys().copied().collect::<Vec<_>>() {
            self.fetch(id);
            self.deliver(id);
            self.answer(id);
            self.commit(id);
            self.end_minute(id);
        }
        self.go_on_with_rebuild();
    }
}
