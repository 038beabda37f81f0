//! Connections that read. In the write-ahead log a reader sees one moment and neither waits for the writer nor holds it
//! up.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use taskwire_domain::Error;
use tokio::sync::Semaphore;

use crate::error::{internal, not_applied};
use crate::open::open_reader;

/// A few connections, opened when they are first needed.
#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(file: PathBuf, most: usize) -> Self {
        Self {
            file,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(most)),
        }
    }

    /// Runs a query on a thread where it may block. It runs to its end even if the future is dropped.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        context: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|closed| internal(context, closed))?;
        let readers = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = readers.take()?;
            let outcome = query(&connection);
            readers.idle().push(connection);
            outcome
        });
        reading
            .await
            .map_err(|panicked| internal(context, panicked))?
            .map_err(|error| not_applied(context, error))
    }

    /// A connection for somebody who needs it for long.
    pub(crate) fn open(&self) -> rusqlite::Result<Connection> {
        open_reader(&self.file)
    }

    /// Closes the connections that are not in use.
    pub(crate) fn close_idle(&self) {
        self.idle().clear();
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle().pop();
        idle.map_or_else(|| self.open(), Ok)
    }

    /// A list is whole even if somebody panicked while it was locked.
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
