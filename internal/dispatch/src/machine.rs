//! The decisions of a consumer, without I/O, clock or randomness, so that a scheduler can try any order of events.

use std::collections::VecDeque;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use taskwire_domain::{DeadLetter, ItemOutcome, Partition, Position, Record};

use crate::progress::{Progress, Tenure};
use crate::restraint::Restraint;
use crate::{DispatchSettings, Poison};

/// A record and what it became: an operation, `None` for nothing to do, or its poison.
pub type Dispatched<O> = (Record, Result<Option<O>, Poison>);

/// What happened.
#[derive(Debug)]
pub enum Input<O> {
    /// These partitions are ours.
    Assigned(Vec<Partition>),
    /// These partitions are being taken away; the source waits for [`Action::Release`].
    Revoking(Vec<Partition>),
    /// These partitions are gone.
    Lost(Vec<Partition>),
    /// Records were read and dispatched.
    Read(Vec<Dispatched<O>>),
    /// The operations of [`Action::Apply`] were answered one by one, in their order.
    Applied(Vec<ItemOutcome>),
    /// They were not answered; the trouble may pass.
    ApplyFailed,
    /// The letters of [`Action::Park`] are durable.
    Parked,
    /// They are not; the trouble may pass.
    ParkFailed,
    /// They are not, and it is not a matter of waiting; the sentence says why.
    ParkRefused(String),
    /// The pause of [`Action::BackOff`] is over.
    BackedOff,
    /// A minute has passed since [`Action::CountMinute`].
    MinuteOver,
    /// What was said forbids going on; the sentence says why and what to do.
    Halt(String),
    /// The process is asked to stop.
    Stop,
    /// It has waited long enough for what is under way, which is dropped: it was not acknowledged and is repeated.
    StopNow,
}

/// What is to be done. At most one of `Apply`, `Park` and `BackOff` is under way at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<O> {
    /// Apply these; answer with [`Input::Applied`], [`Input::ApplyFailed`] or [`Input::Halt`].
    Apply(Vec<O>),
    /// Park these; answer with [`Input::Parked`], [`Input::ParkFailed`] or [`Input::ParkRefused`].
    Park(Vec<DeadLetter>),
    /// Do nothing for so long; answer with [`Input::BackedOff`].
    BackOff(Duration),
    /// Answer with [`Input::MinuteOver`] in a minute, besides anything else that is under way.
    CountMinute,
    /// Everything before these positions is finished for good.
    Store(Vec<Position>),
    /// Read no further ahead.
    Pause,
    /// Read on.
    Resume,
    /// The partitions being taken away may go.
    Release,
    /// The end: nothing follows, and what is under way is dropped.
    Finish(Ending),
}

/// How a consumer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It was asked to.
    Stopped,
    /// It must not go on; the sentence says why and what to do.
    Halted(String),
}

/// A record on its way.
#[derive(Debug, Clone)]
struct Item<O> {
    record: Record,
    tenure: Tenure,
    operation: Result<O, Poison>,
    /// How often it was sent to be applied.
    attempts: u32,
}

/// What is under way.
#[derive(Debug)]
enum Work<O> {
    Nothing,
    Applying(Vec<Item<O>>),
    Parking(Vec<Item<O>>),
    BackingOff,
}

/// How often in a row the dead-letter queue may refuse before the consumer halts.
const PARK_ATTEMPTS: u32 = 5;

/// One consumer. Feed it with what happened, carry out what it answers.
#[derive(Debug)]
pub struct Consumer<O> {
    settings: DispatchSettings,
    progress: Progress,
    /// Read and not yet tried, in the order read.
    queue: VecDeque<Item<O>>,
    /// The size of the queue's records.
    queued_bytes: usize,
    /// What is left of the batch in hand: to be applied (again), or to be parked where it is poison.
    batch: Vec<Item<O>>,
    /// Of how many records the batch in hand was made.
    batch_size: usize,
    /// The batch in hand is to be filled up from the queue before it goes on.
    look_ahead: bool,
    work: Work<O>,
    paused: bool,
    /// Partitions that are being taken away and not yet released.
    revoking: Vec<Partition>,
    stopping: bool,
    ending: Option<Ending>,
    finished: bool,
    trouble: Option<ExponentialBackoff>,
    park_refusals: u32,
    restraint: Restraint,
}

