//! How far the relay is behind.

use std::time::Duration;

use taskwire_domain::Error;

use crate::PostgresTasks;
use crate::checkout::within;
use crate::error::not_applied;

/// Events that are committed and not yet published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many there are; counted up to [`Backlog::COUNTED`], so that it costs little when the broker has been away
    /// for long.
    pub events: u64,
    /// How long the first of them has waited, by the database's clock; zero when there is none.
    pub oldest: Duration,
}

impl Backlog {
    /// The greatest number that `events` can show.
    pub const COUNTED: u64 = 100_000;
}

/// The row with the lowest id stands for the oldest: it is found by the index, and it is what the relay takes next.
const BACKLOG: &str = "
    select (select count(*) from (select from outbox limit $1) as counted),
           coalesce((select extract(epoch from clock_timestamp() - created_at)::float8
                     from outbox order by id limit 1), 0)";

impl PostgresTasks {
    /// For metrics.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let mut connection = self.pool.checkout().await?;
        let query = sqlx::query_as(BACKLOG).bind(Backlog::COUNTED.cast_signed());
        let outcome = within(connection.limit(), query.fetch_one(&mut *connection)).await;
        let (events, seconds): (i64, f64) = connection
            .finish(outcome)
            .map_err(|error| not_applied("the outbox could not be measured", error))?;
        Ok(Backlog {
            events: events.unsigned_abs(),
            // Negative only if the database's clock was set back.
            oldest: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        })
    }
}
