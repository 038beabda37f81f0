//! The decisions of a relay, without I/O, clock or randomness, so that a scheduler can try any order of events.

use std::collections::BTreeSet;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use taskwire_domain::{OutboxRecord, TaskId};

use crate::RelaySettings;

/// What happened to the action before.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The process starts.
    Start,
    /// The election was won (`true`) or another leads (`false`).
    Elected(bool),
    /// The oldest rows of the outbox, in the order of their ids.
    Read(Vec<OutboxRecord>),
    /// Every record of the batch is acknowledged.
    Published,
    /// Not every record of the batch is acknowledged; some may be.
    PublishFailed,
    /// Nor will every record of it be: the broker takes no event of these tasks as it is. Of the others some may be
    /// acknowledged.
    Refused(Vec<TaskId>),
    /// The rows of the batch are gone.
    Deleted,
    /// The publisher holds nothing any more.
    Purged,
    /// The wait is over: by time, by a wake-up or because the process stops.
    Waited,
    /// The database session is lost, and the leadership with it, or the database did not answer an election.
    SessionLost,
    /// Leadership was given up.
    Resigned,
}

/// What is to be done next. Each action is answered by exactly one [`Input`].
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Stand for election.
    Elect,
    /// Read the oldest rows of the outbox, at most so many.
    Read {
        /// At most so many.
        limit: u32,
        /// None of these tasks.
        set_aside: Vec<TaskId>,
    },
    /// Publish these, in order, and await every acknowledgement while keeping the session alive.
    Publish(Vec<OutboxRecord>),
    /// Delete exactly the rows with these ids.
    Delete(Vec<i64>),
    /// Let the publisher forget every record that is not acknowledged.
    Purge,
    /// Wait.
    Wait {
        /// For so long,
        at_most: Duration,
        /// or until a write in this process wakes the relay.
        wakeable: bool,
    },
    /// Give up leadership, so that another can take it at once.
    Resign,
    /// The end.
    Finish,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    /// Not started, or nothing held while standing by.
    StandingBy,
    /// An election is under way.
    Electing,
    /// Leading, nothing held.
    Reading,
    /// Leading, waiting for rows.
    Idle,
    /// Leading; these ids are with the publisher. `full`: there may be more rows behind them.
    Publishing { ids: Vec<i64>, full: bool },
    /// Leading; all of them are acknowledged and being deleted.
    Deleting { full: bool },
    /// The publisher is being emptied. `leading`: the session still lives.
    Purging { leading: bool },
    /// Leading; the broker refused a batch and is given time.
    BackingOff,
    /// Being given up.
    Resigning,
    /// Over.
    Finished,
}

/// One relay. Feed it with what happened, carry out what it answers.
#[derive(Debug)]
pub struct Relay {
    settings: RelaySettings,
    state: State,
    stopping: bool,
    trouble: ExponentialBackoff,
    /// Tasks of which the broker refused an event: none of theirs is published, or it would overtake that one.
    set_aside: BTreeSet<TaskId>,
}

impl Relay {
    /// A relay that holds nothing yet; begin with [`Input::Start`].
    pub fn new(settings: RelaySettings) -> Self {
        Self {
            settings,
            state: State::StandingBy,
            stopping: false,
            trouble: fresh_backoff(),
            set_aside: BTreeSet::new(),
        }
    }

    /// From now on it finishes what it holds, gives up leadership and ends.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// From the next reading on, the tasks that were set aside are tried again: what refused them may be repaired.
    pub fn try_set_aside_again(&mut self) {
        self.set_aside.clear();
    }

    /// How many tasks are set aside.
    pub fn set_aside(&self) -> usize {
        self.set_aside.len()
    }

    /// Whether this relay believes that it leads.
    pub fn leads(&self) -> bool {
        matches!(
            self.state,
            State::Reading
                | State::Idle
                | State::Publishing { .. }
                | State::Deleting { .. }
                | State::Purging { leading: true }
                | State::BackingOff
        )
    }

