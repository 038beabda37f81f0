//! Writes of many tasks in one transaction, in about ten round trips however many they are.

use std::panic::resume_unwind;
use std::sync::Arc;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use taskwire_domain::{Conflict, Decision, Error, KeyClaim, Receipt, Verdict, View};

use crate::PostgresPool;
use crate::apply::apply;
use crate::checkout::within;
use crate::claims::{claim_key, keep_answer};
use crate::error::{at_commit, internal, is_lost_race, not_applied, waited_for_twin};
use crate::view;

const CONTEXT: &str = "a decision could not be applied";

/// How often a decision is taken anew. Each lost race means that another write was applied, or that the server ended
/// a deadlock after a second.
const MAX_ATTEMPTS: u32 = 8;

pub(crate) type Results = Vec<Result<Receipt, Error>>;

/// How a decision ended.
pub(crate) enum Decided {
    /// It is applied, and there are events to publish.
    Changed(Results),
    /// It changed no task.
    Unchanged(Results),
    /// The key is taken; nothing was applied.
    Taken,
}

/// Takes the decision and applies it, in one transaction.
pub(crate) async fn decide(
    pool: &PostgresPool,
    decision: &Arc<dyn Decision>,
    claim: Option<&KeyClaim>,
) -> Result<Decided, Error> {
    let mut connection = pool.checkout().await?;
    let mut commit_sent = false;
    // One limit for all attempts, so that the database's word arrives within that of the request.
    let outcome = within(
        connection.limit(),
        attempts(&mut connection, decision, claim, &mut commit_sent),
    )
    .await;
    connection.finish(outcome).unwrap_or_else(|error| {
        Err(match commit_sent {
            _ if waited_for_twin(&error) => Error::Conflict(Conflict::TwinInFlight),
            true => at_commit(CONTEXT, error),
            false => not_applied(CONTEXT, error),
        })
    })
}

async fn attempts(
    connection: &mut PgConnection,
    decision: &Arc<dyn Decision>,
    claim: Option<&KeyClaim>,
    commit_sent: &mut bool,
) -> Result<Result<Decided, Error>, sqlx::Error> {
    for _ in 0..MAX_ATTEMPTS {
        match attempt(connection, decision, claim, commit_sent).await {
            // The server has undone it, even if it was the commit that it answered so.
            Err(error) if is_lost_race(&error) => *commit_sent = false,
            outcome => return outcome,
        }
    }
    Ok(Err(Error::Conflict(Conflict::Contended)))
}

async fn attempt(
    connection: &mut PgConnection,
    decision: &Arc<dyn Decision>,
    claim: Option<&KeyClaim>,
    commit_sent: &mut bool,
) -> Result<Result<Decided, Error>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let (is_kept, decided) = match carry_out(&mut transaction, decision, claim).await? {
        Ok(carried_out) => carried_out,
        Err(refused) => {
            transaction.rollback().await?;
            return Ok(Err(refused));
        }
    };
    if is_kept {
        *commit_sent = true;
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(Ok(decided))
}

/// With the end of the decision, whether there is anything to commit.
async fn carry_out(
    transaction: &mut PgConnection,
    decision: &Arc<dyn Decision>,
    claim: Option<&KeyClaim>,
) -> Result<Result<(bool, Decided), Error>, sqlx::Error> {
    if let Some(claim) = claim
        && !claim_key(transaction, claim, &[]).await?
    {
        return Ok(Ok((false, Decided::Taken)));
    }
    let view = match view::read(transaction, &decision.scope()).await? {
        Ok(view) => view,
        Err(refused) => return Ok(Err(refused)),
    };
    let owners = view.external_ids.clone();
    let Verdict {
        changes,
        results,
        answer,
    } = match taken(decision.clone(), view).await {
        Ok(verdict) => verdict,
        Err(refused) => return Ok(Err(refused)),
    };
    let is_answered = match (claim, answer) {
        (Some(claim), Some(answer)) => {
            keep_answer(transaction, claim, &answer).await?;
            true
        }
        (Some(_), None) if !changes.is_empty() => {
            return Ok(Err(internal(
                CONTEXT,
                "there are changes under a key, and no answer",
            )));
        }
        _ => false,
    };
    if changes.is_empty() {
        return Ok(Ok((is_answered, Decided::Unchanged(results))));
    }
    Ok(match apply(transaction, &changes, &owners).await? {
        true => Ok((true, Decided::Changed(results))),
        false => Err(internal(
            CONTEXT,
            "it changes tasks that it was not shown at that version",
        )),
    })
}

/// On a thread that may block: thousands of events may have to be encoded.
async fn taken(decision: Arc<dyn Decision>, view: View) -> Result<Verdict, Error> {
    match tokio::task::spawn_blocking(move || decision.decide(view)).await {
        Ok(verdict) => verdict,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down.
            Err(error) => Err(internal(CONTEXT, error)),
        },
    }
}
