//! Writing documents.

use std::collections::HashMap;

use tantivy::indexer::LogMergePolicy;
use tantivy::{Index, IndexReader, IndexWriter};
use taskwire_domain::{
    Document, IndexFault, IndexOperation, ItemOutcome, Purged, TaskId, Tombstone, Version,
};

use crate::document::{document, id_term};
use crate::fault::is_damage;
use crate::schema::Fields;
use crate::store::payload;
use crate::versions::Versions;

/// How much a batch may take in memory before a part of it is written out.
const MEMORY_BYTES: usize = 50_000_000;

/// The one writer of an index.
pub(crate) struct Writer {
    index: Index,
    fields: Fields,
    reader: IndexReader,
    /// As of the last commit.
    versions: Versions,
    /// `None` after a failure, with which all that was not committed is forgotten.
    engine: Option<IndexWriter>,
    /// Since the last commit.
    pending: HashMap<TaskId, (Version, bool)>,
    /// Whether something was committed that searches do not see yet.
    unseen: bool,
}

impl Writer {
    /// Takes the lock of the folder.
    pub(crate) fn open(
        index: Index,
        fields: Fields,
        reader: IndexReader,
        versions: Versions,
    ) -> tantivy::Result<Self> {
        let mut writer = Self {
            index,
            fields,
            reader,
            versions,
            engine: None,
            pending: HashMap::new(),
            unseen: false,
        };
        writer.engine()?;
        Ok(writer)
    }

    pub(crate) fn versions(&self) -> &Versions {
        &self.versions
    }

    /// Forgets what was not committed; to be called after a panic, too.
    pub(crate) fn reset(&mut self) {
        self.pending.clear();
        self.engine = None;
    }

    /// Applies a batch, commits it and makes it searchable.
    pub(crate) fn apply(&mut self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        let applied = self.add(operations).and_then(|outcomes| {
            self.commit()?;
            Ok(outcomes)
        });
        applied.map_err(|error| {
            self.reset();
            fault(error)
        })
    }

    /// Removes the documents of these tasks, unless newer, commits, and makes it seen.
    pub(crate) fn purge(&mut self, tombstones: &[Tombstone]) -> Result<Vec<Purged>, IndexFault> {
        let purged = self.remove(tombstones);
        purged.map_err(|error| {
            self.reset();
            fault(error)
        })
    }

    fn remove(&mut self, tombstones: &[Tombstone]) -> tantivy::Result<Vec<Purged>> {
        let mut gone = Vec::new();
        let mut outcomes = Vec::with_capacity(tombstones.len());
        for Tombstone { id, version } in tombstones {
            let current = self.versions.get(*id);
            if current.is_some_and(|current| current > version.get()) {
                outcomes.push(Purged::Newer);
                continue;
            }
            outcomes.push(Purged::Gone);
            if current.is_some() {
                let term = id_term(&self.fields, *id);
                self.engine()?.delete_term(term);
                gone.push(*id);
            }
        }
        if !gone.is_empty() {
            self.seal()?;
            for id in gone {
                self.versions.remove(id);
            }
            self.unseen = true;
        }
        // Nothing is pending between two calls, so this only makes it seen.
        self.commit()?;
        Ok(outcomes)
    }

    /// Adds what is newer than what is there, without a commit.
    pub(crate) fn add(&mut self, operations: &[IndexOperation]) -> tantivy::Result<Vec<ItemOutcome>> {
        operations
            .iter()
            .map(|operation| self.add_one(operation))
            .collect()
    }

    fn add_one(&mut self, operation: &IndexOperation) -> tantivy::Result<ItemOutcome> {
        let (id, version) = (operation.id, operation.version);
        let pending = self.pending.get(&id).map(|(version, _)| version.get());
        let current = pending.or_else(|| self.versions.get(id));
        if current.is_some_and(|current| current >= version.get()) {
            return Ok(ItemOutcome::Done);
        }
        let document = match document(&self.fields, operation) {
            Ok(document) => document,
            Err(detail) => return Ok(ItemOutcome::Rejected { detail }),
        };
        let term = current.map(|_| id_term(&self.fields, id));
        let engine = self.engine()?;
        if let Some(term) = term {
            engine.delete_term(term);
        }
        engine.add_document(document)?;
        let is_tombstone = matches!(operation.document, Document::Tombstone { .. });
        self.pending.insert(id, (version, is_tombstone));
        Ok(ItemOutcome::Done)
    }

    /// Makes what was added durable, then searchable.
    pub(crate) fn commit(&mut self) -> tantivy::Result<()> {
        if !self.pending.is_empty() {
            self.seal()?;
            for (id, (version, deleted)) in self.pending.drain() {
                self.versions.set(id, version, deleted);
            }
            self.unseen = true;
        }
        if self.unseen {
            self.reader.reload()?;
            self.unseen = false;
        }
        Ok(())
    }

    /// A commit, also of nothing, that says by which schema it was written.
    pub(crate) fn seal(&mut self) -> tantivy::Result<()> {
        let mut prepared = self.engine()?.prepare_commit()?;
        prepared.set_payload(&payload());
        prepared.commit().map(drop)
    }

    /// Ends the writer after its last commit, waiting for what is still being merged.
    pub(crate) fn finish(mut self) -> tantivy::Result<()> {
        match self.engine.take() {
            Some(engine) => engine.wait_merging_threads(),
            None => Ok(()),
        }
    }

    fn engine(&mut self) -> tantivy::Result<&mut IndexWriter> {
        let engine = match self.engine.take() {
            Some(engine) => engine,
            None => {
                let engine = self.index.writer_with_num_threads(1, MEMORY_BYTES)?;
                let mut merging = LogMergePolicy::default();
                // Updates leave a deleted document behind each; a segment that is a third of those is written anew.
                merging.set_del_docs_ratio_before_merge(0.34);
                engine.set_merge_policy(Box::new(merging));
                engine
            }
        };
        Ok(self.engine.insert(engine))
    }
}

/// What a failed batch means. Nothing of it is acknowledged.
fn fault(error: tantivy::TantivyError) -> IndexFault {
    if is_damage(&error) {
        return IndexFault::Halt {
            detail: "the search index is damaged; restart, and it is built anew".to_owned(),
            cause: Some(error.into()),
        };
    }
    IndexFault::Retry {
        detail: "the batch could not be written to the search index; see that its disk has room".to_owned(),
        cause: Some(error.into()),
    }
}
