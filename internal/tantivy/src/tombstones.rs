//! Removing tombstones for good.

use async_trait::async_trait;
use taskwire_domain::{IndexFault, Purged, Tombstone, TombstoneDocuments};

use crate::TantivyIndex;
use crate::index::blocking;

#[async_trait]
impl TombstoneDocuments for TantivyIndex {
    /// Durable when it returns. While the index is being rebuilt it is not purged: that is trouble which passes.
    async fn purge(&self, tombstones: &[Tombstone]) -> Result<Vec<Purged>, IndexFault> {
        let ready = self.ready().map_err(|cause| IndexFault::Retry {
            detail: cause.to_string(),
            cause: None,
        })?;
        let tombstones = tombstones.to_vec();
        let purged = blocking(move || ready.writer().purge(&tombstones)).await;
        purged.unwrap_or_else(|cause| {
            Err(IndexFault::Halt {
                detail: "the search index failed in a way it should not; restart, and it is looked through"
                    .to_owned(),
                cause: Some(cause),
            })
        })
    }
}
