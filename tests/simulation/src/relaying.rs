//! The relays' processes: the real machine, and a shell that carries its actions out against the models.

use std::collections::BTreeSet;

use taskwire_domain::{OutboxRecord, TaskId};
use taskwire_relay::{Action, Input, Relay};

use crate::broker::{Client, Fate, partition_of};
use crate::catalogue::{self, Content};
use crate::database::Database;
use crate::faults::Fault;
use crate::mutation::Mutation;
use crate::settings;
use crate::verdict::Invariant;
use crate::world::World;

/// A batch on its way, as `internal/kafka/src/publisher.rs` sends it: whole, and in halves when it is refused for its
/// size.
struct Publishing {
    /// What is still to be sent, the oldest on top; the topmost is under way.
    parts: Vec<Vec<OutboxRecord>>,
    refused: Vec<TaskId>,
}

pub(crate) struct RelayProcess {
    relay: Relay,
    action: Action,
    session: Option<u64>,
    client: Option<Client>,
    publishing: Option<Publishing>,
    stopping: bool,
    pub(crate) frozen: bool,
}

impl RelayProcess {
    pub(crate) fn start() -> Self {
        let mut relay = Relay::new(settings::relay());
        let action = relay.step(Input::Start);
        Self {
            relay,
            action,
            session: None,
            client: None,
            publishing: None,
            stopping: false,
            frozen: false,
        }
    }

    /// Whether it still believes in a session that is gone.
    pub(crate) fn was_overtaken(&self, database: &Database) -> bool {
        self.session.is_some_and(|session| !database.lives(session))
    }

    /// Whether a record of it may still reach the broker.
    pub(crate) fn has_sent(&self) -> bool {
        self.client.as_ref().is_some_and(Client::has_sent)
    }
}

impl World {
    /// A relay carries out the action it is at, or goes on with it.
    pub(crate) fn turn_relay(&mut self, number: usize) {
        if self.relays[number].frozen {
            return;
        }
        let session = self.relays[number].session;
        let input = match self.relays[number].action.clone() {
            Action::Elect => self.elect(number),
            Action::Read { limit, set_aside } => session
                .and_then(|session| self.database.read(session, limit, &set_aside))
                .map_or(Input::SessionLost, Input::Read),
            Action::Publish(batch) => match self.publish(number, &batch) {
                Some(input) => input,
                None => return,
            },
            Action::Delete(ids) => self.delete(number, &ids),
            Action::Purge => {
                self.retire(number);
                Input::Purged
            }
            Action::Wait { .. } => Input::Waited,
            Action::Resign => {
                self.close_session(number);
                Input::Resigned
            }
            Action::Finish => {
                let stopping = self.relays[number].stopping;
                if !stopping {
                    self.journal
                        .blame(Invariant::NoPanic, || format!("relay {number} ended unasked"));
                }
                self.crash_relay(number);
                return;
            }
        };
        self.journal
            .note(|| format!("relay {number}: {}", summary(&input)));
        if input == Input::SessionLost {
            self.close_session(number);
        }
        let process = &mut self.relays[number];
        process.action = process.relay.step(input);
    }

    fn elect(&mut self, number: usize) -> Input {
        if self.faults.strikes(Fault::SessionLost, &mut self.rng, 8) {
            return Input::SessionLost;
        }
        let forced = self.faults.strikes(Fault::SplitBrain, &mut self.rng, 6);
        let session = self.database.elect(forced);
        self.relays[number].session = session;
        if self.database.leaders() > 1 {
            self.journal.count("two leaders at once");
        }
        Input::Elected(session.is_some())
    }

    /// The database's side of a connection that is closed.
    fn close_session(&mut self, number: usize) {
        if let Some(session) = self.relays[number].session.take() {
            self.database.end_session(session);
        }
    }

