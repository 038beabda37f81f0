//! The database: rows, `deleted_tasks`, the outbox, transactions that commit late or never, and the relays' sessions.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use taskwire_domain::{OutboxRecord, TaskId};

use crate::catalogue::{self, Doc, Event};
use crate::mutation::Mutation;

/// No more tasks are ever created in one run: few, so that they are hot.
const TASKS: u64 = 9;
const OPEN: usize = 4;

/// A transaction that is not committed. Its outbox ids are taken, its tasks' rows are locked.
#[derive(Debug, Default)]
struct Transaction {
    writes: Vec<(i64, Event)>,
}

#[derive(Debug, Default)]
pub(crate) struct Database {
    mutation: Option<Mutation>,
    last_id: i64,
    last_task: u64,
    /// What is committed of every task that ever was: what must be found in the end.
    truth: BTreeMap<u64, Doc>,
    deleted_tasks: BTreeMap<u64, i64>,
    outbox: BTreeMap<i64, Event>,
    open: Vec<Transaction>,
    /// Sessions that hold the lock, each with the greatest id that it deleted (for the break that reads behind it).
    leaders: BTreeMap<u64, i64>,
    last_session: u64,
}

impl Database {
    pub(crate) fn new(mutation: Option<Mutation>) -> Self {
        Self {
            mutation,
            ..Self::default()
        }
    }

    /// One more write, in a transaction of its own or in one that is open.
    pub(crate) fn write(&mut self, rng: &mut Rng) -> Option<(i64, Event)> {
        let extend = !self.open.is_empty() && (self.open.len() >= OPEN || rng.u32(..4) == 0);
        let place = if extend {
            rng.usize(..self.open.len())
        } else {
            self.open.len()
        };
        let event = match rng.u32(..20) {
            0..5 if self.last_task < TASKS => {
                self.last_task += 1;
                Event {
                    task: self.last_task,
                    version: 1,
                    deleted: false,
                }
            }
            kind => {
                let writable = self.writable(place);
                let (task, version) = *writable.get(rng.usize(..writable.len().max(1)))?;
                Event {
                    task,
                    version: version + 1,
                    deleted: kind >= 17,
                }
            }
        };
        if !extend {
            self.open.push(Transaction::default());
        }
        self.last_id += 1;
        self.open[place].writes.push((self.last_id, event));
        Some((self.last_id, event))
    }

    /// Live tasks as this transaction sees them, without those that another one has locked.
    fn writable(&self, transaction: usize) -> Vec<(u64, i64)> {
        let mut seen = self.truth.clone();
        for (place, open) in self.open.iter().enumerate() {
            for (_, event) in &open.writes {
                if place == transaction {
                    seen.insert(
                        event.task,
                        Doc {
                            version: event.version,
                            deleted: event.deleted,
                        },
                    );
                } else {
                    seen.remove(&event.task);
                }
            }
        }
        let live = seen.into_iter().filter(|(_, doc)| !doc.deleted);
        live.map(|(task, doc)| (task, doc.version)).collect()
    }

    /// Ends one open transaction, if there is one; which, and whether it commits, is given. Its outbox ids.
    pub(crate) fn end(&mut self, rng: &mut Rng, commits: bool) -> Option<Vec<i64>> {
        if self.open.is_empty() {
            return None;
        }
        let transaction = self.open.swap_remove(rng.usize(..self.open.len()));
        let ids = transaction.writes.iter().map(|(id, _)| *id).collect();
        if commits {
            for (id, event) in transaction.writes {
                self.outbox.insert(id, event);
                self.truth.insert(
                    event.task,
                    Doc {
                        version: event.version,
                        deleted: event.deleted,
                    },
                );
                if event.deleted && self.mutation != Some(Mutation::DeleteWithoutDeletedTasksRow) {
                    self.deleted_tasks.insert(event.task, event.version);
                }
            }
        }
        Some(ids)
    }

    pub(crate) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Every task that ever was, as committed.
    pub(crate) fn truth(&self) -> &BTreeMap<u64, Doc> {
        &self.truth
    }

    pub(crate) fn last_task(&self) -> u64 {
        self.last_task
    }

