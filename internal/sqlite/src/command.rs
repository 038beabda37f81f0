//! What the thread that writes can be asked. Each [`Command`] has an answer of its own type; the thread sees [`Job`]s,
//! which keep what came of them until the batch is committed.

use rusqlite::Connection;
use taskwire_domain::Error;
use tokio::sync::oneshot;

use crate::error::BatchFault;

/// What a caller is told.
pub(crate) type Outcome<T> = Result<T, Error>;

/// A write, within the transaction of its batch.
pub(crate) trait Command: Send + 'static {
    /// What it answers when it was applied.
    type Answer: Send + 'static;

    /// Carries it out. What it wrote is undone when it fails. It may be carried out a second time, when what it and the
    /// others did was undone because of another.
    fn perform(&self, stage: &Stage<'_>) -> Result<Done<Self::Answer>, Failure>;
}

/// Where a command is carried out.
pub(crate) struct Stage<'a> {
    /// The connection that writes.
    pub(crate) connection: &'a Connection,
    /// Whether the batch before this one met a fault.
    pub(crate) in_trouble: bool,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) answer: T,
    /// The id of the last event that it put into the outbox.
    pub(crate) last_event: Option<i64>,
}

impl<T> Done<T> {
    /// Without an event.
    pub(crate) fn silently(answer: T) -> Self {
        Self {
            answer,
            last_event: None,
        }
    }
}

/// A write that was refused with an error for its caller, or that failed in SQLite.
#[derive(Debug)]
pub(crate) enum Failure {
    Refused(Error),
    Fault(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Failure {
    fn from(refusal: Error) -> Self {
        Self::Refused(refusal)
    }
}

/// A command, whatever its answer.
pub(crate) trait Job: Send {
    /// Whether anybody still waits for what comes of it.
    fn is_wanted(&self) -> bool;

    /// Carries it out and keeps the answer. Tells the last event that it put into the outbox.
    fn perform(&mut self, stage: &Stage<'_>) -> Result<Option<i64>, Failure>;

    /// Keeps this error in place of an answer: what it wrote was undone.
    fn refuse(&mut self, refusal: Error);

    /// Tells whoever waits, once it is known what became of the batch.
    fn tell(self: Box<Self>, fate: Result<(), BatchFault>);
}

/// A command that somebody waits for.
pub(crate) struct Awaited<C: Command> {
    command: C,
    outcome: Option<Outcome<C::Answer>>,
    caller: oneshot::Sender<Outcome<C::Answer>>,
}

impl<C: Command> Awaited<C> {
    /// As a job, and where its outcome will be told.
    pub(crate) fn job(command: C) -> (Box<dyn Job>, oneshot::Receiver<Outcome<C::Answer>>) {
        let (caller, outcome) = oneshot::channel();
        let job = Self {
            command,
            outcome: None,
            caller,
        };
        (Box::new(job), outcome)
    }
}

impl<C: Command> Job for Awaited<C> {
    fn is_wanted(&self) -> bool {
        !self.caller.is_closed()
    }

    fn perform(&mut self, stage: &Stage<'_>) -> Result<Option<i64>, Failure> {
        let done = self.command.perform(stage)?;
        self.outcome = Some(Ok(done.answer));
        Ok(done.last_event)
    }

    fn refuse(&mut self, refusal: Error) {
        self.outcome = Some(Err(refusal));
    }

    fn tell(self: Box<Self>, fate: Result<(), BatchFault>) {
        let outcome = match fate {
            Ok(()) => self.outcome,
            Err(fault) => Some(Err(fault.into())),
        };
        if let Some(outcome) = outcome {
            // One who no longer waits has given the request up.
            drop(self.caller.send(outcome));
        }
    }
}