    /// `None` while acknowledgements are awaited.
    fn publish(&mut self, number: usize, batch: &[OutboxRecord]) -> Option<Input> {
        let Some(publishing) = self.relays[number].publishing.take() else {
            if self.mutation == Some(Mutation::OutboxDeletedBeforeAcknowledgement) {
                let ids: Vec<_> = batch.iter().map(|record| record.id).collect();
                if self.delete(number, &ids) == Input::SessionLost {
                    return Some(Input::SessionLost);
                }
            }
            return self.send_part(
                number,
                Publishing {
                    parts: vec![batch.to_vec()],
                    refused: Vec::new(),
                },
            );
        };
        let process = &self.relays[number];
        let lives = process
            .session
            .is_some_and(|session| self.database.lives(session));
        match process.client.as_ref().map_or(Some(false), Client::outcome) {
            Some(acknowledged) => self.end_part(number, publishing, acknowledged),
            // The heartbeat finds out, if it comes before the acknowledgements.
            None if !lives && self.rng.bool() => Some(Input::SessionLost),
            // A stop does not wait for ever.
            None if process.stopping && self.rng.u32(..4) == 0 => Some(Input::PublishFailed),
            None => {
                self.relays[number].publishing = Some(publishing);
                None
            }
        }
    }

    /// Begins the topmost part, without the tasks that were refused; `Some` when there is nothing left.
    fn send_part(&mut self, number: usize, mut publishing: Publishing) -> Option<Input> {
        let Some(part) = publishing.parts.last_mut() else {
            let Publishing { refused, .. } = publishing;
            return Some(if refused.is_empty() {
                Input::Published
            } else {
                Input::Refused(refused)
            });
        };
        part.retain(|record| !publishing.refused.contains(&record.event.task_id));
        let part = part.clone();
        let waves = self.waves(&part);
        self.journal
            .note(|| format!("relay {number}: publishes {waves:?}"));
        let process = &mut self.relays[number];
        process.client.get_or_insert_default().begin(waves);
        process.publishing = Some(publishing);
        None
    }

    fn end_part(&mut self, number: usize, mut publishing: Publishing, acknowledged: bool) -> Option<Input> {
        let for_size = self.relays[number]
            .client
            .as_ref()
            .is_some_and(Client::failed_for_size);
        if !acknowledged {
            self.retire(number);
        }
        let mut part = publishing.parts.pop().unwrap_or_default();
        match (acknowledged, for_size, part.as_slice()) {
            (true, ..) => {}
            (false, true, [record]) => {
                self.journal.count("an event refused for its size");
                publishing.refused.push(record.event.task_id);
            }
            (false, true, _) => {
                let newer = part.split_off(part.len() / 2);
                publishing.parts.extend([newer, part]);
            }
            (false, false, _) => return Some(Input::PublishFailed),
        }
        self.send_part(number, publishing)
    }

    /// What was refused is tried again.
    pub(crate) fn try_set_aside_again(&mut self, number: usize) {
        self.relays[number].relay.try_set_aside_again();
    }

    /// As `internal/kafka/src/publisher.rs` does it: the first event of each task, then the rest.
    fn waves(&self, batch: &[OutboxRecord]) -> [Vec<(usize, Content)>; 2] {
        let mut seen = BTreeSet::new();
        let mut waves = [Vec::new(), Vec::new()];
        for record in batch {
            let event = catalogue::decoded(&record.event);
            let first = seen.insert(event.task) || self.mutation == Some(Mutation::PublishInOneWave);
            waves[usize::from(!first)].push((partition_of(event.task), Content::Event(event)));
        }
        waves
    }

    fn delete(&mut self, number: usize, ids: &[i64]) -> Input {
        let session = self.relays[number].session;
        let Some(gone) = session.and_then(|session| self.database.delete(session, ids)) else {
            return Input::SessionLost;
        };
        for event in gone {
            if self.published_version(event.task) < event.version {
                self.journal.blame(Invariant::NoEventIsLost, || {
                    format!("{event:?} left the outbox and does not stand in the topic")
                });
            }
        }
        if self.faults.strikes(Fault::SessionLost, &mut self.rng, 10) {
            Input::SessionLost
        } else {
            Input::Deleted
        }
    }