    /// The one way on.
    ///
    /// # Panics
    /// When the input does not answer the action before: a fault of the caller.
    pub fn step(&mut self, input: Input) -> Action {
        let state = std::mem::replace(&mut self.state, State::Finished);
        let (next, action) = match (state, input) {
            (State::StandingBy, Input::Start | Input::Waited) => self.elect(),
            (State::Electing, Input::Elected(true)) => {
                self.set_aside.clear();
                self.read()
            }
            (State::Electing, Input::Elected(false)) => {
                self.trouble = fresh_backoff();
                self.stand_by(self.settings.election())
            }
            (State::Reading, Input::Read(records)) => self.publish(records),
            (State::Publishing { ids, full }, Input::Published) => {
                (State::Deleting { full }, Action::Delete(ids))
            }
            (State::Publishing { .. }, Input::PublishFailed) => {
                (State::Purging { leading: true }, Action::Purge)
            }
            (State::Publishing { .. }, Input::Refused(tasks)) => {
                if self.set_aside.len() + tasks.len() <= MOST_SET_ASIDE {
                    self.set_aside.extend(tasks);
                }
                (State::Purging { leading: true }, Action::Purge)
            }
            (State::Deleting { full }, Input::Deleted) => {
                self.trouble = fresh_backoff();
                if full { self.read() } else { self.idle() }
            }
            (State::Idle | State::BackingOff, Input::Waited) => self.read(),
            (State::Purging { leading: true }, Input::Purged) => self.back_off(),
            (State::Purging { leading: false }, Input::Purged) => {
                let pause = self.next_pause();
                self.stand_by(pause)
            }
            // Nothing is with the publisher in these states, but a purge costs nothing and proves it.
            (_, Input::SessionLost) => (State::Purging { leading: false }, Action::Purge),
            (State::Resigning, Input::Resigned) => (State::Finished, Action::Finish),
            (state, input) => unreachable!("a relay in state {state:?} was given {input:?}"),
        };
        self.state = next;
        action
    }

    fn elect(&self) -> (State, Action) {
        if self.stopping {
            (State::Finished, Action::Finish)
        } else {
            (State::Electing, Action::Elect)
        }
    }

    fn stand_by(&self, at_most: Duration) -> (State, Action) {
        if self.stopping {
            return (State::Finished, Action::Finish);
        }
        // A write elsewhere in this process is no reason to try again sooner.
        (
            State::StandingBy,
            Action::Wait {
                at_most,
                wakeable: false,
            },
        )
    }

    fn read(&self) -> (State, Action) {
        if self.stopping {
            return (State::Resigning, Action::Resign);
        }
        (
            State::Reading,
            Action::Read {
                limit: self.settings.batch_size,
                set_aside: self.set_aside.iter().copied().collect(),
            },
        )
    }

    fn idle(&self) -> (State, Action) {
        if self.stopping {
            return (State::Resigning, Action::Resign);
        }
        (
            State::Idle,
            Action::Wait {
                at_most: self.settings.poll(),
                wakeable: true,
            },
        )
    }

    fn publish(&mut self, records: Vec<OutboxRecord>) -> (State, Action) {
        if records.is_empty() {
            self.trouble = fresh_backoff();
        }
        if records.is_empty() || self.stopping {
            return self.idle();
        }
        let ids = records.iter().map(|record| record.id).collect();
        let full = records.len() >= self.settings.batch_size as usize;
        (State::Publishing { ids, full }, Action::Publish(records))
    }

    fn back_off(&mut self) -> (State, Action) {
        if self.stopping {
            return (State::Resigning, Action::Resign);
        }
        (
            State::BackingOff,
            Action::Wait {
                at_most: self.next_pause(),
                wakeable: false,
            },
        )
    }

    fn next_pause(&mut self) -> Duration {
        self.trouble.next().unwrap_or(MAX_PAUSE)
    }
}

/// With more tasks refused than this, it is the topic that is wrong and not some events: the relay stops there, says so,
/// and goes on trying.
const MOST_SET_ASIDE: usize = 100;

const MAX_PAUSE: Duration = Duration::from_secs(5);