impl<O: Clone> Consumer<O> {
    /// A consumer that owns no partition yet.
    pub fn new(settings: DispatchSettings) -> Self {
        Self {
            restraint: Restraint::new(settings.park_limit),
            settings,
            progress: Progress::default(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            batch: Vec::new(),
            batch_size: 0,
            look_ahead: false,
            work: Work::Nothing,
            paused: false,
            revoking: Vec::new(),
            stopping: false,
            ending: None,
            finished: false,
            trouble: None,
            park_refusals: 0,
        }
    }

    /// The one way on. After [`Action::Finish`] every input is passed over.
    ///
    /// # Panics
    /// When an answer comes that no action asked for: a fault of the caller.
    pub fn step(&mut self, input: Input<O>) -> Vec<Action<O>> {
        let mut actions = Vec::new();
        if self.finished {
            return actions;
        }
        match input {
            Input::Assigned(partitions) => self.assigned(&partitions, &mut actions),
            Input::Revoking(partitions) => {
                self.drop_queued(&partitions);
                self.revoking.extend(partitions);
            }
            Input::Lost(partitions) => self.lost(&partitions),
            Input::Read(records) => self.read(records),
            Input::Applied(outcomes) => self.applied(outcomes, &mut actions),
            Input::ApplyFailed => {
                let Work::Applying(items) = self.take_work() else {
                    unasked("ApplyFailed")
                };
                self.batch.extend(items);
                self.back_off(&mut actions);
            }
            Input::Parked => self.parked(&mut actions),
            Input::ParkFailed => {
                let Work::Parking(items) = self.take_work() else {
                    unasked("ParkFailed")
                };
                self.batch.extend(items);
                self.back_off(&mut actions);
            }
            Input::ParkRefused(detail) => self.park_refused(&detail, &mut actions),
            Input::BackedOff => {
                self.take_work();
            }
            Input::MinuteOver => self.restraint.minute_over(),
            Input::Halt(detail) => self.ending = Some(Ending::Halted(detail)),
            Input::Stop => self.stopping = true,
            Input::StopNow => {
                self.stopping = true;
                self.take_work();
            }
        }
        self.carry_on(&mut actions);
        actions
    }

    fn assigned(&mut self, partitions: &[Partition], actions: &mut Vec<Action<O>>) {
        // One that comes back while it is still being let go was given up by the source long ago (it does not wait for
        // ever): the new tenure must not end with the old one.
        let waited = !self.revoking.is_empty();
        self.revoking.retain(|partition| !partitions.contains(partition));
        if waited && self.revoking.is_empty() {
            actions.push(Action::Release);
        }
        for partition in partitions {
            self.progress.assign(*partition);
        }
        if self.paused {
            // The pause in force does not reach partitions that come after it.
            actions.push(Action::Pause);
        }
    }

    fn lost(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.progress.revoke(*partition);
        }
        self.drop_queued(partitions);
    }

    fn drop_queued(&mut self, partitions: &[Partition]) {
        self.queue
            .retain(|item| !partitions.contains(&item.record.position.partition));
        self.queued_bytes = self.queue.iter().map(|item| item.size()).sum();
    }

    fn read(&mut self, records: Vec<Dispatched<O>>) {
        for (record, operation) in records {
            let position = record.position;
            if self.revoking.contains(&position.partition) {
                continue;
            }
            let Some(tenure) = self.progress.read(position) else {
                continue;
            };
            match operation.transpose() {
                None => self.progress.finish(position, tenure),
                Some(operation) => {
                    let item = Item {
                        record,
                        tenure,
                        operation,
                        attempts: 0,
                    };
                    self.queued_bytes += item.size();
                    self.queue.push_back(item);
                }
            }
        }
    }