    /// The client is thrown away; what it has sent may still arrive.
    fn retire(&mut self, number: usize) {
        if let Some(mut client) = self.relays[number].client.take() {
            client.retire();
            if client.has_sent() {
                self.zombies.push(client);
            }
        }
    }

    /// The process ends as it stands and begins anew; the database may notice later.
    pub(crate) fn crash_relay(&mut self, number: usize) {
        self.journal.note(|| format!("relay {number}: a new process"));
        self.retire(number);
        if let Some(session) = self.relays[number].session.take() {
            if self.rng.bool() {
                self.database.end_session(session);
            } else {
                self.half_open.push(session);
            }
        }
        self.relays[number] = RelayProcess::start();
    }

    pub(crate) fn stop_relay(&mut self, number: usize) {
        self.journal.note(|| format!("relay {number}: is asked to stop"));
        let process = &mut self.relays[number];
        process.relay.stop();
        process.stopping = true;
    }

    /// The database has heard nothing of a session for too long.
    pub(crate) fn end_session_of(&mut self, number: usize) {
        if let Some(session) = self.relays[number].session {
            self.journal
                .note(|| format!("the session of relay {number} is ended"));
            self.database.end_session(session);
        }
    }

    /// Records move on between one relay's producer and the broker.
    pub(crate) fn network(&mut self, number: usize) {
        let frozen = self.relays[number].frozen;
        let Some(client) = &mut self.relays[number].client else {
            return;
        };
        if !frozen && self.rng.bool() {
            client.send(&mut self.rng);
        }
        let Some(partition) = client.busy_lane(&mut self.rng).filter(|_| self.rng.u32(..4) > 0) else {
            return;
        };
        let fate = if client
            .next(partition)
            .is_some_and(|next| self.topic.refuses(next))
        {
            Fate::TooLarge
        } else if !self.faults.strikes(Fault::BrokerTrouble, &mut self.rng, 4) {
            Fate::Acknowledged
        } else if self.rng.bool() {
            Fate::Unanswered
        } else {
            Fate::Lost
        };
        let appended = client.arrive(partition, fate);
        self.journal
            .note(|| format!("relay {number}: partition {partition}: {fate:?} {appended:?}"));
        if let Some(content) = appended {
            if fate == Fate::Unanswered {
                self.journal.count("appended and reported as failed");
            }
            if !self.relays[number]
                .session
                .is_some_and(|session| self.database.lives(session))
            {
                self.journal.count("published by one who no longer leads");
            }
            self.append(partition, content);
        }
    }

    /// A request of a producer that is no more reaches the broker, or is lost for good.
    pub(crate) fn zombie(&mut self) {
        if self.zombies.is_empty() {
            return;
        }
        let number = self.rng.usize(..self.zombies.len());
        let client = &mut self.zombies[number];
        let Some(partition) = client.busy_lane(&mut self.rng) else {
            self.zombies.swap_remove(number);
            return;
        };
        let refused = client
            .next(partition)
            .is_some_and(|next| self.topic.refuses(next));
        let lost = refused || self.faults.strikes(Fault::BrokerTrouble, &mut self.rng, 4);
        let appended = client.arrive(partition, if lost { Fate::Lost } else { Fate::Acknowledged });
        self.journal
            .note(|| format!("a late request: partition {partition}: {appended:?}"));
        if let Some(content) = appended {
            self.journal.count("a late request of a producer that is no more");
            self.append(partition, content);
        }
    }
}

fn summary(input: &Input) -> String {
    match input {
        Input::Read(records) => {
            let rows = records.iter().map(|record| {
                (
                    record.id,
                    catalogue::number(record.event.task_id),
                    record.event.version.get(),
                )
            });
            format!("Read (id, task, version) {:?}", rows.collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    }
}
