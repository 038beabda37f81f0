//! Reading which version of each task the index holds, tombstones included.

use async_trait::async_trait;
use bytes::Bytes;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use taskwire_domain::{IndexFault, IndexedStates, KnownDocument, KnownState, TaskId, Timestamp, Version};

use crate::ElasticsearchUpkeep;
use crate::classify::{self, Meaning};
use crate::client::{JSON, Request};
use crate::upkeep::LIMIT;
use crate::write_aliases::write_aliases;

/// Of a document's source; the version is Elasticsearch's own, which is what decides.
const FIELDS: [&str; 3] = ["deleted", "updatedAt", "deletedAt"];

#[async_trait]
impl IndexedStates for ElasticsearchUpkeep {
    /// The write alias of the latest generation and the index's own id: an index that is deleted and created anew has the
    /// name of the one before.
    async fn generation(&self) -> Result<String, IndexFault> {
        let write_alias = self.latest().await?;
        let path = format!("{write_alias}/_settings");
        let settings: Value = self
            .ask(
                Method::Get,
                &path,
                &[("filter_path", "*.settings.index.uuid")],
                None,
            )
            .await?;
        Ok(format!("{write_alias} {settings}"))
    }

    async fn newest(&self, limit: u32) -> Result<Vec<KnownDocument>, IndexFault> {
        let by = |time: &str, deleted: bool| json!({ "query": { "term": { "deleted": deleted } }, "sort": [{ time: "desc" }], "size": limit });
        let mut documents = self.search(by("updatedAt", false)).await?;
        documents.extend(self.search(by("deletedAt", true)).await?);
        Ok(documents)
    }

    async fn walk(&self, after: Option<TaskId>, limit: u32) -> Result<Vec<KnownDocument>, IndexFault> {
        let mut body = json!({ "sort": [{ "id": "asc" }], "size": limit });
        if let Some(after) = after {
            body["search_after"] = json!([after.to_string()]);
        }
        self.search(body).await
    }

    /// By id, which shows what was written a moment ago, before any refresh.
    async fn present(&self, ids: &[TaskId]) -> Result<Vec<KnownDocument>, IndexFault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let path = format!("{}/_mget", self.latest().await?);
        let fields = FIELDS.join(",");
        let parameters = [
            ("_source_includes", fields.as_str()),
            (
                "filter_path",
                "docs._id,docs._version,docs._source,docs.error,error,status",
            ),
        ];
        let ids: Vec<String> = ids.iter().map(TaskId::to_string).collect();
        let got: Documents = self
            .ask(Method::Post, &path, &parameters, Some(json!({ "ids": ids })))
            .await?;
        got.docs.into_iter().filter_map(known).collect()
    }
}

impl ElasticsearchUpkeep {
    async fn latest(&self) -> Result<String, IndexFault> {
        let aliases = write_aliases(&self.client, &self.alias).await?;
        // There is at least one, or it would have been a fault.
        Ok(aliases.into_iter().next_back().unwrap_or_default())
    }

    async fn search(&self, mut body: Value) -> Result<Vec<KnownDocument>, IndexFault> {
        let path = format!("{}/_search", self.latest().await?);
        body["version"] = json!(true);
        body["_source"] = json!(FIELDS);
        body["track_total_hits"] = json!(false);
        let parameters = [
            // Half of the shards is not an answer.
            ("allow_partial_search_results", "false"),
            (
                "filter_path",
                "hits.hits._id,hits.hits._version,hits.hits._source,error,status",
            ),
        ];
        let found: Found = self.ask(Method::Post, &path, &parameters, Some(body)).await?;
        found.hits.hits.into_iter().filter_map(known).collect()
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<T, IndexFault> {
        let request = Request {
            method,
            path,
            parameters,
            content_type: JSON,
            body: body.map(|body| Bytes::from(body.to_string())),
            limit: LIMIT,
        };
        let answer = self.client.send(request).await.map_err(classify::unanswered)?;
        let error = answer.error();
        match classify::meaning(answer.status, error.as_ref()) {
            Meaning::Done => serde_json::from_slice(&answer.body).map_err(not_ours),
            Meaning::Passing => Err(classify::passing(answer.status, error)),
            _ => Err(classify::halt(path, answer.status, error)),
        }
    }
}

#[derive(Deserialize)]
struct Documents {
    #[serde(default)]
    docs: Vec<Document>,
}

#[derive(Default, Deserialize)]
struct Found {
    #[serde(default)]
    hits: Hits,
}

#[derive(Default, Deserialize)]
struct Hits {
    #[serde(default)]
    hits: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_version")]
    version: Option<i64>,
    #[serde(rename = "_source")]
    source: Option<Source>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    deleted: bool,
    updated_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
}

/// `None` for a document that is not there. One that is not shaped like ours is not of any history: it is passed over.
fn known(document: Document) -> Option<Result<KnownDocument, IndexFault>> {
    if let Some(error) = document.error {
        return Some(Err(IndexFault::Retry {
            detail: format!("a document could not be read: {error}"),
            cause: None,
        }));
    }
    let source = document.source?;
    let time = if source.deleted {
        source.deleted_at
    } else {
        source.updated_at
    };
    Some(Ok(KnownDocument {
        id: document.id.parse().ok()?,
        state: KnownState {
            version: Version::new(document.version?)?,
            time: time?,
            deleted: source.deleted,
        },
    }))
}

fn not_ours(cause: serde_json::Error) -> IndexFault {
    IndexFault::Retry {
        detail: "a look at the documents was not answered as Elasticsearch does".to_owned(),
        cause: Some(cause.into()),
    }
}
