//! Carrying decisions out. There is one writer, so what a decision sees stands until its verdict is applied. It is taken
//! anew, seeing the same, when its batch is begun anew.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::Connection;
use taskwire_domain::{Change, Decision, Error, KeyClaim, Once, Receipt, Task, Verdict, Version};

use crate::changes::{Announced, Create, Delete, Update};
use crate::claims;
use crate::columns::{EventColumns, TaskColumns};
use crate::command::{Command, Done, Failure, Stage};
use crate::error::internal;
use crate::view::read_view;

/// Decide and apply the verdict; with a claim, once for that key.
pub(crate) struct Decide {
    pub(crate) decision: Arc<dyn Decision>,
    pub(crate) claim: Option<KeyClaim>,
}

impl Command for Decide {
    type Answer = Once<Vec<Result<Receipt, Error>>>;

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<Self::Answer>, Failure> {
        let connection = stage.connection;
        if let Some(claim) = &self.claim
            && let Some(remembered) = claims::find(connection, claim)?
        {
            return Ok(Done::silently(Once::Taken(remembered)));
        }
        let scope = contain_panics(|| self.decision.scope())?;
        let view = read_view(connection, &scope)?;
        let verdict = contain_panics(|| self.decision.decide(view))??;
        let Verdict {
            changes,
            results,
            answer,
        } = verdict;
        let mut last_event = None;
        for change in changes {
            last_event = Some(apply(connection, change)?);
        }
        match (&self.claim, answer) {
            (Some(claim), Some(answer)) => claims::keep(connection, claim, &answer)?,
            (Some(_), None) if last_event.is_some() => {
                return Err(unsound("it left no answer under its key").into());
            }
            _ => {}
        }
        Ok(Done {
            answer: Once::First(results),
            last_event,
        })
    }
}

/// The id of the change's event.
fn apply(connection: &Connection, change: Change) -> Result<i64, Failure> {
    let event: Announced = match change {
        Change::Create(task, event) => {
            let event = EventColumns::new(&event)?;
            let task = TaskColumns::new(task)?;
            Some(Create { task, event }.apply(connection)?)
        }
        Change::Update(task, event) => {
            let expected = version_before(&task)?;
            let event = EventColumns::new(&event)?;
            let task = TaskColumns::new(task)?;
            let update = Update {
                task,
                expected,
                event,
            };
            update.apply(connection)?
        }
        Change::Delete { deleted, from, event } => {
            let event = EventColumns::new(&event)?;
            let delete = Delete {
                deleted,
                expected: from,
                event,
            };
            delete.apply(connection)?
        }
    };
    event.ok_or_else(|| unsound("it changed a task that is not at the version it said").into())
}

fn version_before(task: &Task) -> Result<Version, Error> {
    Version::new(task.version.get() - 1).ok_or_else(|| unsound("it changed a task to its first version"))
}

/// A decision that panics must not end the thread that carries out everybody's writes.
fn contain_panics<T>(of_decision: impl FnOnce() -> T) -> Result<T, Error> {
    // What it may have left half done is its own, and it is asked nothing more.
    catch_unwind(AssertUnwindSafe(of_decision))
        .map_err(|panic| internal("a decision panicked", message(&*panic)))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it did not say why").to_owned()
}

fn unsound(why: &'static str) -> Error {
    internal("a decision cannot be applied", why)
}
