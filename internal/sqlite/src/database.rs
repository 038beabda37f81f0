//! The open database: one thread that writes, a few connections that read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;
use taskwire_domain::Error;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::{Builder, Uuid};

use crate::command::{Awaited, Command, Outcome};
use crate::error::unavailable;
use crate::open::{OpenError, OwnedFolder};
use crate::readers::Readers;
use crate::upkeep::UnawaitedTrim;
use crate::writer::{Progress, Request, Writer};
use crate::{Snapshot, SqliteSettings};

/// The database in a data folder, which belongs to this process alone until it is closed. Cloning shares it.
#[derive(Debug, Clone)]
pub struct SqliteDatabase {
    requests: mpsc::Sender<Request>,
    progress: Arc<Progress>,
    readers: Arc<Readers>,
    /// Becomes true when the file is closed and the folder is free.
    released: watch::Receiver<bool>,
    id: Uuid,
}

impl SqliteDatabase {
    /// Opens the database in this folder, making both if they are not there, and brings its schema up to date. Blocks,
    /// for a fraction of a second as a rule.
    ///
    /// # Errors
    /// One sentence that says what to do; nothing was changed.
    pub fn open(folder: &Path, settings: &SqliteSettings) -> Result<Self, OpenError> {
        let owned = OwnedFolder::take(folder)?;
        let unusable = |cause| OpenError::Unusable {
            folder: folder.to_owned(),
            cause,
        };
        let connection = owned.open_writer()?;
        let id = read_id(&connection).map_err(|error| unusable(error.into()))?;
        let last_event = read_last_event(&connection).map_err(|error| unusable(error.into()))?;
        let progress = Arc::new(Progress {
            committed: watch::Sender::new(last_event),
            done_below: AtomicI64::new(0),
        });
        let readers = Arc::new(Readers::new(owned.database_file(), settings.readers));
        let (requests, queue) = mpsc::channel(settings.write_queue);
        let writer = Writer::new(connection, queue, Arc::clone(&progress), owned);
        let (release, released) = watch::channel(false);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                writer.run();
                release.send_replace(true);
            })
            .map_err(|error| unusable(error.into()))?;
        Ok(Self {
            requests,
            progress,
            readers,
            released,
            id,
        })
    }

    /// Made with the file and kept with it, in backups too: whoever keeps something beside the file, such as a search
    /// index, can tell whose it is.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The id of the last event that was committed, whether or not it is still in the outbox; 0 if there was none.
    pub fn last_event(&self) -> i64 {
        *self.progress.committed.borrow()
    }

    /// Everything as it is at this moment. Blocks: call it, and read it, where that is allowed.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Snapshot::take(&self.readers)
    }

    /// Returns when the writing thread is gone. Without it every write is answered with [`Error::Unavailable`], so a
    /// process that did not [`close`](Self::close) the database should end.
    pub async fn writer_gone(&self) {
        self.requests.closed().await;
    }

    /// Commits what is queued, writes the log back into the file and gives the folder up. Further writes are refused,
    /// through clones as well.
    pub async fn close(&self) {
        self.readers.close_idle();
        // Refused when the thread has ended or is about to, which is what is waited for.
        let _ = self.requests.send(Request::End).await;
        let mut released = self.released.clone();
        // An error says that the thread died, and with it its hold on the folder.
        let _ = released.wait_for(|released| *released).await;
    }

    pub(crate) fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    pub(crate) fn committed(&self) -> watch::Receiver<i64> {
        self.progress.committed.subscribe()
    }

    /// Asks for a write on behalf of a caller: a queue that is full is told at once.
    pub(crate) async fn write<C: Command>(&self, command: C) -> Outcome<C::Answer> {
        let (job, outcome) = Awaited::job(command);
        self.requests
            .try_send(Request::Do(job))
            .map_err(|refused| unavailable(refusal(&refused)))?;
        outcome_of(outcome).await
    }

    /// Asks for a write that nobody outside waits for, and so may wait for room in the queue.
    pub(crate) async fn write_patiently<C: Command>(&self, command: C) -> Outcome<C::Answer> {
        let (job, outcome) = Awaited::job(command);
        self.requests
            .send(Request::Do(job))
            .await
            .map_err(|_| unavailable(WRITER_GONE))?;
        outcome_of(outcome).await
    }

    /// Marks the events below this id as done with. They are deleted with the next writes, or soon if there are none.
    pub(crate) fn done_below(&self, id: i64) {
        self.progress.done_below.fetch_max(id, Ordering::Relaxed);
        // A full queue means that a batch is about to begin, which will see the mark.
        let _ = self.requests.try_send(Request::Do(Box::new(UnawaitedTrim)));
    }
}

const WRITER_GONE: &str = "the database is closed";

fn refusal<T>(refused: &TrySendError<T>) -> &'static str {
    match refused {
        TrySendError::Full(_) => "the queue of writes is full: the disk does not keep up",
        TrySendError::Closed(_) => WRITER_GONE,
    }
}

async fn outcome_of<T>(outcome: oneshot::Receiver<Outcome<T>>) -> Outcome<T> {
    // A thread that died may have committed first.
    outcome
        .await
        .unwrap_or_else(|lost| Err(Error::OutcomeUnknown { cause: lost.into() }))
}

fn read_id(connection: &Connection) -> rusqlite::Result<Uuid> {
    let select = "select value from meta where name = 'database_id'";
    let random: [u8; 16] = connection.query_row(select, [], |row| row.get(0))?;
    Ok(Builder::from_random_bytes(random).into_uuid())
}

/// SQLite remembers the greatest id it gave, though the row is deleted.
pub(crate) fn read_last_event(connection: &Connection) -> rusqlite::Result<i64> {
    let select = "select coalesce((select seq from sqlite_sequence where name = 'outbox'), 0)";
    connection.query_row(select, [], |row| row.get(0))
}