    fn applied(&mut self, outcomes: Vec<ItemOutcome>, actions: &mut Vec<Action<O>>) {
        let Work::Applying(items) = self.take_work() else {
            unasked("Applied")
        };
        if outcomes.len() != items.len() {
            let detail = format!(
                "the index answered {} of {} operations: a fault in its adapter",
                outcomes.len(),
                items.len()
            );
            self.ending = Some(Ending::Halted(detail));
            return;
        }
        let mut again = false;
        for (mut item, outcome) in items.into_iter().zip(outcomes) {
            match outcome {
                ItemOutcome::Done => self.progress.finish(item.record.position, item.tenure),
                ItemOutcome::Retry { .. } => {
                    again = true;
                    self.batch.push(item);
                }
                ItemOutcome::Rejected { detail } => {
                    item.operation = Err(Poison {
                        reason: Poison::REJECTED,
                        detail,
                    });
                    self.batch.push(item);
                }
            }
        }
        if again {
            self.back_off(actions);
        } else {
            self.trouble = None;
        }
    }

    fn parked(&mut self, actions: &mut Vec<Action<O>>) {
        let Work::Parking(items) = self.take_work() else {
            unasked("Parked")
        };
        if self.restraint.parked(items.len()) {
            actions.push(Action::CountMinute);
        }
        for item in items {
            self.progress.finish(item.record.position, item.tenure);
        }
        self.park_refusals = 0;
        self.trouble = None;
    }

    fn park_refused(&mut self, detail: &str, actions: &mut Vec<Action<O>>) {
        let Work::Parking(items) = self.take_work() else {
            unasked("ParkRefused")
        };
        self.batch.extend(items);
        self.park_refusals += 1;
        if self.park_refusals < PARK_ATTEMPTS {
            self.back_off(actions);
        } else {
            let detail = format!(
                "records can be neither applied nor parked: {detail}; nothing was acknowledged past them"
            );
            self.ending = Some(Ending::Halted(detail));
        }
    }

    fn back_off(&mut self, actions: &mut Vec<Action<O>>) {
        let pause = self
            .trouble
            .get_or_insert_with(fresh_backoff)
            .next()
            .unwrap_or(MAX_PAUSE);
        self.work = Work::BackingOff;
        actions.push(Action::BackOff(pause));
    }

    /// What follows from the state, whatever the input was.
    fn carry_on(&mut self, actions: &mut Vec<Action<O>>) {
        let finished = self.progress.newly_finished();
        if !finished.is_empty() {
            actions.push(Action::Store(finished));
        }
        self.release_revoked(actions);
        if self.stopping && self.ending.is_none() && matches!(self.work, Work::Nothing | Work::BackingOff) {
            self.ending = Some(Ending::Stopped);
        }
        if self.ending.is_none() && matches!(self.work, Work::Nothing) {
            self.begin_work(actions);
        }
        if let Some(ending) = self.ending.take() {
            self.finished = true;
            actions.push(Action::Finish(ending));
            return;
        }
        if matches!(self.work, Work::Nothing) {
            // What was in trouble is done, or was taken away: nothing is left to be waited for.
            self.trouble = None;
        }
        self.pause_or_resume(actions);
    }

    /// Lets partitions go once nothing of them is under way. What is not finished is tried by their next owner.
    fn release_revoked(&mut self, actions: &mut Vec<Action<O>>) {
        let under_way: &[Item<O>] = match &self.work {
            Work::Applying(items) | Work::Parking(items) => items,
            Work::Nothing | Work::BackingOff => &[],
        };
        let held = under_way
            .iter()
            .any(|item| self.revoking.contains(&item.record.position.partition));
        if self.revoking.is_empty() || held {
            return;
        }
        for partition in std::mem::take(&mut self.revoking) {
            self.progress.revoke(partition);
        }
        actions.push(Action::Release);
    }

