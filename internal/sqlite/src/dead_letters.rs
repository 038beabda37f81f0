//! Where events go that can never be indexed.

use std::sync::Arc;

use async_trait::async_trait;
use taskwire_domain::{Clock, DeadLetter, DeadLetterQueue, Error, ParkFault};

use crate::SqliteDatabase;
use crate::columns::to_json;
use crate::statements::{Command, Letter};

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
        let parked = self.database.write_patiently(Command::Park(letters)).await;
        parked.map(drop).map_err(fault)
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
