//! The search engine: generations, external versions, and what Elasticsearch remembers of what it has deleted.

use std::collections::BTreeMap;

use taskwire_domain::{IndexOperation, ItemOutcome};

use crate::catalogue::{self, Doc, Event};
use crate::mutation::Mutation;

/// One generation of the index.
#[derive(Debug)]
pub(crate) struct Generation {
    mutation: Option<Mutation>,
    docs: BTreeMap<u64, Doc>,
    /// Versions of documents that were deleted for good: kept for a minute, and lost with a restart.
    delete_memory: BTreeMap<u64, i64>,
    /// Frozen before a change of the alias: takes nothing more.
    pub(crate) blocked: bool,
    /// The highest that each document ever was: the oracle's memory, not the engine's.
    pub(crate) seen: BTreeMap<u64, Doc>,
}

impl Generation {
    pub(crate) fn new(mutation: Option<Mutation>) -> Self {
        Self {
            mutation,
            docs: BTreeMap::new(),
            delete_memory: BTreeMap::new(),
            blocked: false,
            seen: BTreeMap::new(),
        }
    }

    /// One item of a bulk, with `version_type=external`.
    pub(crate) fn apply(&mut self, operation: &IndexOperation) -> ItemOutcome {
        let (task, doc) = catalogue::document(operation);
        let event = Event {
            task,
            version: doc.version,
            deleted: doc.deleted,
        };
        if event.is_refused() {
            return ItemOutcome::Rejected {
                detail: "strict_dynamic_mapping_exception".to_owned(),
            };
        }
        let known = self
            .docs
            .get(&task)
            .map(|doc| doc.version)
            .max(self.delete_memory.get(&task).copied());
        let newer = known.is_none_or(|known| known < doc.version);
        // 409 is success.
        if newer || self.mutation == Some(Mutation::UnversionedIndex) {
            if doc.deleted && self.mutation == Some(Mutation::ElasticsearchHardDelete) {
                self.docs.remove(&task);
                self.delete_memory.insert(task, doc.version);
            } else {
                self.docs.insert(task, doc);
            }
        }
        ItemOutcome::Done
    }

    /// A minute passes, or the engine restarts.
    pub(crate) fn forget_deletes(&mut self) {
        self.delete_memory.clear();
    }

    pub(crate) fn doc(&self, task: u64) -> Option<Doc> {
        self.docs.get(&task).copied()
    }

    pub(crate) fn docs(&self) -> impl Iterator<Item = (u64, Doc)> {
        self.docs.iter().map(|(task, doc)| (*task, *doc))
    }
}