    /// Applies what can be applied of the batch in hand, then parks the rest, then takes the next batch.
    fn begin_work(&mut self, actions: &mut Vec<Action<O>>) {
        self.batch
            .retain(|item| self.progress.holds(item.record.position.partition, item.tenure));
        if self.batch.is_empty() {
            self.batch_size = 0;
            self.fill_batch();
        } else if std::mem::take(&mut self.look_ahead) {
            self.fill_batch();
        }
        let (mut sound, poisoned): (Vec<_>, Vec<_>) =
            self.batch.drain(..).partition(|item| item.operation.is_ok());
        if !sound.is_empty() {
            self.batch = poisoned;
            sound.iter_mut().for_each(|item| item.attempts += 1);
            actions.push(Action::Apply(
                sound
                    .iter()
                    .filter_map(|item| item.operation.clone().ok())
                    .collect(),
            ));
            self.work = Work::Applying(sound);
        } else if !poisoned.is_empty() {
            self.park(poisoned, actions);
        }
    }

    fn fill_batch(&mut self) {
        let room = (self.settings.batch_records as usize).saturating_sub(self.batch_size);
        let count = self.queue.len().min(room);
        for item in self.queue.drain(..count) {
            self.queued_bytes -= item.size();
            self.batch.push(item);
        }
        self.batch_size += count;
    }

    /// Parks all that is poison in the batch in hand, or none of it if that is too much.
    fn park(&mut self, items: Vec<Item<O>>, actions: &mut Vec<Action<O>>) {
        if self.restraint.has_to_look_ahead() {
            self.batch = items;
            self.look_ahead = true;
            self.work = Work::BackingOff;
            return actions.push(Action::BackOff(LOOK_AHEAD));
        }
        let letters: Vec<_> = items.iter().filter_map(Item::letter).collect();
        if let Some(objection) = self.restraint.objection(&letters, self.batch_size) {
            self.ending = Some(Ending::Halted(objection));
            return;
        }
        actions.push(Action::Park(letters));
        self.work = Work::Parking(items);
    }

    fn pause_or_resume(&mut self, actions: &mut Vec<Action<O>>) {
        let limit = usize::try_from(self.settings.read_ahead_bytes).unwrap_or(usize::MAX);
        let in_trouble = self.trouble.is_some();
        if !self.paused && (in_trouble || self.queued_bytes > limit) {
            self.paused = true;
            actions.push(Action::Pause);
        } else if self.paused && !in_trouble && self.queued_bytes <= limit / 2 {
            self.paused = false;
            actions.push(Action::Resume);
        }
    }

    fn take_work(&mut self) -> Work<O> {
        std::mem::replace(&mut self.work, Work::Nothing)
    }
}

impl<O> Item<O> {
    /// About how many bytes it costs to hold. An operation shares the record's memory.
    fn size(&self) -> usize {
        let detail = self
            .operation
            .as_ref()
            .err()
            .map_or(0, |poison| poison.detail.len());
        self.record.size() + size_of::<Self>() + detail
    }

    fn letter(&self) -> Option<DeadLetter> {
        let poison = self.operation.as_ref().err()?;
        Some(DeadLetter {
            record: self.record.clone(),
            reason: poison.reason,
            detail: poison.detail.clone(),
            attempts: self.attempts,
        })
    }
}

fn unasked(input: &str) -> ! {
    unreachable!("a consumer was given {input}, which nothing under way can answer with")
}

/// For so long records are read behind the first poison of a run before it is judged.
const LOOK_AHEAD: Duration = Duration::from_secs(1);

const MAX_PAUSE: Duration = Duration::from_secs(10);

/// 100 ms, doubled with every failure in a row, up to ten seconds.
fn fresh_backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(MAX_PAUSE)
        .without_max_times()
        .build()
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
