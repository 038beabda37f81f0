//! The index as those see it that keep it in order: the purge of tombstones and the comparison with the database.

use std::time::Duration;

use crate::client::Client;
use crate::{ElasticsearchSettings, IndexName};

/// How long one request may take. Nobody waits for it.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// [`TombstoneDocuments`](taskwire_domain::TombstoneDocuments) of every generation, and
/// [`IndexedStates`](taskwire_domain::IndexedStates) of the latest. Both go through the write aliases, which show
/// tombstones too.
#[derive(Debug, Clone)]
pub struct ElasticsearchUpkeep {
    pub(crate) client: Client,
    pub(crate) alias: IndexName,
}

impl ElasticsearchUpkeep {
    /// Connects to nothing yet, and needs no index.
    pub fn new(client: Client, settings: &ElasticsearchSettings) -> Self {
        Self {
            client,
            alias: settings.index.clone(),
        }
    }
}
