//! What the thread that writes does for itself and for the health check.

use rusqlite::Connection;
use taskwire_domain::{Chain, Error};

use crate::command::{Command, Done, Failure, Job, Stage};
use crate::error::BatchFault;

/// As many bytes as a long task takes with its event, new ones each time. Fewer would fit where the write that failed has
/// left half of itself, and say that there is room while there is none for anybody.
const TOUCH: &str = "
    insert into meta (name, value) values ('probe', randomblob(65536))
    on conflict (name) do update set value = excluded.value";

const TRIM: &str = "delete from outbox where id < ?1";

/// Nothing besides what every batch does: delete the events that are done with.
pub(crate) struct Trim;

impl Command for Trim {
    type Answer = ();

    fn perform(&self, _: &Stage<'_>) -> Result<Done<()>, Failure> {
        Ok(Done::silently(()))
    }
}

/// As [`Trim`], for nobody who waits.
pub(crate) struct UnawaitedTrim;

impl Job for UnawaitedTrim {
    fn is_wanted(&self) -> bool {
        true
    }

    fn perform(&mut self, _: &Stage<'_>) -> Result<Option<i64>, Failure> {
        Ok(None)
    }

    fn refuse(&mut self, _: Error) {}

    fn tell(self: Box<Self>, fate: Result<(), BatchFault>) {
        if let Err(fault) = fate {
            let error = Error::from(fault);
            tracing::warn!(error = %Chain(&error), "events that are done with were not deleted; they will be with the next ones");
        }
    }
}

/// Find out whether writes go through; if the last ones did not, by writing.
pub(crate) struct Probe;

impl Command for Probe {
    type Answer = ();

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<()>, Failure> {
        if stage.in_trouble {
            stage.connection.prepare_cached(TOUCH)?.execute([])?;
        }
        Ok(Done::silently(()))
    }
}

/// Deletes the events below this id.
pub(crate) fn trim(connection: &Connection, below: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(TRIM)?.execute([below]).map(drop)
}
