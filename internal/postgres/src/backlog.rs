//! How far the relay is behind.

use std::time::Duration;

use taskwire_domain::Error;

use crate::PostgresTasks;
use crate::checkout::{Checkout, within};
use crate::error::{leaves_connection_usable, not_applied};

/// Events that are committed and not yet published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many there are: exact up to [`Backlog::COUNTED`] and again near the outbox's limit, in between no fewer than
    /// there are.
    pub events: u64,
    /// How long the first of them has waited, by the database's clock; zero when there is none.
    pub oldest: Duration,
}

impl Backlog {
    /// As many are counted each time.
    pub const COUNTED: u64 = 100_000;
}

/// The row with the lowest id stands for the oldest: it is found by the index, and it is what the relay takes next. The
/// ids between the first and the last are no fewer than the rows, and mostly no more.
const BACKLOG: &str = "
    select (select count(*) from (select from outbox limit $1) as counted),
           (select coalesce(max(id) - min(id) + 1, 0) from outbox),
           coalesce((select extract(epoch from clock_timestamp() - created_at)::float8
                     from outbox order by id limit 1), 0)";

const COUNT: &str = "select count(*) from (select from outbox limit $1) as counted";

impl PostgresTasks {
    /// For metrics, and for the bound on the outbox.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let mut connection = self.pool.checkout().await?;
        let outcome = self.measure(&mut connection).await;
        connection
            .finish(outcome)
            .map_err(|error| not_applied("the outbox could not be measured", error))
    }

    async fn measure(&self, connection: &mut Checkout) -> Result<Backlog, sqlx::Error> {
        let limit = connection.limit();
        let query = sqlx::query_as(BACKLOG).bind(Backlog::COUNTED.cast_signed());
        let (counted, span, seconds): (i64, i64, f64) =
            within(limit, query.fetch_one(&mut **connection)).await?;
        let (counted, span) = (counted.unsigned_abs(), span.unsigned_abs());
        let events = if counted < Backlog::COUNTED {
            counted
        } else if span < self.bound.mark() {
            span
        } else {
            // One old row that is held back makes the span wide, so before writes are refused the rows are counted. If
            // that takes longer than a statement may, there are many.
            let enough = i64::try_from(self.bound.limit()).unwrap_or(i64::MAX);
            let query = sqlx::query_scalar(COUNT).bind(enough);
            match within(limit, query.fetch_one(&mut **connection)).await {
                Ok(counted) => i64::unsigned_abs(counted),
                Err(error) if leaves_connection_usable(&error) => span,
                Err(error) => return Err(error),
            }
        };
        Ok(Backlog {
            events,
            // Negative only if the database's clock was set back.
            oldest: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        })
    }
}
