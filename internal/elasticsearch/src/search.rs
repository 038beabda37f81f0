//! Searching.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use taskwire_domain::{
    BoxError, ConsistencyToken, Error, MistypedText, SearchFilter, SearchPage, SearchQuery, Task, TaskSearch,
    WalkPage, WalkStep,
};

use crate::absence::Absence;
use crate::awaited_writes::AwaitedWrites;
use crate::client::{Answer, Client, JSON, Request};
use crate::engine_error::EngineError;
use crate::kept_views::Walks;
use crate::likest_body::likest_body;
use crate::search_body::search_body;
use crate::search_facets::Counted;
use crate::{IndexName, SearchSettings, WalkSettings};

/// The name in errors and in the health report.
pub(crate) const DEPENDENCY: &str = "elasticsearch";

/// How long a caller should wait after a search that could not be made: about what a restart of a connection takes.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Searches through the search alias, whose filter leaves tombstones out.
#[derive(Debug, Clone)]
pub struct ElasticsearchSearch {
    client: Client,
    pub(crate) alias: IndexName,
    path: String,
    pub(crate) limit: Duration,
    /// Shared by all clones, as the next two are.
    pub(crate) awaited: Arc<AwaitedWrites>,
    absence: Arc<Absence>,
    pub(crate) walks: Arc<Walks>,
}

impl ElasticsearchSearch {
    /// Searches what stands behind the alias. Connects to nothing yet.
    pub fn new(client: Client, alias: IndexName, settings: &SearchSettings) -> Self {
        let path = format!("{alias}/_search");
        Self {
            client,
            alias,
            path,
            limit: settings.search_limit(),
            awaited: Arc::default(),
            absence: Arc::new(Absence::new(settings.search_limit())),
            walks: Arc::new(Walks::new(&WalkSettings::default())),
        }
    }

    /// Keeps views for walks in this way.
    #[must_use]
    pub fn walking_by(self, settings: &WalkSettings) -> Self {
        Self {
            walks: Arc::new(Walks::new(settings)),
            ..self
        }
    }

    /// After how long the server is to give up: before we do, so that its own word arrives.
    pub(crate) fn server_limit(&self) -> Duration {
        self.limit * 3 / 4
    }

    /// Sends a search body; a complete answer or the reason why there is none.
    pub(crate) async fn ask(&self, body: &Value, copy: ShardCopy) -> Result<Answer, SearchFault> {
        let parameters = [
            // Half of the shards is not an answer.
            ("allow_partial_search_results", "false"),
            (
                "filter_path",
                "timed_out,_shards.failed,hits.total.value,hits.hits._id,hits.hits._source,aggregations,error,status",
            ),
            ("preference", self.awaited.copy()),
        ];
        let parameters = match copy {
            ShardCopy::Any => &parameters[..2],
            ShardCopy::OfAwaitedWrites => &parameters[..],
        };
        let request = Request {
            method: Method::Post,
            path: &self.path,
            parameters,
            content_type: JSON,
            body: Some(Bytes::from(body.to_string())),
            limit: self.limit,
        };
        self.answered(request).await
    }

    /// Sends a request about the alias; a success or the reason why there is none.
    pub(crate) async fn answered(&self, request: Request<'_>) -> Result<Answer, SearchFault> {
        let answer = self.attended(request).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        Err(self.fault(&answer))
    }

    /// Sends a request; whatever is answered. All that a search needs of the server goes this way, so that a server that
    /// is away is known to all.
    pub(crate) async fn attended(&self, request: Request<'_>) -> Result<Answer, SearchFault> {
        let answer = self.absence.send(&self.client, request).await;
        answer.map_err(SearchFault::Away)
    }

    /// What is wrong, of an answer that is no success.
    pub(crate) fn fault(&self, answer: &Answer) -> SearchFault {
        let (status, error) = (answer.status, answer.error());
        let kind = EngineError::kind(error.as_ref());
        let (is_missing, is_closed) = (
            kind == "index_not_found_exception",
            kind == "index_closed_exception",
        );
        let cause = RefusedAnswer { status, cause: error };
        if is_missing {
            let alias = self.alias.clone();
            return SearchFault::Away(NotYet { alias, cause }.into());
        }
        match status {
            400 if !is_closed => SearchFault::NotUnderstood(cause.into()),
            _ => SearchFault::Away(cause.into()),
        }
    }
}

/// Which copy of a shard is asked, where there are several. They are refreshed one by one, so that one may show what
/// another does not show yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShardCopy {
    /// Whichever the server finds best.
    Any,
    /// The one in which this process looks for awaited writes.
    OfAwaitedWrites,
}

/// Why a search has no answer.
pub(crate) enum SearchFault {
    /// The server is away, busy, shut to us, or without the index.
    Away(BoxError),
    /// The server finds our request wrong.
    NotUnderstood(BoxError),
}

