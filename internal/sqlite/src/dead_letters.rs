//! Where events go that can never be indexed.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::params;
use taskwire_domain::{Clock, DeadLetter, DeadLetterQueue, Error, ParkFault};

use crate::SqliteDatabase;
use crate::columns::to_json;
use crate::command::{Command, Done, Failure, Stage};

/// An event is parked once, however often it is tried.
const PARK: &str = "
    insert into dead_letters (outbox_id, reason, detail, parked_at, key, value, headers)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    on conflict (outbox_id) do nothing";

/// Keeps letters in the table `dead_letters`. One whose event was parked before is passed over.
pub struct SqliteDeadLetters {
    database: SqliteDatabase,
    clock: Arc<dyn Clock>,
}

impl SqliteDeadLetters {
    /// The dead letters of this database.
    pub fn new(database: SqliteDatabase, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    fn columns(&self, letter: &DeadLetter) -> Result<Letter, Error> {
        let record = &letter.record;
        // Name, value, name, value, as in the outbox, where every value is text.
        let headers = record.headers.iter().flat_map(|(name, value)| {
            let value = value.as_deref().map(String::from_utf8_lossy);
            [name.into(), value.unwrap_or_default()]
        });
        Ok(Letter {
            outbox_id: record.position.offset,
            reason: letter.reason,
            detail: letter.detail.clone(),
            parked_at: self.clock.now().unix_millis(),
            key: record.key.clone(),
            value: record.value.clone(),
            headers: to_json(&headers.collect::<Vec<_>>())?,
        })
    }
}

#[async_trait]
impl DeadLetterQueue for SqliteDeadLetters {
    async fn park(&self, letters: &[DeadLetter]) -> Result<(), ParkFault> {
        let letters = letters.iter().map(|letter| self.columns(letter));
        let letters = letters.collect::<Result<_, _>>().map_err(fault)?;
        let parked = self.database.write_patiently(Park(letters)).await;
        parked.map_err(fault)
    }
}

/// A letter ready to be bound.
struct Letter {
    outbox_id: i64,
    reason: &'static str,
    detail: String,
    parked_at: i64,
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: String,
}

/// Keep letters.
struct Park(Vec<Letter>);

impl Command for Park {
    type Answer = ();

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<()>, Failure> {
        let mut park = stage.connection.prepare_cached(PARK)?;
        for letter in &self.0 {
            park.execute(params![
                letter.outbox_id,
                letter.reason,
                letter.detail,
                letter.parked_at,
                letter.key.as_deref(),
                letter.value.as_deref(),
                letter.headers,
            ])?;
        }
        Ok(Done::silently(()))
    }
}

fn fault(error: Error) -> ParkFault {
    let may_pass = matches!(error, Error::Unavailable { .. } | Error::OutcomeUnknown { .. });
    let cause = Some(error.into());
    if may_pass {
        ParkFault::Retry {
            detail: "the database did not take it; waiting for the disk".to_owned(),
            cause,
        }
    } else {
        ParkFault::Refused {
            detail: "the database cannot keep it: look after the file in the data folder".to_owned(),
            cause,
        }
    }
}
