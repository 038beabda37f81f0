//! The index as the rest of the program holds it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tantivy::IndexReader;
use taskwire_domain::{BoxError, Error, IndexFault, IndexOperation, ItemOutcome, TaskIndex};

use crate::admission::Admission;
use crate::awaited_writes::AwaitedWrites;
use crate::fault::{Damage, OpenError};
use crate::schema::Fields;
use crate::store::{self, Refusal, Store};
use crate::versions::IndexedVersion;
use crate::views::Views;
use crate::walk::View;
use crate::writer::Writer;

/// The name in errors and in the health report.
pub(crate) const DEPENDENCY: &str = "search index";

/// How long a caller should wait after a search that could not be made: a rebuild of some thousand tasks takes no longer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The index in a folder: [`TaskIndex`] and [`TaskSearch`](taskwire_domain::TaskSearch). Cheap to clone; all clones are
/// one index.
#[derive(Clone)]
pub struct TantivyIndex {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    phase: RwLock<Phase>,
    admission: Admission,
    awaited: AwaitedWrites,
    views: Views<View>,
}

/// Whether the index can be used.
#[derive(Clone)]
pub(crate) enum Phase {
    Ready(Arc<Ready>),
    /// It has to be, or is being, rebuilt.
    Rebuilding,
}

/// An index in use.
pub(crate) struct Ready {
    pub(crate) fields: Fields,
    pub(crate) reader: IndexReader,
    writer: Mutex<Writer>,
}

impl Ready {
    /// The writer, alone. A panic under way may have left anything uncommitted, which is forgotten.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(|poisoned| {
            self.writer.clear_poison();
            let mut writer = poisoned.into_inner();
            writer.reset();
            writer
        })
    }
}

/// What opening found.
pub struct Opened {
    /// The index; while there is a damage, it answers that it is unavailable.
    pub index: TantivyIndex,
    /// Why it has to be [rebuilt](TantivyIndex::rebuild) before it can be used; `None` when it is sound.
    pub damage: Option<Damage>,
}

impl TantivyIndex {
    /// Opens the index in this folder, which is created if it is not there. All of the index is read once, to know that it
    /// is what was written; what it says about tasks is to be compared by [`versions`](Self::versions).
    ///
    /// # Errors
    /// When the folder cannot be used or is not ours to use; nothing was changed then.
    pub async fn open(folder: &Path) -> Result<Opened, OpenError> {
        let root = folder.to_owned();
        let refuse = |cause: BoxError| OpenError::Unusable {
            folder: folder.to_owned(),
            cause,
        };
        let opened = blocking(move || {
            std::fs::create_dir_all(&root)?;
            Ok::<_, std::io::Error>(store::open(&live(&root)))
        })
        .await
        .map_err(&refuse)?
        .map_err(|error| refuse(error.into()))?;
        let (phase, damage) = match opened {
            Ok(store) => (Phase::ready(store), None),
            Err(Refusal::Rebuild(damage)) => (Phase::Rebuilding, Some(damage)),
            Err(Refusal::Stop(error)) => return Err(error),
        };
        let shared = Shared {
            folder: folder.to_owned(),
            phase: RwLock::new(phase),
            admission: Admission::default(),
            awaited: AwaitedWrites::default(),
            views: Views::default(),
        };
        let index = Self {
            shared: Arc::new(shared),
        };
        Ok(Opened { index, damage })
    }

    /// Which version of each task the index holds, by id, tombstones included; empty while it is being rebuilt. For a
    /// comparison with the database at start: about 32 bytes a task, while the list is held.
    pub async fn versions(&self) -> Vec<IndexedVersion> {
        let Ok(ready) = self.ready() else {
            return Vec::new();
        };
        // It fails only when the runtime is shutting down.
        blocking(move || ready.writer().versions().sorted())
            .await
            .unwrap_or_default()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.shared.folder
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.shared.admission
    }

    pub(crate) fn awaited(&self) -> &AwaitedWrites {
        &self.shared.awaited
    }

    pub(crate) fn views(&self) -> &Views<View> {
        &self.shared.views
    }

    pub(crate) fn enter(&self, phase: Phase) {
        *self.shared.phase.write().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    pub(crate) fn ready(&self) -> Result<Arc<Ready>, BeingRebuilt> {
        match &*self.shared.phase.read().unwrap_or_else(PoisonError::into_inner) {
            Phase::Ready(ready) => Ok(ready.clone()),
            Phase::Rebuilding => Err(BeingRebuilt),
        }
    }
}

impl Phase {
    pub(crate) fn ready(store: Store) -> Self {
        Self::Ready(Arc::new(Ready {
            fields: store.fields,
            reader: store.reader,
            writer: Mutex::new(store.writer),
        }))
    }
}

/// Where the index in use is, below the folder.
pub(crate) fn live(folder: &Path) -> PathBuf {
    folder.join("live")
}

/// The index cannot be used yet.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the search index is being rebuilt")]
pub(crate) struct BeingRebuilt;

/// The answer to a search that cannot be made.
pub(crate) fn unavailable(cause: BoxError) -> Error {
    Error::Unavailable {
        dependency: DEPENDENCY,
        retry_after: RETRY_AFTER,
        cause,
    }
}

/// Runs work that blocks where it may. It runs to its end even when nobody waits for it any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BoxError> {
    tokio::task::spawn_blocking(work).await.map_err(BoxError::from)
}

#[async_trait]
impl TaskIndex for TantivyIndex {
    /// Durable and searchable when it returns.
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        let ready = self.ready().map_err(|cause| IndexFault::Retry {
            detail: cause.to_string(),
            cause: None,
        })?;
        let operations = operations.to_vec();
        let index = self.clone();
        let apply = move || {
            let outcomes = ready.writer().apply(&operations)?;
            let done = operations
                .iter()
                .zip(&outcomes)
                .filter(|(_, outcome)| **outcome == ItemOutcome::Done);
            let done: Vec<_> = done
                .map(|(operation, _)| (operation.id, operation.version))
                .collect();
            index.awaited().note(&done);
            Ok(outcomes)
        };
        let applied = blocking(apply).await;
        applied.unwrap_or_else(|cause| {
            Err(IndexFault::Halt {
                detail: "the search index failed in a way it should not; restart, and it is looked through"
                    .to_owned(),
                cause: Some(cause),
            })
        })
    }
}
