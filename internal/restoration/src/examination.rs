//! One look after the other, and what is known after each.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use taskwire_domain::{BoxError, IndexedStates, KnownDocument, KnownState, StoredStates, TaskId};

/// How many documents are read at once.
const PAGE: u32 = 1_000;

/// How many tasks are remembered of those whose documents are of another history. They are looked at every time, so
/// that newer documents do not push them out of sight.
const REMEMBERED: usize = 1_000;

/// What is known after a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The server that was asked may lag behind: nothing can be said.
    NotKnown,
    /// No document of another history is known of.
    Sound,
    /// There were some, and the walk through the whole index that would show that there are none left is not done.
    Unproven,
    /// These tasks' documents are of another history, or some of them: at most a thousand are remembered.
    Restored(Vec<TaskId>),
}

/// Compares, a little at a time: with each look the documents that changed last, those that were of another history, and
/// one more page of the walk through all documents.
pub struct Examination {
    index: Arc<dyn IndexedStates>,
    database: Arc<dyn StoredStates>,
    generation: Option<String>,
    /// How far the walk has come.
    walked: Option<TaskId>,
    suspects: BTreeSet<TaskId>,
    was_restored: bool,
}

impl Examination {
    /// Has seen nothing yet.
    pub fn new(index: Arc<dyn IndexedStates>, database: Arc<dyn StoredStates>) -> Self {
        Self {
            index,
            database,
            generation: None,
            walked: None,
            suspects: BTreeSet::new(),
            was_restored: false,
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// When one side did not answer. What was known stays known.
    pub async fn look(&mut self) -> Result<Finding, BoxError> {
        let generation = self.index.generation().await?;
        if self.generation.as_ref() != Some(&generation) {
            // Built anew: what was seen in the old one is of no meaning.
            self.generation = Some(generation);
            self.walked = None;
            self.suspects.clear();
        }
        let newest = self.index.newest(PAGE).await?;
        let page = self.index.walk(self.walked, PAGE).await?;
        let remembered: Vec<TaskId> = self.suspects.iter().copied().collect();
        let remembered = self.index.present(&remembered).await?;
        let documents = newest.iter().chain(&page).chain(&remembered);
        let Some(suspects) = self.suspects_among(documents.copied()).await? else {
            return Ok(Finding::NotKnown);
        };
        let Some(confirmed) = self.confirmed(suspects).await? else {
            return Ok(Finding::NotKnown);
        };
        self.conclude(confirmed, &page);
        Ok(self.finding())
    }

    /// Those whose document contradicts its row, read after it.
    async fn suspects_among(
        &self,
        documents: impl Iterator<Item = KnownDocument>,
    ) -> Result<Option<Vec<TaskId>>, BoxError> {
        let documents: HashMap<TaskId, KnownState> =
            documents.map(|document| (document.id, document.state)).collect();
        let ids: Vec<TaskId> = documents.keys().copied().collect();
        let Some(rows) = self.database.stored(&ids).await? else {
            return Ok(None);
        };
        let contradicts = |id: &TaskId| documents[id].contradicts(rows.get(id));
        Ok(Some(ids.into_iter().filter(contradicts).collect()))
    }

    /// A search shows documents as of the last refresh, and a tombstone may have been purged with its row since. So those
    /// under suspicion are looked at as they are now.
    async fn confirmed(&self, suspects: Vec<TaskId>) -> Result<Option<Vec<TaskId>>, BoxError> {
        if suspects.is_empty() {
            return Ok(Some(suspects));
        }
        let documents = self.index.present(&suspects).await?;
        self.suspects_among(documents.into_iter()).await
    }

    fn conclude(&mut self, confirmed: Vec<TaskId>, page: &[KnownDocument]) {
        if !confirmed.is_empty() {
            self.was_restored = true;
            self.suspects = confirmed.into_iter().take(REMEMBERED).collect();
            // Only a walk that begins from here on can show that none is left.
            self.walked = None;
            return;
        }
        self.suspects.clear();
        self.walked = page.last().map(|document| document.id);
        if page.is_empty() {
            self.was_restored = false;
        }
    }

    fn finding(&self) -> Finding {
        if !self.suspects.is_empty() {
            return Finding::Restored(self.suspects.iter().copied().collect());
        }
        if self.was_restored {
            Finding::Unproven
        } else {
            Finding::Sound
        }
    }
}

#[cfg(test)]
mod tests;
