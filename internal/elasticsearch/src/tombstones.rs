//! Removing tombstones for good.

use async_trait::async_trait;
use bytes::Bytes;
use elasticsearch::http::Method;
use serde::Deserialize;
use taskwire_domain::{IndexFault, Purged, Tombstone, TombstoneDocuments};

use crate::ElasticsearchUpkeep;
use crate::classify::{self, Meaning};
use crate::client::{NDJSON, Request};
use crate::engine_error::EngineError;
use crate::upkeep::LIMIT;
use crate::write_aliases::write_aliases;

#[async_trait]
impl TombstoneDocuments for ElasticsearchUpkeep {
    /// Of every generation there is. A document that is newer in one of them counts as newer.
    async fn purge(&self, tombstones: &[Tombstone]) -> Result<Vec<Purged>, IndexFault> {
        let mut outcomes = vec![Purged::Gone; tombstones.len()];
        if tombstones.is_empty() {
            return Ok(outcomes);
        }
        let body = Bytes::from(encode(tombstones));
        for write_alias in write_aliases(&self.client, &self.alias).await? {
            let answered = self
                .purge_in(&write_alias, body.clone(), tombstones.len())
                .await?;
            for (outcome, answered) in outcomes.iter_mut().zip(answered) {
                if answered == Purged::Newer {
                    *outcome = Purged::Newer;
                }
            }
        }
        Ok(outcomes)
    }
}

/// `external_gte`: with `external` a deletion under the tombstone's own version would be refused as nothing new, and
/// with none it would take whatever is there.
fn encode(tombstones: &[Tombstone]) -> String {
    let line = |Tombstone { id, version }: &Tombstone| {
        format!(
            "{{\"delete\":{{\"_id\":\"{id}\",\"version\":{version},\"version_type\":\"external_gte\"}}}}\n"
        )
    };
    tombstones.iter().map(line).collect()
}

#[derive(Deserialize)]
struct BulkAnswer {
    items: Vec<BulkItem>,
}

#[derive(Deserialize)]
struct BulkItem {
    delete: ItemAnswer,
}

#[derive(Deserialize)]
struct ItemAnswer {
    status: u16,
    error: Option<EngineError>,
}

impl ElasticsearchUpkeep {
    async fn purge_in(
        &self,
        write_alias: &str,
        body: Bytes,
        count: usize,
    ) -> Result<Vec<Purged>, IndexFault> {
        let request = Request {
            method: Method::Post,
            path: &format!("{write_alias}/_bulk"),
            parameters: &[
                ("require_alias", "true"),
                ("filter_path", "items.*.status,items.*.error,error,status"),
            ],
            content_type: NDJSON,
            body: Some(body),
            limit: LIMIT,
        };
        let answer = self.client.send(request).await.map_err(classify::unanswered)?;
        let error = answer.error();
        match classify::meaning(answer.status, error.as_ref()) {
            Meaning::Done => {}
            Meaning::Passing => return Err(classify::passing(answer.status, error)),
            _ => return Err(classify::halt(write_alias, answer.status, error)),
        }
        let items = serde_json::from_slice::<BulkAnswer>(&answer.body).map(|answer| answer.items);
        match items {
            Ok(items) if items.len() == count => items
                .into_iter()
                .map(|item| outcome(write_alias, item.delete))
                .collect(),
            Ok(_) => Err(not_ours(None)),
            Err(cause) => Err(not_ours(Some(cause.into()))),
        }
    }
}

fn outcome(write_alias: &str, ItemAnswer { status, error }: ItemAnswer) -> Result<Purged, IndexFault> {
    match classify::meaning(status, error.as_ref()) {
        Meaning::Done => Ok(Purged::Gone),
        // A document that is not there is deleted with 404 and without an error.
        _ if status == 404 && error.is_none() => Ok(Purged::Gone),
        Meaning::Superseded => Ok(Purged::Newer),
        Meaning::Passing => Err(classify::passing(status, error)),
        Meaning::Refused | Meaning::TooLarge | Meaning::NotUnderstood => {
            Err(classify::halt(write_alias, status, error))
        }
    }
}

fn not_ours(cause: Option<taskwire_domain::BoxError>) -> IndexFault {
    IndexFault::Halt {
        detail: "the answer to a bulk request is not Elasticsearch's; correct ELASTICSEARCH_URL".to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(status: u16, error: Option<&str>) -> ItemAnswer {
        let error = error.map(|kind| EngineError {
            kind: kind.to_owned(),
            reason: String::new(),
        });
        ItemAnswer { status, error }
    }

    #[test]
    fn only_what_is_certainly_gone_counts_as_gone() {
        let of = |item| outcome("w", item);
        assert_eq!(of(item(200, None)).unwrap(), Purged::Gone);
        assert_eq!(of(item(404, None)).unwrap(), Purged::Gone);
        assert_eq!(
            of(item(409, Some("version_conflict_engine_exception"))).unwrap(),
            Purged::Newer
        );
        assert!(matches!(
            of(item(429, Some("es_rejected_execution_exception"))),
            Err(IndexFault::Retry { .. })
        ));
        assert!(matches!(
            of(item(404, Some("index_not_found_exception"))),
            Err(IndexFault::Halt { .. })
        ));
        assert!(matches!(
            of(item(403, Some("security_exception"))),
            Err(IndexFault::Halt { .. })
        ));
    }
}
