//! Opening and closing points in time: views of the index that the server keeps for us. Elasticsearch and OpenSearch have
//! them under different paths.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use taskwire_domain::Chain;
use tokio::sync::oneshot;

use crate::ElasticsearchSearch;
use crate::client::{Answer, JSON, Request};
use crate::engine_error::EngineError;
use crate::search::SearchFault;

/// Whose paths the server understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Elasticsearch,
    OpenSearch,
}

/// The dialect that was understood last.
#[derive(Debug, Default)]
pub(crate) struct KnownDialect {
    is_opensearch: AtomicBool,
}

impl KnownDialect {
    fn get(&self) -> Dialect {
        match self.is_opensearch.load(Ordering::Relaxed) {
            true => Dialect::OpenSearch,
            false => Dialect::Elasticsearch,
        }
    }

    fn set(&self, dialect: Dialect) {
        self.is_opensearch
            .store(dialect == Dialect::OpenSearch, Ordering::Relaxed);
    }
}

impl Dialect {
    fn other(self) -> Self {
        match self {
            Self::Elasticsearch => Self::OpenSearch,
            Self::OpenSearch => Self::Elasticsearch,
        }
    }

    /// What opens one, behind the index.
    fn opening(self) -> &'static str {
        match self {
            Self::Elasticsearch => "_pit",
            Self::OpenSearch => "_search/point_in_time",
        }
    }

    /// The path and the body that close one.
    fn closing(self, id: &str) -> (&'static str, Value) {
        match self {
            Self::Elasticsearch => ("_pit", json!({ "id": id })),
            Self::OpenSearch => ("_search/point_in_time", json!({ "pit_id": [id] })),
        }
    }
}

/// Of a path that the server does not have, it says so without a type.
fn is_unknown_path(answer: &Answer) -> bool {
    let error = answer.error();
    matches!(answer.status, 400 | 401 | 403 | 404 | 405) && EngineError::kind(error.as_ref()).is_empty()
}

#[derive(Deserialize)]
struct Opened {
    #[serde(alias = "pit_id")]
    id: String,
}

/// A point in time that is open. Dropped, it is closed in the background.
pub(crate) struct OpenView {
    search: ElasticsearchSearch,
    id: Option<String>,
}

impl OpenView {
    /// The id that the server gave it.
    pub(crate) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// It stays open from now on.
    pub(crate) fn keep(mut self) {
        self.id = None;
    }
}

impl Drop for OpenView {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.search.close_later(id);
        }
    }
}

impl ElasticsearchSearch {
    /// Opens a view of what stands behind the alias. Should the caller go away meanwhile, it is closed as soon as it is
    /// known.
    pub(crate) async fn open_view(&self) -> Result<OpenView, SearchFault> {
        let (tell, told) = oneshot::channel();
        let search = self.clone();
        self.walks.in_background(async move {
            // Nobody is there to be told when the caller went away; the view is dropped, and so closed.
            let _ = tell.send(search.open().await);
        });
        let stopping = |_| SearchFault::Away("the program is stopping".into());
        told.await.map_err(stopping)?
    }

    async fn open(&self) -> Result<OpenView, SearchFault> {
        let known = self.walks.dialect.get();
        let mut answer = self.ask_to_open(known).await?;
        if is_unknown_path(&answer) {
            let other = known.other();
            answer = self.ask_to_open(other).await?;
            if answer.is_success() {
                self.walks.dialect.set(other);
            }
        }
        if !answer.is_success() {
            return Err(self.fault(&answer));
        }
        let opened: Opened =
            serde_json::from_slice(&answer.body).map_err(|cause| SearchFault::NotUnderstood(cause.into()))?;
        Ok(OpenView {
            search: self.clone(),
            id: Some(opened.id),
        })
    }

    async fn ask_to_open(&self, dialect: Dialect) -> Result<Answer, SearchFault> {
        let keep_alive = self.walks.keep_alive();
        let parameters = [
            ("keep_alive", keep_alive.as_str()),
            // The copies of the shards in which awaited writes were looked for.
            ("preference", self.awaited.copy()),
            // Half of the shards is not a view.
            ("allow_partial_pit_creation", "false"),
        ];
        let parameters = match dialect {
            Dialect::Elasticsearch => &parameters[..2],
            Dialect::OpenSearch => &parameters[..],
        };
        let request = Request {
            method: Method::Post,
            path: &format!("{}/{}", self.alias, dialect.opening()),
            parameters,
            content_type: JSON,
            body: None,
            limit: self.limit,
        };
        self.attended(request).await
    }

    /// Closes a view, with nobody waiting for it. What cannot be closed ends when nobody uses it for a while.
    pub(crate) fn close_later(&self, id: String) {
        let search = self.clone();
        self.walks.in_background(async move {
            let Err(fault) = search.close(&id).await else {
                return;
            };
            let error = Chain(&*fault.into_cause()).to_string();
            tracing::warn!(index.name = %search.alias, error, "a point in time could not be closed");
        });
    }

    async fn close(&self, id: &str) -> Result<(), SearchFault> {
        let (path, body) = self.walks.dialect.get().closing(id);
        let request = Request {
            method: Method::Delete,
            path,
            parameters: &[("filter_path", "error,status")],
            content_type: JSON,
            body: Some(Bytes::from(body.to_string())),
            limit: self.limit,
        };
        let answer = self.attended(request).await?;
        // One that is not there any more is closed.
        match answer.is_success() || answer.status == 404 {
            true => Ok(()),
            false => Err(self.fault(&answer)),
        }
    }
}