/// 100 ms, doubled with every failure in a row, up to five seconds: shorter than the time after which the
/// database closes an idle session.
fn fresh_backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(MAX_PAUSE)
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use taskwire_domain::{EncodedEvent, TaskId, Version};

    use super::*;

    fn settings() -> RelaySettings {
        RelaySettings {
            batch_size: 2,
            poll_ms: 50,
            election_ms: 1_000,
        }
    }

    fn record(id: i64) -> OutboxRecord {
        let task_id: TaskId = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap();
        let event = EncodedEvent {
            task_id,
            version: Version::FIRST,
            payload: Default::default(),
            headers: Vec::new(),
        };
        OutboxRecord { id, event }
    }

    fn read_all() -> Action {
        Action::Read {
            limit: 2,
            set_aside: Vec::new(),
        }
    }

    fn leader() -> Relay {
        let mut relay = Relay::new(settings());
        assert_eq!(relay.step(Input::Start), Action::Elect);
        assert_eq!(relay.step(Input::Elected(true)), read_all());
        relay
    }

    #[test]
    fn rows_are_deleted_only_after_the_whole_batch_is_acknowledged() {
        let mut relay = leader();
        let batch = vec![record(7), record(9)];
        assert_eq!(relay.step(Input::Read(batch.clone())), Action::Publish(batch));
        assert_eq!(relay.step(Input::Published), Action::Delete(vec![7, 9]));
        assert_eq!(
            relay.step(Input::Deleted),
            read_all(),
            "a full batch may have more behind it"
        );
    }

    #[test]
    fn a_refused_batch_is_purged_waited_out_and_read_again() {
        let mut relay = leader();
        relay.step(Input::Read(vec![record(7)]));
        assert_eq!(relay.step(Input::PublishFailed), Action::Purge);
        let Action::Wait {
            at_most: first,
            wakeable: false,
        } = relay.step(Input::Purged)
        else {
            panic!("no wait")
        };
        assert_eq!(relay.step(Input::Waited), read_all());
        relay.step(Input::Read(vec![record(7)]));
        relay.step(Input::PublishFailed);
        let Action::Wait { at_most: second, .. } = relay.step(Input::Purged) else {
            panic!("no wait")
        };
        assert!(second > first, "{second:?} after {first:?}");
    }

    #[test]
    fn a_refused_task_is_set_aside_until_it_is_tried_again_or_another_election() {
        let task = record(7).event.task_id;
        let aside = Action::Read {
            limit: 2,
            set_aside: vec![task],
        };
        let mut relay = leader();
        let refuse = |relay: &mut Relay| {
            relay.step(Input::Read(vec![record(7)]));
            assert_eq!(relay.step(Input::Refused(vec![task])), Action::Purge);
            assert!(matches!(relay.step(Input::Purged), Action::Wait { .. }));
            relay.step(Input::Waited)
        };
        assert_eq!(refuse(&mut relay), aside);
        relay.step(Input::Read(Vec::new()));
        assert_eq!(
            relay.step(Input::Waited),
            aside,
            "for as long as nobody says otherwise"
        );
        relay.step(Input::Read(Vec::new()));
        relay.try_set_aside_again();
        assert_eq!(relay.step(Input::Waited), read_all());

        assert_eq!(refuse(&mut relay), aside);
        relay.step(Input::SessionLost);
        relay.step(Input::Purged);
        relay.step(Input::Waited);
        assert_eq!(relay.step(Input::Elected(true)), read_all());
    }

    #[test]
    fn a_broker_that_refuses_nearly_everything_is_waited_for() {
        let mut relay = leader();
        relay.step(Input::Read(vec![record(7)]));
        let many = |index: usize| format!("00000000-0000-7000-8000-{index:012}").parse().unwrap();
        relay.step(Input::Refused((0..=MOST_SET_ASIDE).map(many).collect()));
        relay.step(Input::Purged);
        assert_eq!(relay.set_aside(), 0);
        assert_eq!(relay.step(Input::Waited), read_all());
    }

    #[test]
    fn trouble_that_is_over_makes_no_later_pause_longer() {
        let mut relay = leader();
        let pause = |relay: &mut Relay| {
            relay.step(Input::SessionLost);
            let Action::Wait { at_most, .. } = relay.step(Input::Purged) else {
                panic!("no wait")
            };
            relay.step(Input::Waited);
            at_most
        };
        let first = pause(&mut relay);
        assert!(
            pause(&mut relay) > first,
            "the database was not heard of in between"
        );
        relay.step(Input::Elected(true));
        relay.step(Input::Read(Vec::new()));
        assert_eq!(pause(&mut relay), first);
    }

    #[test]
    fn one_who_loses_the_session_purges_and_deletes_nothing() {
        let mut relay = leader();
        relay.step(Input::Read(vec![record(7)]));
        assert_eq!(relay.step(Input::SessionLost), Action::Purge);
        assert!(!relay.leads());
        assert!(matches!(
            relay.step(Input::Purged),
            Action::Wait { wakeable: false, .. }
        ));
        assert_eq!(
            relay.step(Input::Waited),
            Action::Elect,
            "leadership has to be won anew"
        );
    }

    #[test]
    fn an_idle_leader_can_be_woken_and_one_who_stands_by_cannot() {
        let mut relay = leader();
        let idle = relay.step(Input::Read(Vec::new()));
        assert_eq!(
            idle,
            Action::Wait {
                at_most: Duration::from_millis(50),
                wakeable: true
            }
        );
        let mut follower = Relay::new(settings());
        follower.step(Input::Start);
        let standing_by = follower.step(Input::Elected(false));
        assert_eq!(
            standing_by,
            Action::Wait {
                at_most: Duration::from_secs(1),
                wakeable: false
            }
        );
    }

    #[test]
    fn a_stop_finishes_the_batch_in_hand_and_resigns() {
        let mut relay = leader();
        relay.step(Input::Read(vec![record(7), record(8)]));
        relay.stop();
        assert_eq!(relay.step(Input::Published), Action::Delete(vec![7, 8]));
        assert_eq!(relay.step(Input::Deleted), Action::Resign);
        assert_eq!(relay.step(Input::Resigned), Action::Finish);
    }

    #[test]
    fn a_stop_while_the_broker_is_away_does_not_wait_for_it() {
        let mut relay = leader();
        relay.step(Input::Read(vec![record(7)]));
        relay.stop();
        assert_eq!(relay.step(Input::PublishFailed), Action::Purge);
        assert_eq!(relay.step(Input::Purged), Action::Resign);
    }
}
