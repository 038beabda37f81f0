//! The consumers' processes: the real machine and the real sink, and a shell that carries the actions out.

use std::collections::{BTreeMap, VecDeque};

use taskwire_dispatch::{Action, Consumer, Ending, Input};
use taskwire_domain::{DeadLetter, IndexFault, IndexOperation, ItemOutcome, Partition, Position};

use crate::catalogue::{self, Content};
use crate::faults::Fault;
use crate::mutation::Mutation;
use crate::port::{Answer, Application};
use crate::settings;
use crate::verdict::Invariant;
use crate::world::World;

/// What is under way.
enum Work {
    Nothing,
    Applying(Application),
    Parking(Vec<DeadLetter>),
    BackingOff,
}

pub(crate) struct Member {
    /// The generation, and with it the group, that it works for.
    pub(crate) group: usize,
    consumer: Consumer<IndexOperation>,
    work: Work,
    /// Its partitions, and the next offset that is fetched of each.
    pub(crate) assigned: BTreeMap<Partition, i64>,
    /// Read ahead by the source and not yet handed over.
    pub(crate) fetched: VecDeque<(Position, Content)>,
    /// Stored and perhaps not committed.
    pub(crate) stored: BTreeMap<Partition, i64>,
    /// One past the last record that was handed over (for the break that stores too early).
    delivered: BTreeMap<Partition, i64>,
    /// Letters that were answered for and not written (for the break that does so).
    unwritten: Vec<Position>,
    pub(crate) revoking: Vec<Partition>,
    /// A minute is being counted.
    minute: bool,
    paused: bool,
    pub(crate) stopping: bool,
    pub(crate) frozen: bool,
    pub(crate) expelled: bool,
}

impl Member {
    pub(crate) fn start(group: usize, park_limit: bool) -> Self {
        Self {
            group,
            consumer: Consumer::new(settings::dispatch(park_limit)),
            work: Work::Nothing,
            assigned: BTreeMap::new(),
            fetched: VecDeque::new(),
            stored: BTreeMap::new(),
            delivered: BTreeMap::new(),
            unwritten: Vec::new(),
            revoking: Vec::new(),
            minute: false,
            paused: false,
            stopping: false,
            frozen: false,
            expelled: false,
        }
    }

    /// The partitions are gone, and what is known of them.
    pub(crate) fn drop_partitions(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.assigned.remove(partition);
            self.stored.remove(partition);
            self.delivered.remove(partition);
        }
        self.drop_fetched(partitions);
    }

    pub(crate) fn drop_fetched(&mut self, partitions: &[Partition]) {
        self.fetched
            .retain(|(position, _)| !partitions.contains(&position.partition));
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.work, Work::Nothing) && self.unwritten.is_empty()
    }

    /// What it has asked of the index and has no answer to.
    pub(crate) fn abandon(self) -> (Option<Vec<IndexOperation>>, Vec<Position>) {
        match self.work {
            Work::Applying(application) => (Some(application.bulk), Vec::new()),
            Work::Parking(letters) => (
                None,
                letters.iter().map(|letter| letter.record.position).collect(),
            ),
            Work::Nothing | Work::BackingOff => (None, Vec::new()),
        }
    }
}

