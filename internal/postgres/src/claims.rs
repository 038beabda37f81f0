//! The callers' keys for requests that may be sent again.
//!
//! A write claims its key before it does anything else. A twin in flight is therefore waited for at the index of the
//! keys, by the database, and a request that comes again is answered with what was kept: it is never refused for what
//! its twin wrote, such as its own external id, or for what happened since, such as its parent's deletion.

use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use taskwire_domain::{Error, KeyClaim, RememberedAnswer, Timestamp};

use crate::PostgresPool;
use crate::checkout::within;
use crate::error::{internal, not_applied};

/// How often a key is claimed anew that was forgotten between the claim, which found it taken, and the look at its
/// answer. Once is rare: the key was a day old by then.
pub(crate) const MAX_ATTEMPTS: u32 = 4;

/// Claims a key: a row if it was free or has expired, none if it is taken. A claim in flight is waited for.
macro_rules! claim {
    ($scope:literal, $key:literal, $fingerprint:literal, $answer:literal, $claimed_at:literal, $expires_before:literal) => {
        concat!(
            "insert into idempotency_keys (scope, key, fingerprint, answer, claimed_at) values (",
            $scope, ", ", $key, ", ", $fingerprint, ", ", $answer, ", ", $claimed_at,
            ") on conflict (scope, key) do update
             set fingerprint = excluded.fingerprint, answer = excluded.answer, claimed_at = excluded.claimed_at
             where idempotency_keys.claimed_at < ",
            $expires_before
        )
    };
}
pub(crate) use claim;

const CLAIM: &str = claim!("$1", "$2", "$3", "$4", "$5", "$6");

const ANSWER: &str = "update idempotency_keys set answer = $3 where scope = $1 and key = $2";

const REMEMBERED: &str = "select fingerprint, answer from idempotency_keys where scope = $1 and key = $2";

/// Passes over those that somebody else forgets or claims at this moment.
const FORGET: &str = "
    delete from idempotency_keys where (scope, key) in (
        select scope, key from idempotency_keys where claimed_at < $1
        order by claimed_at limit $2 for update skip locked
    )";

/// Binds the next six parameters: those of [`claim!`], in its order.
pub(crate) fn bind_claim<'q>(
    query: Query<'q, Postgres, PgArguments>,
    claim: &'q KeyClaim,
    answer: &'q [u8],
) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(claim.scope)
        .bind(&claim.key)
        .bind(&claim.fingerprint[..])
        .bind(answer)
        .bind(claim.claimed_at.as_utc())
        .bind(claim.expires_before().as_utc())
}

/// Whether the key was free. It then belongs to this transaction.
pub(crate) async fn claim_key(
    transaction: &mut PgConnection,
    claim: &KeyClaim,
    answer: &[u8],
) -> Result<bool, sqlx::Error> {
    let done = bind_claim(sqlx::query(CLAIM), claim, answer)
        .execute(transaction)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps the answer under a key that this transaction has claimed.
pub(crate) async fn keep_answer(
    transaction: &mut PgConnection,
    claim: &KeyClaim,
    answer: &[u8],
) -> Result<(), sqlx::Error> {
    let update = sqlx::query(ANSWER)
        .bind(claim.scope)
        .bind(&claim.key)
        .bind(answer);
    update.execute(transaction).await?;
    Ok(())
}

/// What was kept under a key that is taken; `None` if it was forgotten meanwhile.
pub(crate) async fn remembered(
    pool: &PostgresPool,
    claim: &KeyClaim,
) -> Result<Option<RememberedAnswer>, Error> {
    const CONTEXT: &str = "the answer under an idempotency key could not be read";
    let mut connection = pool.checkout().await?;
    let query = sqlx::query_as(REMEMBERED).bind(claim.scope).bind(&claim.key);
    let outcome = within(connection.limit(), query.fetch_optional(&mut *connection)).await;
    let row: Option<(Vec<u8>, Vec<u8>)> = connection
        .finish(outcome)
        .map_err(|error| not_applied(CONTEXT, error))?;
    let Some((fingerprint, answer)) = row else {
        return Ok(None);
    };
    let fingerprint = fingerprint
        .try_into()
        .map_err(|_| internal(CONTEXT, "its fingerprint has not 32 bytes"))?;
    Ok(Some(RememberedAnswer {
        fingerprint,
        answer: answer.into(),
    }))
}

/// Forgets at most so many keys that were claimed before this time.
pub(crate) async fn forget(
    pool: &PostgresPool,
    claimed_before: Timestamp,
    at_most: u32,
) -> Result<u64, Error> {
    let mut connection = pool.checkout().await?;
    let delete = sqlx::query(FORGET)
        .bind(claimed_before.as_utc())
        .bind(i64::from(at_most));
    let outcome = within(connection.limit(), delete.execute(&mut *connection)).await;
    let done = connection
        .finish(outcome)
        .map_err(|error| not_applied("idempotency keys could not be forgotten", error))?;
    Ok(done.rows_affected())
}
