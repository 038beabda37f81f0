//! The thread that writes. It commits whatever is queued at once and waits for nothing, so a lone caller pays for one
//! sync and many callers share it.
//!
//! Within a batch each command has a savepoint of its own: one that fails is undone and leaves the others alone. A fault
//! of the disk is everybody's, and nobody's write is applied. Answers are given after the commit, never before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;
use taskwire_domain::{Chain, Error, Written};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{BatchFault, internal, is_trouble};
use crate::open::OwnedFolder;
use crate::statements::{self, Command, Failure};

/// The most commands in one transaction. By then the sync is shared so widely that more would only make the first
/// wait longer.
const BATCH: usize = 256;

pub(crate) type Outcome = Result<Written, Error>;

/// Where an outcome goes; `None` when nobody waits for it.
type Answer = Option<oneshot::Sender<Outcome>>;

/// What the thread is asked.
#[derive(Debug)]
pub(crate) enum Request {
    /// Carry this out.
    Do(Box<Command>, Answer),
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

/// What a command came to within the transaction.
struct Done {
    written: Written,
    event: Option<i64>,
}

impl Done {
    /// Applied without an event.
    const SILENT: Self = Self {
        written: Written::Applied,
        event: None,
    };
}

/// A batch that only needs to be committed.
struct Applied {
    outcomes: Vec<Outcome>,
    last_event: Option<i64>,
    /// There are no events below this id any more.
    trimmed_below: i64,
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
        // Every statement of ours, the savepoint's among them.
        connection.set_prepared_statement_cache_capacity(32);
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
            let mut commands = Vec::with_capacity(batch.len());
            for request in batch.drain(..) {
                match request {
                    Request::Do(command, answer) => commands.push((command, answer)),
                    Request::End => self.requests.close(),
                }
            }
            self.carry_out(commands);
        }
    }

    fn carry_out(&mut self, commands: Vec<(Box<Command>, Answer)>) {
        let done = self.commit(commands.iter().map(|(command, _)| &**command));
        self.in_trouble = done.is_err();
        match done {
            Ok(outcomes) => {
                for ((_, answer), outcome) in commands.into_iter().zip(outcomes) {
                    tell(answer, outcome);
                }
            }
            Err(fault) => {
                for (_, answer) in commands {
                    tell(answer, Err(fault.clone().into()));
                }
            }
        }
    }

    fn commit<'a>(
        &mut self,
        commands: impl Iterator<Item = &'a Command>,
    ) -> Result<Vec<Outcome>, BatchFault> {
        let applied = self.apply(commands).map_err(BatchFault::before_commit);
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
                Ok(applied.outcomes)
            }
            Err(fault) => {
                self.roll_back();
                Err(fault)
            }
        }
    }

    /// Everything up to the commit.
    fn apply<'a>(&self, commands: impl Iterator<Item = &'a Command>) -> rusqlite::Result<Applied> {
        self.execute("begin immediate")?;
        let mut outcomes = Vec::with_capacity(BATCH);
        let mut last_event = None;
        for command in commands {
            let outcome = self.apply_one(command)?;
            if let Ok(Done {
                event: Some(event), ..
            }) = outcome
            {
                last_event = Some(event);
            }
            outcomes.push(outcome.map(|done| done.written));
        }
        let trimmed_below = self.progress.done_below.load(Ordering::Relaxed);
        if trimmed_below > self.trimmed_below {
            statements::trim(&self.connection, trimmed_below)?;
        }
        Ok(Applied {
            outcomes,
            last_event,
            trimmed_below,
        })
    }

    /// Applies a command or undoes all of it. A fault that is not the command's own ends the transaction.
    fn apply_one(&self, command: &Command) -> rusqlite::Result<Result<Done, Error>> {
        self.execute("savepoint command")?;
        let outcome = match self.perform(command) {
            Ok(done) => Ok(done),
            Err(Failure::Refused(refusal)) => Err(refusal),
            // SQLite itself rolls back what it cannot go on with: what followed would not be in a transaction.
            Err(Failure::Fault(fault)) if is_trouble(&fault) || self.connection.is_autocommit() => {
                return Err(fault);
            }
            Err(Failure::Fault(fault)) => Err(internal("a write could not be applied", fault)),
        };
        if outcome.is_err() {
            self.execute("rollback to command")?;
        }
        self.execute("release command")?;
        Ok(outcome)
    }

    fn perform(&self, command: &Command) -> Result<Done, Failure> {
        let connection = &self.connection;
        let event = match command {
            Command::Create(task, event) => statements::create(connection, task, event)?,
            Command::Update(task, expected, event) => statements::update(connection, task, *expected, event)?,
            Command::Delete(deleted, expected, event) => {
                statements::delete(connection, deleted, *expected, event)?
            }
            Command::Park(letters) => {
                return Ok(statements::park(connection, letters).map(|()| Done::SILENT)?);
            }
            Command::Probe if self.in_trouble => {
                return Ok(statements::touch(connection).map(|()| Done::SILENT)?);
            }
            Command::Probe | Command::Trim => return Ok(Done::SILENT),
        };
        let written = event.map_or(Written::Stale, |_| Written::Applied);
        Ok(Done { written, event })
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

fn tell(answer: Answer, outcome: Outcome) {
    match (answer, outcome) {
        // One who no longer waits has given the request up.
        (Some(answer), outcome) => drop(answer.send(outcome)),
        (None, Err(error)) => {
            tracing::warn!(error = %Chain(&error), "events that are done with were not deleted; they will be with the next ones")
        }
        (None, Ok(_)) => {}
    }
}

#[cfg(test)]
mod tests;
