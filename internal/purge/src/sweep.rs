//! Taking tombstones away: the document first, its row afterwards.
//!
//! In that order a crash leaves a row without a document, which the next sweep takes; in the other, a document that
//! nobody would ever find again.

use taskwire_domain::{Error, IndexFault, Purged, Timestamp, Tombstone, TombstoneDocuments, TombstoneRows};

/// How many are taken at once.
const CHUNK: u32 = 1_000;

/// What a sweep came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Tombstones that are gone.
    pub purged: u64,
    /// Rows that were kept because the index has a newer document of their task. There is no such thing unless the
    /// database was put back to an older state.
    pub kept: u64,
}

/// A sweep was not finished. What it took is gone, the rest is for the next one.
#[derive(Debug, thiserror::Error)]
pub enum SweepFault {
    /// The database did not do its part.
    #[error("the database did not let tombstones go")]
    Database(#[source] Error),
    /// The index did not do its part.
    #[error("the index did not let tombstones go")]
    Index(#[source] IndexFault),
}

impl From<Error> for SweepFault {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<IndexFault> for SweepFault {
    fn from(fault: IndexFault) -> Self {
        Self::Index(fault)
    }
}

/// Takes away the tombstones that were recorded by then. Several at once do no harm.
///
/// # Errors
/// See [`SweepFault`].
pub async fn sweep(
    rows: &dyn TombstoneRows,
    documents: &dyn TombstoneDocuments,
    recorded_before: Timestamp,
) -> Result<Swept, SweepFault> {
    let mut swept = Swept::default();
    let mut after = None;
    loop {
        let tombstones = rows.read(recorded_before, after, CHUNK).await?;
        let Some(last) = tombstones.last() else {
            return Ok(swept);
        };
        after = Some(last.id);
        let outcomes = documents.purge(&tombstones).await?;
        let pairs = tombstones.iter().zip(outcomes);
        let gone: Vec<Tombstone> = pairs
            .filter(|(_, outcome)| *outcome == Purged::Gone)
            .map(|(tombstone, _)| *tombstone)
            .collect();
        swept.kept += (tombstones.len() - gone.len()) as u64;
        swept.purged += rows.delete(&gone).await?;
    }
}
