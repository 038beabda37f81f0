//! The outbox as an event source of one partition, where a record's offset is its event's id.

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::Connection;
use taskwire_domain::{Chain, Error, EventSource, Partition, Position, Record, SourceEvent, SourceFault};
use tokio::sync::watch;

use crate::SqliteDatabase;
use crate::columns::{read_headers, read_id, read_time};
use crate::upkeep::Trim;

/// The one there is.
const PARTITION: Partition = Partition(0);

/// The most records handed over at once…
const BATCH_RECORDS: i64 = 1_000;
/// …and after how many bytes no further one is added.
const BATCH_BYTES: usize = 4 << 20;

const READ: &str = "
    select id, task_id, payload, headers, created_at from outbox where id > ?1 order by id limit ?2";

/// Reads the outbox from its lowest row on; storing a position deletes the rows before it. Two sources at a time would
/// read the same.
///
/// Unlike PostgreSQL's outbox this one can be read by a cursor: one thread gives the ids and commits in their order, so
/// no lower id appears later.
#[derive(Debug)]
pub struct SqliteSource {
    database: SqliteDatabase,
    committed: watch::Receiver<i64>,
    /// Everything up to this id was handed over.
    read_up_to: i64,
    assigned: bool,
    paused: bool,
}

impl SqliteSource {
    /// A source that has not read anything yet.
    pub fn new(database: SqliteDatabase) -> Self {
        Self {
            committed: database.committed(),
            database,
            read_up_to: 0,
            assigned: false,
            paused: false,
        }
    }

    /// Waits until there is something to read. Dropped in between, it has moved on over nothing but gaps.
    async fn read(&mut self) -> Result<Vec<Record>, SourceFault> {
        loop {
            let after = self.read_up_to;
            // The sender lives as long as the database that we hold.
            let committed = self.committed.wait_for(|committed| *committed > after).await;
            let committed = committed
                .map(|committed| *committed)
                .map_err(|closed| SourceFault {
                    detail: "the database is closed".to_owned(),
                    cause: Some(closed.into()),
                })?;
            let reading = self
                .database
                .readers()
                .read("the outbox could not be read", move |connection| {
                    read_after(connection, after)
                });
            let records = reading.await.map_err(|error| SourceFault {
                detail: "the outbox cannot be read: look after the disk of the data folder, then start again"
                    .to_owned(),
                cause: Some(error.into()),
            })?;
            match records.last() {
                Some(last) => {
                    self.read_up_to = last.position.offset;
                    return Ok(records);
                }
                // What was committed has been deleted already.
                None => self.read_up_to = committed,
            }
        }
    }
}

fn read_after(connection: &Connection, after: i64) -> rusqlite::Result<Vec<Record>> {
    let mut read = connection.prepare_cached(READ)?;
    let mut rows = read.query([after, BATCH_RECORDS])?;
    let mut records = Vec::new();
    let mut bytes = 0;
    while bytes < BATCH_BYTES
        && let Some(row) = rows.next()?
    {
        let record = Record {
            position: Position {
                partition: PARTITION,
                offset: row.get(0)?,
            },
            key: Some(Bytes::from(read_id(row, 1)?.to_string())),
            value: Some(Bytes::from(row.get::<_, Vec<u8>>(2)?)),
            headers: read_headers(row, 3)?,
            time: Some(read_time(row, 4)?),
        };
        bytes += record.size();
        records.push(record);
    }
    Ok(records)
}

#[async_trait]
impl EventSource for SqliteSource {
    fn topic(&self) -> &str {
        "outbox"
    }

    async fn next(&mut self) -> SourceEvent {
        if !self.assigned {
            self.assigned = true;
            return SourceEvent::Assigned(vec![PARTITION]);
        }
        if self.paused {
            // Until it is resumed, for which the caller drops this future.
            return std::future::pending().await;
        }
        match self.read().await {
            Ok(records) => SourceEvent::Records(records),
            Err(fault) => SourceEvent::Failed(fault),
        }
    }

    fn store(&mut self, positions: &[Position]) -> Result<(), SourceFault> {
        let ours = positions
            .iter()
            .filter(|position| position.partition == PARTITION);
        if let Some(next) = ours.map(|position| position.offset).max() {
            self.database.done_below(next);
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<(), SourceFault> {
        self.paused = true;
        Ok(())
    }

    fn resume(&mut self) -> Result<(), SourceFault> {
        self.paused = false;
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), SourceFault> {
        // Every batch deletes what is done with.
        let flushed = self.database.write_patiently(Trim).await;
        flushed.map_err(not_flushed)
    }
}

fn not_flushed(error: Error) -> SourceFault {
    SourceFault {
        detail: format!(
            "events that are done with were not deleted and will be read again: {}",
            Chain(&error)
        ),
        cause: None,
    }
}