impl SearchFault {
    /// Why, whichever it is.
    pub(crate) fn into_cause(self) -> BoxError {
        match self {
            Self::Away(cause) | Self::NotUnderstood(cause) => cause,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("Elasticsearch answered a search with {status}")]
struct RefusedAnswer {
    status: u16,
    #[source]
    cause: Option<EngineError>,
}

#[derive(Debug, thiserror::Error)]
#[error("there is no index behind {alias} yet; search-indexer creates it when it starts")]
struct NotYet {
    alias: IndexName,
    #[source]
    cause: RefusedAnswer,
}

#[derive(Debug, thiserror::Error)]
#[error("the search was answered in part (timed out: {timed_out}, failed shards: {failed_shards})")]
struct Partial {
    timed_out: bool,
    failed_shards: u32,
}

#[derive(Deserialize)]
struct SearchAnswer<'a> {
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    #[serde(borrow)]
    hits: Hits<'a>,
    #[serde(default)]
    aggregations: Counted,
}

#[derive(Deserialize)]
struct Shards {
    failed: u32,
}

#[derive(Deserialize)]
struct Hits<'a> {
    total: Total,
    // The filter leaves an empty list out.
    #[serde(borrow, default)]
    hits: Vec<Hit<'a>>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(rename = "_id")]
    id: String,
    #[serde(borrow, rename = "_source")]
    source: &'a RawValue,
}

impl Hit<'_> {
    /// The task, without what only the index knows. A document that is no task (another program's, behind a hand-made
    /// event) is passed over: it must not break every search that meets it.
    fn task(&self) -> Option<Task> {
        let parsed = serde_json::from_str(self.source.get());
        parsed
            .inspect_err(|error| tracing::warn!(task.id = self.id, %error, "indexed document is not a task"))
            .ok()
    }
}

impl ElasticsearchSearch {
    async fn search_copy(&self, query: &SearchQuery, copy: ShardCopy) -> Result<SearchPage, Error> {
        let body = search_body(query, self.server_limit());
        let answer = self.ask(&body, copy).await.map_err(Error::from)?;
        page(&answer.body, query)
    }
}

#[async_trait]
impl TaskSearch for ElasticsearchSearch {
    async fn search(&self, query: &SearchQuery) -> Result<SearchPage, Error> {
        self.search_copy(query, ShardCopy::Any).await
    }

    async fn walk(&self, query: &SearchQuery, step: &WalkStep) -> Result<WalkPage, Error> {
        self.walk_on(query, step).await
    }

    async fn search_after_writes(&self, query: &SearchQuery) -> Result<SearchPage, Error> {
        self.search_copy(query, ShardCopy::OfAwaitedWrites).await
    }

    async fn likest(&self, text: &MistypedText, filter: &SearchFilter) -> Result<Vec<Task>, Error> {
        let body = likest_body(text, filter, self.server_limit());
        let answer = self.ask(&body, ShardCopy::Any).await.map_err(Error::from)?;
        let page = page(&answer.body, &SearchQuery::default())?;
        Ok(page.tasks)
    }

    async fn await_writes(&self, writes: &[ConsistencyToken], limit: Duration) -> Result<bool, Error> {
        self.see_writes(writes, limit).await
    }
}

pub(crate) fn page(body: &[u8], query: &SearchQuery) -> Result<SearchPage, Error> {
    let answer: SearchAnswer<'_> = serde_json::from_slice(body).map_err(|cause| Error::Internal {
        context: "the answer to a search could not be read",
        cause: cause.into(),
    })?;
    let SearchAnswer {
        timed_out,
        shards: Shards { failed },
        hits,
        aggregations,
    } = answer;
    if timed_out || failed > 0 {
        return Err(unavailable(
            Partial {
                timed_out,
                failed_shards: failed,
            }
            .into(),
        ));
    }
    let tasks = hits.hits.iter().filter_map(Hit::task).collect();
    Ok(SearchPage {
        tasks,
        total: hits.total.value,
        facets: aggregations.told(query),
    })
}

pub(crate) fn unavailable(cause: BoxError) -> Error {
    Error::Unavailable {
        dependency: DEPENDENCY,
        retry_after: RETRY_AFTER,
        cause,
    }
}

impl From<SearchFault> for Error {
    fn from(fault: SearchFault) -> Self {
        match fault {
            SearchFault::Away(cause) => unavailable(cause),
            SearchFault::NotUnderstood(cause) => Self::Internal {
                context: "a search was not understood",
                cause,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_part_is_no_answer() {
        for (timed_out, failed) in [(true, 0), (false, 1)] {
            let body = format!(
                r#"{{"timed_out":{timed_out},"_shards":{{"failed":{failed}}},"hits":{{"total":{{"value":1}}}}}}"#
            );
            assert!(matches!(
                page(body.as_bytes(), &SearchQuery::default()),
                Err(Error::Unavailable {
                    dependency: "elasticsearch",
                    ..
                })
            ));
        }
        let whole = br#"{"timed_out":false,"_shards":{"failed":0},"hits":{"total":{"value":0}}}"#;
        assert_eq!(
            page(whole, &SearchQuery::default()).unwrap(),
            SearchPage {
                total: 0,
                ..SearchPage::default()
            }
        );
    }

    #[test]
    fn a_document_that_is_no_task_does_not_break_the_search() {
        let body = br#"{"timed_out":false,"_shards":{"failed":0},"hits":{"total":{"value":1},"hits":[{"_id":"x","_source":{"id":"x"}}]}}"#;
        assert_eq!(
            page(body, &SearchQuery::default()).unwrap(),
            SearchPage {
                total: 1,
                ..SearchPage::default()
            }
        );
    }
}