impl World {
    /// Feeds the machine and carries out what it answers.
    pub(crate) fn feed(&mut self, id: usize, input: Input<IndexOperation>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Some(member) = self.members.get_mut(&id) else {
                return;
            };
            self.journal
                .note(|| format!("consumer {id}: {}", summary(&input)));
            for action in member.consumer.step(input) {
                inputs.extend(self.carry_out(id, action));
            }
        }
    }

    fn carry_out(&mut self, id: usize, action: Action<IndexOperation>) -> Option<Input<IndexOperation>> {
        let member = self.members.get_mut(&id)?;
        match action {
            Action::Apply(operations) => {
                let application = Application::begin(operations);
                if self.mutation == Some(Mutation::OffsetStoredBeforeBulkAnswered) {
                    member.stored.extend(&member.delivered);
                }
                let bulk: Vec<_> = application.bulk.iter().map(catalogue::document).collect();
                self.journal.note(|| format!("consumer {id}: sends {bulk:?}"));
                self.begin(id, Work::Applying(application));
            }
            Action::Park(letters) if self.mutation == Some(Mutation::ParkAfterAcknowledge) => {
                member
                    .unwritten
                    .extend(letters.iter().map(|letter| letter.record.position));
                return Some(Input::Parked);
            }
            Action::Park(letters) => self.begin(id, Work::Parking(letters)),
            Action::BackOff(_) => self.begin(id, Work::BackingOff),
            Action::CountMinute => member.minute = true,
            Action::Store(positions) => {
                let ours = positions
                    .into_iter()
                    .filter(|position| member.assigned.contains_key(&position.partition));
                member
                    .stored
                    .extend(ours.map(|position| (position.partition, position.offset)));
            }
            Action::Pause => member.paused = true,
            Action::Resume => member.paused = false,
            Action::Release => self.release(id),
            Action::Finish(ending) => {
                self.journal.note(|| format!("consumer {id}: {ending:?}"));
                if ending != Ending::Stopped {
                    self.journal.count("a consumer halts");
                } else if !member.stopping {
                    self.journal
                        .blame(Invariant::NoPanic, || format!("consumer {id} ended unasked"));
                }
                self.leave(id);
            }
        }
        None
    }

    /// The minute that is being counted is over.
    pub(crate) fn end_minute(&mut self, id: usize) {
        let counting = self
            .members
            .get_mut(&id)
            .filter(|member| !member.frozen && member.minute);
        if let Some(member) = counting {
            member.minute = false;
            self.feed(id, Input::MinuteOver);
        }
    }

    fn begin(&mut self, id: usize, work: Work) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        if !matches!(member.work, Work::Nothing) {
            self.journal.blame(Invariant::NoPanic, || {
                format!("consumer {id} has two things under way")
            });
        }
        member.work = work;
    }

    /// The source reads ahead, unless it is paused.
    pub(crate) fn fetch(&mut self, id: usize) {
        let Some(member) = self
            .members
            .get_mut(&id)
            .filter(|member| !member.frozen && !member.paused)
        else {
            return;
        };
        for (partition, next) in &mut member.assigned {
            if member.revoking.contains(partition) {
                continue;
            }
            let place = usize::try_from(partition.0).unwrap_or_default();
            let until = *next + self.rng.i64(0..6);
            for (offset, content) in self.topic.between(place, *next, until) {
                if content != Content::Hole {
                    member.fetched.push_back((
                        Position {
                            partition: *partition,
                            offset,
                        },
                        content,
                    ));
                }
            }
            *next = until.min(self.topic.end(place)).max(*next);
        }
    }

    /// The source hands over some of what it has read.
    pub(crate) fn deliver(&mut self, id: usize) {
        let Some(member) = self
            .members
            .get_mut(&id)
            .filter(|member| !member.frozen && !member.fetched.is_empty())
        else {
            return;
        };
        let count = self.rng.usize(1..=member.fetched.len());
        let mut records = Vec::with_capacity(count);
        for (position, content) in member.fetched.drain(..count) {
            member.delivered.insert(position.partition, position.offset + 1);
            records.push(catalogue::dispatched(position, content));
        }
        if self.mutation == Some(Mutation::AutomaticOffsetStore) {
            member.stored.extend(&member.delivered);
        }
        self.feed(id, Input::Read(records));
    }

    /// What is under way is answered, rightly or wrongly.
    pub(crate) fn answer(&mut self, id: usize) {
        let Some(member) = self.members.get_mut(&id).filter(|member| !member.frozen) else {
            return;
        };
        let group = member.group;
        let input = match std::mem::replace(&mut member.work, Work::Nothing) {
            Work::Nothing => {
                let written = std::mem::take(&mut member.unwritten);
                self.parked.extend(written);
                return;
            }
            Work::BackingOff => Input::BackedOff,
            Work::Applying(application) => {
                let answer = self.index_answers(group, &application.bulk);
                match application.answer(answer) {
                    Ok(outcomes) => Input::Applied(outcomes),
                    Err(IndexFault::Retry { .. }) => Input::ApplyFailed,
                    Err(IndexFault::Halt { detail, .. }) => Input::Halt(detail),
                }
            }
            Work::Parking(letters) => self.queue_answers(&letters),
        };
        self.feed(id, input);
    }

    fn index_answers(&mut self, group: usize, bulk: &[IndexOperation]) -> Answer {
        let retry = |detail: &str| IndexFault::Retry {
            detail: detail.to_owned(),
            cause: None,
        };
        if self.faults.strikes(Fault::IndexHalts, &mut self.rng, 20) {
            return Err(IndexFault::Halt {
                detail: "the index is missing".to_owned(),
                cause: None,
            });
        }
        if self.faults.strikes(Fault::IndexLate, &mut self.rng, 4) {
            self.journal.count("a bulk without an answer");
            self.late_bulks.push((group, bulk.to_vec()));
            return Err(retry("no answer in time"));
        }
        if self.faults.strikes(Fault::IndexFails, &mut self.rng, 4) {
            self.journal.count("a bulk applied and reported as failed");
            let applied = self.rng.usize(..=bulk.len());
            for operation in &bulk[..applied] {
                self.apply(group, operation);
            }
            return Err(retry("applied, in part or whole, and reported as failed"));
        }
        let partial = self.faults.strikes(Fault::IndexPartial, &mut self.rng, 3);
        if partial {
            self.journal.count("a bulk applied in part");
        }
        let mut outcomes = Vec::with_capacity(bulk.len());
        for operation in bulk {
            outcomes.push(match partial && self.rng.bool() {
                true if self.mutation == Some(Mutation::Item429Ignored) => ItemOutcome::Done,
                true => ItemOutcome::Retry {
                    detail: "es_rejected_execution_exception".to_owned(),
                },
                false => self.apply(group, operation),
            });
        }
        Ok(outcomes)
    }

    fn queue_answers(&mut self, letters: &[DeadLetter]) -> Input<IndexOperation> {
        let fails = self.faults.strikes(Fault::ParkFails, &mut self.rng, 3);
        let refused = !fails && self.faults.strikes(Fault::ParkRefused, &mut self.rng, 2);
        if !refused && (!fails || self.rng.bool()) {
            self.parked
                .extend(letters.iter().map(|letter| letter.record.position));
            self.journal.count(if fails {
                "parked and reported as failed"
            } else {
                "parked"
            });
        }
        if fails {
            Input::ParkFailed
        } else if refused {
            Input::ParkRefused("the letter is too large".to_owned())
        } else {
            Input::Parked
        }
    }

    /// A bulk that nobody waits for any more reaches the index, or never does.
    pub(crate) fn late_bulk(&mut self) {
        if self.late_bulks.is_empty() {
            return;
        }
        let (group, bulk) = self
            .late_bulks
            .swap_remove(self.rng.usize(..self.late_bulks.len()));
        if self.rng.u32(..4) == 0 {
            return;
        }
        self.journal
            .note(|| format!("a late bulk reaches generation {group}"));
        for operation in &bulk {
            self.apply(group, operation);
        }
    }
}

fn summary(input: &Input<IndexOperation>) -> String {
    match input {
        Input::Read(records) => {
            let places = records.iter().map(|(record, operation)| {
                let doc = operation
                    .as_ref()
                    .ok()
                    .and_then(Option::as_ref)
                    .map(catalogue::document);
                (record.position.partition.0, record.position.offset, doc)
            });
            format!("Read {:?}", places.collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    }
}
