//! The thread that writes. It commits whatever is queued at once and waits for nothing, so a lone caller pays for one
//! sync and many callers share it.
//!
//! A command that fails leaves the others of its batch alone. Nearly all that fail are refused before they have written
//! anything, so commands are carried out one after the other as they are; when one leaves traces, the batch is begun anew
//! with a savepoint around each. A fault of the disk is everybody's, and nobody's write is applied. Answers are given
//! after the commit, never before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;
use taskwire_domain::{Chain, Error};
use tokio::sync::{mpsc, watch};

use crate::command::{Failure, Job, Stage};
use crate::error::{BatchFault, internal, is_trouble};
use crate::open::OwnedFolder;
use crate::upkeep;

/// The most commands in one transaction. By then the sync is shared so widely that more would only make the first
/// wait longer.
const BATCH: usize = 256;

/// A transaction that has written so many rows takes no further command: one command can be a cascade of ten thousand
/// deletions, and nobody may wait for a row of those. A batch of single writes stays well below it.
const ROWS: u64 = 2_000;

/// Room for every statement of ours, the savepoint's among them.
const STATEMENTS: usize = 64;

/// What the thread is asked.
pub(crate) enum Request {
    /// Carry this out.
    Do(Box<dyn Job>),
    /// Finish what is queued, take no more, and end.
    End,
}

/// What the writer shares with the rest.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The id of the last event committed.
    pub(crate) committed: watch::Sender<i64>,
    /// Events with a lower id are done with.
    pub(crate) done_below: AtomicI64,
}

/// What a transaction came to that only needs to be committed.
struct Applied {
    /// So many of the commands, from the first.
    jobs: usize,
    last_event: Option<i64>,
    /// There are no events below this id any more.
    trimmed_below: i64,
}

/// Why a batch cannot go on as it was begun.
enum Setback {
    /// It is everybody's.
    Fault(rusqlite::Error),
    /// A command failed after it had written something.
    Traces,
}

impl From<rusqlite::Error> for Setback {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Fault(fault)
    }
}

/// The state of the thread.
pub(crate) struct Writer {
    connection: Connection,
    requests: mpsc::Receiver<Request>,
    progress: Arc<Progress>,
    trimmed_below: i64,
    /// Whether the last batch met a fault.
    in_trouble: bool,
    /// Let go when the connection is closed.
    _folder: OwnedFolder,
}

impl Writer {
    pub(crate) fn new(
        connection: Connection,
        requests: mpsc::Receiver<Request>,
        progress: Arc<Progress>,
        folder: OwnedFolder,
    ) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Self {
            connection,
            requests,
            progress,
            trimmed_below: 0,
            in_trouble: false,
            _folder: folder,
        }
    }

    /// Runs until it is told to end or nobody is left to ask for anything.
    pub(crate) fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.requests.blocking_recv_many(&mut batch, BATCH) > 0 {
            let mut jobs = Vec::with_capacity(batch.len());
            for request in batch.drain(..) {
                match request {
                    Request::Do(job) => jobs.push(job),
                    Request::End => self.requests.close(),
                }
            }
            self.carry_out(jobs);
        }
    }

    /// In one transaction, or in several when a command is large.
    fn carry_out(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        // Those whose caller has given up are not begun: under load the time is better spent on one who still waits.
        jobs.retain(|job| job.is_wanted());
        while !jobs.is_empty() {
            let fate = self.commit(&mut jobs);
            self.in_trouble = fate.is_err();
            let told = *fate.as_ref().unwrap_or(&jobs.len());
            for job in jobs.drain(..told) {
                job.tell(fate.clone().map(drop));
            }
        }
    }

    /// Tells how many of the commands were carried out, from the first. A fault is everybody's.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<usize, BatchFault> {
        let applied = self.apply(jobs).map_err(BatchFault::before_commit);
        let committed = applied.and_then(|applied| {
            self.execute("commit").map_err(BatchFault::at_commit)?;
            Ok(applied)
        });
        match committed {
            Ok(applied) => {
                self.trimmed_below = applied.trimmed_below;
                if let Some(event) = applied.last_event {
                    self.progress.committed.send_replace(event);
                }
                Ok(applied.jobs)
            }
            Err(fault) => {
                self.roll_back();
                Err(fault)
            }
        }
    }

    /// Everything up to the commit.
    fn apply(&self, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<Applied> {
        match self.apply_all(jobs, Self::apply_plainly) {
            Ok(applied) => Ok(applied),
            Err(Setback::Fault(fault)) => Err(fault),
            Err(Setback::Traces) => {
                self.execute("rollback")?;
                self.apply_all(jobs, Self::apply_undoably)
            }
        }
    }

    fn apply_all<E: From<rusqlite::Error>>(
        &self,
        jobs: &mut [Box<dyn Job>],
        apply_one: impl Fn(&Self, &mut dyn Job) -> Result<Option<i64>, E>,
    ) -> Result<Applied, E> {
        self.execute("begin immediate")?;
        let before = self.connection.total_changes();
        let (mut applied, mut last_event) = (0, None);
        for job in jobs {
            last_event = apply_one(self, &mut **job)?.or(last_event);
            applied += 1;
            if self.connection.total_changes() - before >= ROWS {
                break;
            }
        }
        let trimmed_below = self.progress.done_below.load(Ordering::Relaxed);
        if trimmed_below > self.trimmed_below {
            upkeep::trim(&self.connection, trimmed_below)?;
        }
        Ok(Applied {
            jobs: applied,
            last_event,
            trimmed_below,
        })
    }

    /// Applies a command that, if it fails, has written nothing yet.
    fn apply_plainly(&self, job: &mut dyn Job) -> Result<Option<i64>, Setback> {
        let before = self.connection.total_changes();
        match self.perform(job)? {
            Ok(last_event) => Ok(last_event),
            Err(_) if self.connection.total_changes() != before => Err(Setback::Traces),
            Err(refusal) => {
                job.refuse(refusal);
                Ok(None)
            }
        }
    }

    /// Applies a command or undoes all of it.
    fn apply_undoably(&self, job: &mut dyn Job) -> rusqlite::Result<Option<i64>> {
        self.execute("savepoint command")?;
        let performed = self.perform(job)?;
        if performed.is_err() {
            self.execute("rollback to command")?;
        }
        self.execute("release command")?;
        performed.or_else(|refusal| {
            job.refuse(refusal);
            Ok(None)
        })
    }

    /// Carries a command out. A fault that is not the command's own ends the transaction.
    fn perform(&self, job: &mut dyn Job) -> rusqlite::Result<Result<Option<i64>, Error>> {
        let stage = Stage {
            connection: &self.connection,
            in_trouble: self.in_trouble,
        };
        match job.perform(&stage) {
            Ok(last_event) => Ok(Ok(last_event)),
            Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
            // SQLite itself rolls back what it cannot go on with: what followed would not be in a transaction.
            Err(Failure::Fault(fault)) if is_trouble(&fault) || self.connection.is_autocommit() => Err(fault),
            Err(Failure::Fault(fault)) => Ok(Err(internal("a write could not be applied", fault))),
        }
    }

    fn execute(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([]).map(drop)
    }

    fn roll_back(&self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(fault) = self.execute("rollback") {
            tracing::error!(error = %Chain(&fault), "a failed batch of writes could not be rolled back");
        }
    }
}

#[cfg(test)]
mod tests;
