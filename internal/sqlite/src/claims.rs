//! Callers' keys, each with the answer of the write that it stands for. A key is looked up first and stored last, in the
//! transaction of its write: there is one writer, so between the two nobody else claims it, and a twin that waits in the
//! queue finds the answer.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use taskwire_domain::{AnsweredClaim, KeyClaim, Once, RememberedAnswer, Timestamp};

use crate::changes::Create;
use crate::command::{Command, Done, Failure, Stage};

const FIND: &str = "
    select fingerprint, answer from idempotency_keys where scope = ?1 and key = ?2 and claimed_at >= ?3";

/// Whatever stands there has expired.
const KEEP: &str = "
    insert into idempotency_keys (scope, key, fingerprint, answer, claimed_at) values (?1, ?2, ?3, ?4, ?5)
    on conflict (scope, key) do update
    set fingerprint = excluded.fingerprint, answer = excluded.answer, claimed_at = excluded.claimed_at";

const FORGET: &str = "
    delete from idempotency_keys
    where (scope, key) in (
        select scope, key from idempotency_keys where claimed_at < ?1 order by claimed_at limit ?2)";

/// Store a new task, once for a key.
pub(crate) struct CreateOnce {
    pub(crate) create: Create,
    pub(crate) claim: AnsweredClaim,
}

impl Command for CreateOnce {
    type Answer = Once<()>;

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<Once<()>>, Failure> {
        let AnsweredClaim { claim, answer } = &self.claim;
        if let Some(remembered) = find(stage.connection, claim)? {
            return Ok(Done::silently(Once::Taken(remembered)));
        }
        let event = self.create.apply(stage.connection)?;
        keep(stage.connection, claim, answer)?;
        Ok(Done {
            answer: Once::First(()),
            last_event: Some(event),
        })
    }
}

/// Forget keys that were claimed before a time, the oldest first and at most so many.
pub(crate) struct ForgetClaims {
    pub(crate) claimed_before: Timestamp,
    pub(crate) at_most: u32,
}

impl Command for ForgetClaims {
    type Answer = u64;

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<u64>, Failure> {
        let mut forget = stage.connection.prepare_cached(FORGET)?;
        let forgotten = forget.execute(params![self.claimed_before.unix_millis(), self.at_most])?;
        Ok(Done::silently(forgotten as u64))
    }
}

/// The answer under this key, unless it is too old to be kept.
pub(crate) fn find(connection: &Connection, claim: &KeyClaim) -> rusqlite::Result<Option<RememberedAnswer>> {
    let mut find = connection.prepare_cached(FIND)?;
    let oldest = claim.expires_before().unix_millis();
    let found = find.query_row(params![claim.scope, claim.key, oldest], |row| {
        Ok(RememberedAnswer {
            fingerprint: row.get(0)?,
            answer: Bytes::from(row.get::<_, Vec<u8>>(1)?),
        })
    });
    found.optional()
}

/// Stores the answer under this key.
pub(crate) fn keep(connection: &Connection, claim: &KeyClaim, answer: &Bytes) -> rusqlite::Result<()> {
    let mut keep = connection.prepare_cached(KEEP)?;
    keep.execute(params![
        claim.scope,
        claim.key,
        claim.fingerprint,
        &answer[..],
        claim.claimed_at.unix_millis(),
    ])?;
    Ok(())
}
