//! Writes that the server undid to end a deadlock. Those who write many tasks lock them in the order of their ids, but
//! the database itself locks a parent when a sub-task is written, and sub-tasks when a parent is deleted. Where these
//! cross, one of the two is undone, certainly and as a whole, and sent again.

use taskwire_domain::Error;

use crate::error::is_deadlock;

/// Each attempt waits for the server to look for a deadlock, a second by default.
const MAX_ATTEMPTS: u32 = 4;

/// Sends a write again as long as it is undone to end a deadlock.
pub(crate) async fn sent_again<T, F>(write: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 1..MAX_ATTEMPTS {
        match write().await {
            Err(error) if was_undone(&error) => {}
            outcome => return outcome,
        }
    }
    write().await
}

fn was_undone(error: &Error) -> bool {
    match error {
        Error::Unavailable { cause, .. } => cause.downcast_ref().is_some_and(is_deadlock),
        _ => false,
    }
}
