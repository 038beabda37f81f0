//! Documents written past the adapter: deleted for real, or without their version.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Client;
use serde_json::{Value, json};
use taskwire_domain::{Document, IndexFault, IndexOperation, ItemOutcome, TaskIndex};
use taskwire_elasticsearch::Generation;

use crate::choice::setting;

/// Deletes in Elasticsearch what is deleted, at its version, and leaves the rest to the adapter.
pub(crate) struct HardDelete {
    index: Arc<dyn TaskIndex>,
    bulk: Bulk,
}

impl HardDelete {
    pub(crate) fn over(index: Arc<dyn TaskIndex>, generation: &Generation) -> Self {
        Self {
            index,
            bulk: Bulk::to(generation),
        }
    }
}

#[async_trait]
impl TaskIndex for HardDelete {
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        let is_deletion =
            |operation: &&IndexOperation| matches!(operation.document, Document::Tombstone { .. });
        let (deletions, live): (Vec<_>, Vec<_>) = operations.iter().partition(is_deletion);
        let live: Vec<_> = live.into_iter().cloned().collect();
        let lines = deletions.iter().map(|IndexOperation { id, version, .. }| {
            json!({"delete": {"_id": id.to_string(), "version": version.get(), "version_type": "external"}})
        });
        let mut deleted = self.bulk.send(lines.collect()).await?.into_iter();
        let mut written = self.index.apply(&live).await?.into_iter();
        let outcomes = operations
            .iter()
            .filter_map(|operation| match is_deletion(&operation) {
                true => deleted.next(),
                false => written.next(),
            });
        Ok(outcomes.collect())
    }
}

/// Writes every document as it comes, whatever stands there.
pub(crate) struct Unversioned(Bulk);

impl Unversioned {
    pub(crate) fn of(generation: &Generation) -> Self {
        Self(Bulk::to(generation))
    }
}

#[async_trait]
impl TaskIndex for Unversioned {
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        let lines = operations.iter().flat_map(|operation| {
            [
                json!({"index": {"_id": operation.id.to_string()}}),
                document(operation),
            ]
        });
        self.0.send(lines.collect()).await
    }
}

/// The document as the adapter writes it.
fn document(operation: &IndexOperation) -> Value {
    match &operation.document {
        Document::Live {
            source,
            priority_rank,
        } => {
            let mut document: Value = serde_json::from_slice(source).unwrap_or_default();
            document["deleted"] = false.into();
            document["priorityRank"] = (*priority_rank).into();
            document
        }
        Document::Tombstone { deleted_at } => json!({
            "id": operation.id.to_string(),
            "version": operation.version.get(),
            "deleted": true,
            "deletedAt": deleted_at.to_string(),
        }),
    }
}

/// Bulk requests to one index.
struct Bulk {
    client: Client,
    url: String,
}

impl Bulk {
    fn to(generation: &Generation) -> Self {
        let server = setting("ELASTICSEARCH_URL");
        Self {
            client: Client::new(),
            url: format!(
                "{}/{}/_bulk",
                server.trim_end_matches('/'),
                generation.write_alias
            ),
        }
    }

    /// Sends these lines, if any; one outcome for each operation in them.
    async fn send(&self, lines: Vec<Value>) -> Result<Vec<ItemOutcome>, IndexFault> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let request = self.client.post(&self.url).body(body);
        let sent = request.header("content-type", "application/x-ndjson").send();
        let answer: Value = async { sent.await?.error_for_status()?.json().await }
            .await
            .map_err(|cause: reqwest::Error| IndexFault::Retry {
                detail: "the mutation's own bulk was not answered".to_owned(),
                cause: Some(cause.into()),
            })?;
        let items = answer["items"].as_array().into_iter().flatten();
        // Each item is an object with one field, named for what was asked.
        let items = items.filter_map(|item| item.as_object()?.values().next());
        Ok(items.map(outcome).collect())
    }
}

fn outcome(item: &Value) -> ItemOutcome {
    match item["status"].as_u64() {
        // What is not there need not be deleted, and a newer version may stay.
        Some(200..300 | 404 | 409) => ItemOutcome::Done,
        _ => ItemOutcome::Retry {
            detail: item["error"].to_string(),
        },
    }
}
