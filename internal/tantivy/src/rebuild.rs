//! Building the index anew.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use taskwire_domain::{BoxError, IndexOperation, ItemOutcome};

use crate::TantivyIndex;
use crate::index::{Phase, blocking, live};
use crate::store::{self, Refusal, Store};

/// A new index being filled. Until it is [finished](Self::finish), searches and writes are answered with "unavailable".
///
/// If it is dropped, or the process ends, the index is missing at the next start and is rebuilt again.
pub struct Rebuild {
    index: TantivyIndex,
    next: PathBuf,
    store: Arc<Mutex<Store>>,
}

/// The index could not be rebuilt; nothing but the old, useless one is lost.
#[derive(Debug, thiserror::Error)]
#[error("the search index in {} could not be rebuilt; see that the folder belongs to you and its disk has room", folder.display())]
pub struct RebuildError {
    /// Which folder.
    pub folder: PathBuf,
    /// Why.
    #[source]
    pub cause: BoxError,
}

impl TantivyIndex {
    /// Throws away what is there and begins a new index beside it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn rebuild(&self) -> Result<Rebuild, RebuildError> {
        self.enter(Phase::Rebuilding);
        // What walks go on in is of the old index, which the new one need not resemble.
        self.views().forget_all();
        let (next, old) = (self.folder().join("next"), live(self.folder()));
        let folder = next.clone();
        let created = blocking(move || {
            remove(&old)?;
            remove(&folder)?;
            store::create(&folder)
        });
        let store = created.await.and_then(|store| store.map_err(BoxError::from));
        let store = store.map_err(|cause| self.failed(cause))?;
        Ok(Rebuild {
            index: self.clone(),
            next,
            store: Arc::new(Mutex::new(store)),
        })
    }

    fn failed(&self, cause: BoxError) -> RebuildError {
        RebuildError {
            folder: self.folder().to_owned(),
            cause,
        }
    }
}

impl Rebuild {
    /// Adds a batch, in any order; of a task that comes twice the higher version stays. Not durable before the end: what
    /// does not fit into memory is written out on the way, but committed once. The answer has one outcome for each.
    ///
    /// # Errors
    /// When the batch cannot be written; begin again then.
    pub async fn add(&mut self, batch: Vec<IndexOperation>) -> Result<Vec<ItemOutcome>, RebuildError> {
        let store = self.store.clone();
        let add = move || {
            store
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .writer
                .add(&batch)
        };
        let added = blocking(add)
            .await
            .and_then(|added| added.map_err(BoxError::from));
        added.map_err(|cause| self.index.failed(cause))
    }

    /// Commits, puts the new index in place of the old one, and opens it for searches and writes.
    ///
    /// # Errors
    /// When it cannot be written or put in place; begin again then.
    pub async fn finish(self) -> Result<(), RebuildError> {
        let Self { index, next, store } = self;
        let folder = index.folder().to_owned();
        let finished = blocking(move || {
            // Nobody else holds it: a batch that is still being added belongs to a call of `add` that was dropped.
            let store = Arc::into_inner(store).ok_or(Interrupted)?;
            let store = store.into_inner().unwrap_or_else(PoisonError::into_inner);
            put_in_place(store, &next, &folder)
        });
        let store = finished
            .await
            .and_then(|store| store)
            .map_err(|cause| index.failed(cause))?;
        index.enter(Phase::ready(store));
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the rebuild was finished while a batch was still being added")]
struct Interrupted;

fn put_in_place(mut store: Store, next: &Path, folder: &Path) -> Result<Store, BoxError> {
    store.writer.commit()?;
    store.writer.finish()?;
    drop(store.reader);
    let live = live(folder);
    remove(&live)?;
    fs::rename(next, &live)?;
    File::open(folder)?.sync_all()?;
    store::open(&live).map_err(|refusal| match refusal {
        Refusal::Rebuild(damage) => damage.into(),
        Refusal::Stop(error) => error.into(),
    })
}

/// Removes whatever has this name.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
