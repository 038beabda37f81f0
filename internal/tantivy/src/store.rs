//! An index on disk: making one, and looking whether one can be used.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tantivy::directory::MmapDirectory;
use tantivy::directory::error::LockError;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, IndexReader, ReloadPolicy, TantivyError};

use crate::beginnings::Beginnings;
use crate::fault::{Damage, OpenError, Panicked, io_error, is_damage};
use crate::schema::{BEGINNINGS, Fields, SCHEMA_VERSION, WORDS, schema};
use crate::versions::Versions;
use crate::words::Words;
use crate::writer::Writer;

/// An index that is open: how to search it and how to write to it.
pub(crate) struct Store {
    pub(crate) fields: Fields,
    pub(crate) reader: IndexReader,
    pub(crate) writer: Writer,
}

/// Why there is none.
pub(crate) enum Refusal {
    /// Build it anew.
    Rebuild(Damage),
    /// Say so and stop.
    Stop(OpenError),
}

/// What every commit carries.
pub(crate) fn payload() -> String {
    format!("taskwire {SCHEMA_VERSION}")
}

/// Makes an empty index in a folder that is not there yet.
pub(crate) fn create(folder: &Path) -> tantivy::Result<Store> {
    fs::create_dir_all(folder)?;
    let index = Index::create(MmapDirectory::open(folder)?, schema().0, Default::default())?;
    let mut store = assemble(index)?;
    store.writer.seal()?;
    Ok(store)
}

/// Opens the index in a folder after reading all of it once: a checksum is the only way to find a file whose middle was
/// altered before a search stumbles over it.
pub(crate) fn open(folder: &Path) -> Result<Store, Refusal> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Refusal::Rebuild(Damage::Missing));
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(Refusal::Rebuild(Damage::Damaged(error.into())));
        }
        Err(error) => return Err(unusable(folder, error)),
        Ok(_) => {}
    }
    // A damaged file can lead the engine anywhere, also to a panic.
    match catch_unwind(AssertUnwindSafe(|| inspect(folder))) {
        Ok(result) => result,
        Err(payload) => Err(damaged(Panicked::caught(&*payload))),
    }
}

fn inspect(folder: &Path) -> Result<Store, Refusal> {
    let refuse = |error| refusal(folder, error);
    let directory = MmapDirectory::open(folder).map_err(|error| refuse(error.into()))?;
    if !Index::exists(&directory).map_err(|error| refuse(error.into()))? {
        return Err(Refusal::Rebuild(Damage::Missing));
    }
    let index = Index::open(directory).map_err(refuse)?;
    let metas = index.load_metas().map_err(refuse)?;
    let version = metas
        .payload
        .as_deref()
        .and_then(|payload| payload.strip_prefix("taskwire ")?.parse().ok());
    match version {
        Some(version) if version > SCHEMA_VERSION => {
            return Err(Refusal::Stop(OpenError::Newer(folder.to_owned())));
        }
        Some(SCHEMA_VERSION) if index.schema() == schema().0 => {}
        _ => return Err(Refusal::Rebuild(Damage::Older)),
    }
    let altered = index.validate_checksum().map_err(refuse)?;
    if let Some(file) = altered.iter().next() {
        return Err(damaged(Altered(file.display().to_string())));
    }
    assemble(index).map_err(refuse)
}

#[derive(Debug, thiserror::Error)]
#[error("the file {0} is not what was written")]
struct Altered(String);

fn assemble(mut index: Index) -> tantivy::Result<Store> {
    let fields = schema().1;
    index
        .tokenizers()
        .register(WORDS, TextAnalyzer::from(Words::default()));
    index
        .tokenizers()
        .register(BEGINNINGS, TextAnalyzer::from(Beginnings::default()));
    index.settings_mut().docstore_compress_dedicated_thread = false;
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        // Unpacked blocks of 16 KB, kept for each segment; a page of results seldom needs more.
        .doc_store_cache_num_blocks(10)
        .try_into()?;
    let versions = Versions::read(&reader.searcher())?;
    let writer = Writer::open(index, fields, reader.clone(), versions)?;
    Ok(Store {
        fields,
        reader,
        writer,
    })
}

fn refusal(folder: &Path, error: TantivyError) -> Refusal {
    match &error {
        TantivyError::LockFailure(LockError::LockBusy, _) => {
            Refusal::Stop(OpenError::InUse(folder.to_owned()))
        }
        error if is_damage(error) => damaged(error.clone()),
        _ if io_error(&error).is_some() => unusable(folder, error),
        // Whatever else the engine finds wrong, it finds wrong in the files.
        _ => damaged(error),
    }
}

fn damaged(cause: impl std::error::Error + Send + Sync + 'static) -> Refusal {
    Refusal::Rebuild(Damage::Damaged(cause.into()))
}

fn unusable(folder: &Path, cause: impl std::error::Error + Send + Sync + 'static) -> Refusal {
    Refusal::Stop(OpenError::Unusable {
        folder: folder.to_owned(),
        cause: cause.into(),
    })
}
