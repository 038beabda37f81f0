//! Whether searches would work.

use async_trait::async_trait;
use serde_json::json;
use taskwire_domain::{Dependency, Unreachable};

use crate::ElasticsearchSearch;
use crate::search::{DEPENDENCY, ShardCopy};

/// Asks what searches ask, in the smallest form: the alias exists, its shards answer, and we may read them. A server that
/// is up without our index is therefore reported as away, because a search would fail; and no call is needed that some
/// version or some user's rights lack.
#[async_trait]
impl Dependency for ElasticsearchSearch {
    fn name(&self) -> &'static str {
        DEPENDENCY
    }

    async fn check(&self) -> Result<(), Unreachable> {
        let smallest = json!({ "size": 0, "terminate_after": 1, "track_total_hits": false });
        let answered = self.ask(&smallest, ShardCopy::Any).await;
        answered.map(drop).map_err(|fault| Unreachable {
            dependency: DEPENDENCY,
            cause: fault.into_cause(),
        })
    }
}