    /// Rows of live tasks in a range of ids, as one short transaction reads them.
    pub(crate) fn rows(&self, from: u64, to: u64) -> Vec<Event> {
        let live = self.truth.range(from..to).filter(|(_, doc)| !doc.deleted);
        live.map(|(task, doc)| Event {
            task: *task,
            version: doc.version,
            deleted: false,
        })
        .collect()
    }

    /// Rows of `deleted_tasks` in a range of ids.
    pub(crate) fn deleted_rows(&self, from: u64, to: u64) -> Vec<Event> {
        let deleted = self.deleted_tasks.range(from..to);
        deleted
            .map(|(task, version)| Event {
                task: *task,
                version: *version,
                deleted: true,
            })
            .collect()
    }

    /// Stands for election. With `forced`, the lock is granted although somebody holds it.
    pub(crate) fn elect(&mut self, forced: bool) -> Option<u64> {
        if !self.leaders.is_empty() && !forced {
            return None;
        }
        self.last_session += 1;
        self.leaders.insert(self.last_session, 0);
        Some(self.last_session)
    }

    pub(crate) fn leaders(&self) -> usize {
        self.leaders.len()
    }

    /// Whether a row of an open transaction has a lower id than one that is committed.
    pub(crate) fn has_lower_id_open(&self) -> bool {
        let greatest = self.newest_waiting().unwrap_or(0);
        let mut open = self.open.iter().flat_map(|transaction| &transaction.writes);
        open.any(|(id, _)| *id < greatest)
    }

    pub(crate) fn lives(&self, session: u64) -> bool {
        self.leaders.contains_key(&session)
    }

    pub(crate) fn end_session(&mut self, session: u64) {
        self.leaders.remove(&session);
    }

    pub(crate) fn end_all_sessions(&mut self) {
        self.leaders.clear();
    }

    /// The oldest rows, or `None` when the session is gone.
    pub(crate) fn read(&self, session: u64, limit: u32, set_aside: &[TaskId]) -> Option<Vec<OutboxRecord>> {
        let last = *self.leaders.get(&session)?;
        let behind = if self.mutation == Some(Mutation::CursorIdGreaterThanLast) {
            last
        } else {
            0
        };
        let set_aside: Vec<_> = set_aside.iter().map(|id| catalogue::number(*id)).collect();
        let rows = self
            .outbox
            .range(behind + 1..)
            .filter(|(_, event)| !set_aside.contains(&event.task));
        let rows = rows.take(limit as usize);
        let records = rows.map(|(id, event)| OutboxRecord {
            id: *id,
            event: catalogue::encoded(*event),
        });
        Some(records.collect())
    }

    /// Deletes rows; what was deleted, or `None` when the session is gone.
    pub(crate) fn delete(&mut self, session: u64, ids: &[i64]) -> Option<Vec<Event>> {
        let last = self.leaders.get_mut(&session)?;
        let greatest = ids.iter().copied().max().unwrap_or(0);
        *last = greatest.max(*last);
        let range = self.mutation == Some(Mutation::RangeDelete);
        let gone = self
            .outbox
            .extract_if(.., |id, _| ids.contains(id) || (range && *id <= greatest));
        Some(gone.map(|(_, event)| event).collect())
    }

    /// Any row of the outbox.
    pub(crate) fn any_waiting(&self, rng: &mut Rng) -> Option<Event> {
        let place = rng.usize(..self.outbox.len().max(1));
        self.outbox.values().nth(place).copied()
    }

    /// Whether a row of any other task than these is in the outbox.
    pub(crate) fn holds_others_than(&self, tasks: &BTreeSet<u64>) -> bool {
        self.outbox.values().any(|event| !tasks.contains(&event.task))
    }

    /// The least id in the outbox.
    pub(crate) fn oldest_waiting(&self) -> Option<i64> {
        self.outbox.first_key_value().map(|(id, _)| *id)
    }

    /// The greatest id in the outbox.
    pub(crate) fn newest_waiting(&self) -> Option<i64> {
        self.outbox.last_key_value().map(|(id, _)| *id)
    }

    pub(crate) fn outbox_len(&self) -> usize {
        self.outbox.len()
    }
}
