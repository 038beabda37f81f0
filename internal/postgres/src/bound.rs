//! The bound on the outbox: when events cannot be published for so long that they would fill the disk, writes are
//! refused before they do.
//!
//! The bound is a mark and not a wall. Whoever measures tells it now and then how many events wait; what is written until
//! the next measurement comes on top. Every server judges for itself, by the same outbox.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use taskwire_domain::{Dependency, Error, OUTBOX, Unreachable};

/// At this share of the limit somebody should look, and below it writes are taken again.
const MARK_PERCENT: u64 = 80;

/// The outbox is not measured more often, so it does not help to ask sooner.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Far from the limit.
    Calm,
    /// Above the mark.
    High,
    /// The limit was reached, and the outbox has not fallen below the mark since.
    Full,
}

/// Refuses writes while too many events wait to be published. As a [`Dependency`] it is in doubt while it does.
#[derive(Debug)]
pub struct OutboxBound {
    /// In events; 0 is none.
    limit: u64,
    level: Mutex<Level>,
}

impl OutboxBound {
    /// Nothing is refused before something was measured. With a limit of 0 nothing ever is.
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            level: Mutex::new(Level::Calm),
        }
    }

    /// In events; 0 is none.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Up to here a rough measure will do.
    pub(crate) fn mark(&self) -> u64 {
        match self.limit {
            0 => u64::MAX,
            limit => (limit / 100 * MARK_PERCENT + limit % 100 * MARK_PERCENT / 100).max(1),
        }
    }

    /// Takes note of how many events wait, and says in the log what follows from it.
    pub fn judge(&self, events: u64) {
        let (before, now) = {
            let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
            let before = *level;
            *level = self.next(before, events);
            (before, *level)
        };
        if before == now {
            return;
        }
        match now {
            Level::Calm => tracing::info!(
                outbox.events = events,
                outbox.limit = self.limit,
                "the outbox is far from its limit again"
            ),
            Level::High => tracing::error!(
                outbox.events = events,
                outbox.limit = self.limit,
                "the outbox is filling up: find out why events are not published, or writes will be refused"
            ),
            Level::Full => tracing::error!(
                outbox.events = events,
                outbox.limit = self.limit,
                outbox.resumes_below = self.mark(),
                "the outbox is full: writes are refused until events are published"
            ),
        }
    }

    fn next(&self, level: Level, events: u64) -> Level {
        match level {
            _ if self.limit == 0 || events < self.mark() => Level::Calm,
            _ if events >= self.limit => Level::Full,
            Level::Full => Level::Full,
            Level::Calm | Level::High => Level::High,
        }
    }

    /// Whether writes are refused.
    pub fn is_full(&self) -> bool {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) == Level::Full
    }

    /// Asked before anything of a write is sent.
    pub(crate) fn admit(&self) -> Result<(), Error> {
        if self.is_full() {
            return Err(Error::Unavailable {
                dependency: OUTBOX,
                retry_after: RETRY_AFTER,
                cause: format!("the limit of {} events not yet published is reached", self.limit).into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl Dependency for OutboxBound {
    fn name(&self) -> &'static str {
        OUTBOX
    }

    /// It is a number in memory, and always answers.
    async fn check(&self) -> Result<(), Unreachable> {
        Ok(())
    }

    fn doubt(&self) -> Option<&'static str> {
        self.is_full()
            .then_some("writes are refused: too many changes wait to be announced")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses_after(bound: &OutboxBound, events: u64) -> bool {
        bound.judge(events);
        bound.admit().is_err()
    }

    #[test]
    fn writes_are_refused_at_the_limit_and_taken_again_below_the_mark() {
        let bound = OutboxBound::new(10);
        assert!(bound.admit().is_ok(), "before anything was measured");
        let steps = [
            (9, false),
            (10, true),
            (9, true),
            (8, true),
            (7, false),
            (8, false),
            (11, true),
        ];
        for (events, refused) in steps {
            assert_eq!(refuses_after(&bound, events), refused, "{events}");
            assert_eq!(bound.doubt().is_some(), refused, "{events}");
        }
    }

    #[test]
    fn a_refusal_names_the_outbox_and_says_that_nothing_was_applied() {
        let bound = OutboxBound::new(1);
        bound.judge(1);
        assert!(matches!(
            bound.admit(),
            Err(Error::Unavailable {
                dependency: "outbox",
                ..
            })
        ));
    }

    #[test]
    fn the_smallest_limit_has_a_way_back() {
        let bound = OutboxBound::new(1);
        assert!(refuses_after(&bound, 1));
        assert!(!refuses_after(&bound, 0));
    }

    #[test]
    fn without_a_limit_nothing_is_refused() {
        assert!(!refuses_after(&OutboxBound::new(0), u64::MAX));
    }
}
