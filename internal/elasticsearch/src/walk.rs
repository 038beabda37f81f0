//! Walking through everything that a search finds, in a point in time: each page begins behind the sort values at which the
//! one before ended.

use bytes::Bytes;
use elasticsearch::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskwire_domain::{BoxError, Chain, Error, SearchPage, SearchQuery, WalkPage, WalkPosition, WalkStep};
use uuid::Uuid;

use crate::ElasticsearchSearch;
use crate::client::{JSON, Request};
use crate::search::{SearchFault, page, unavailable};
use crate::search_body::search_body;
use crate::view_gone::is_gone;

/// Where a page ended, as it is told to the caller.
#[derive(Serialize, Deserialize)]
struct Place {
    /// Our own name of the view: the server may change its id with each answer.
    view: Uuid,
    id: String,
    passed: u64,
    /// As the first page told it. OpenSearch before 2.10 counts only what is left.
    total: u64,
    /// The sort values of the last task, as the server told them.
    after: Vec<Value>,
}

impl Place {
    fn write(&self) -> Result<WalkPosition, Error> {
        let written = serde_json::to_vec(self).map_err(|cause| Error::Internal {
            context: "the place in a walk could not be written",
            cause: cause.into(),
        })?;
        Ok(WalkPosition::from_bytes(written))
    }

    fn read(position: &WalkPosition) -> Option<Self> {
        serde_json::from_slice(position.as_bytes()).ok()
    }
}

/// Why there is no page.
enum StepFault {
    /// The server does not have the view any more.
    ViewGone(BoxError),
    /// As of any other search.
    Search(Error),
}

impl From<SearchFault> for StepFault {
    fn from(fault: SearchFault) -> Self {
        Self::Search(fault.into())
    }
}

/// A page, and what leads on from it.
struct Turned {
    page: SearchPage,
    /// The view's newest id.
    id: String,
    shown: u64,
    after: Option<Vec<Value>>,
}

impl ElasticsearchSearch {
    /// One page of a walk.
    pub(crate) async fn walk_on(&self, query: &SearchQuery, step: &WalkStep) -> Result<WalkPage, Error> {
        match step {
            WalkStep::Begin => self.begin_walk(query).await,
            WalkStep::Continue(position) => {
                // Another engine's, or that of another version of this program.
                let place = Place::read(position).ok_or(Error::ViewGone)?;
                self.continue_walk(query, place).await
            }
        }
    }

    async fn begin_walk(&self, query: &SearchQuery) -> Result<WalkPage, Error> {
        let view = self.open_view().await?;
        let turned = match self.turn(query, view.id(), None).await {
            Ok(turned) => turned,
            // It was there a moment ago: the server is going away, or coming back.
            Err(StepFault::ViewGone(cause)) => return Err(unavailable(cause)),
            Err(StepFault::Search(error)) => return Err(error),
        };
        let total = turned.page.total;
        let walked = self.walked(Uuid::new_v4(), 0, total, turned)?;
        if walked.next.is_some() {
            view.keep();
        }
        Ok(walked)
    }

    async fn continue_walk(&self, query: &SearchQuery, place: Place) -> Result<WalkPage, Error> {
        let Place {
            view,
            id,
            passed,
            total,
            after,
        } = place;
        let turned = match self.turn(query, &id, Some(after)).await {
            Ok(turned) => turned,
            Err(StepFault::ViewGone(_)) => {
                self.walks.forget(view);
                return Err(Error::ViewGone);
            }
            Err(StepFault::Search(error)) => return Err(error),
        };
        let id = turned.id.clone();
        let walked = self.walked(view, passed, total, turned)?;
        if walked.next.is_none() {
            self.walks.forget(view);
            self.close_later(id);
        }
        Ok(walked)
    }

    /// What is told of a page; notes that its view is in use unless it was the last.
    fn walked(&self, view: Uuid, passed: u64, total: u64, turned: Turned) -> Result<WalkPage, Error> {
        let Turned {
            page,
            id,
            shown,
            after,
        } = turned;
        let passed = passed + shown;
        let next = match after {
            _ if passed >= total => None,
            // Better than an end that looks like the end.
            None => {
                return Err(Error::Internal {
                    context: "a walk ended before it had shown everything",
                    cause: format!("{passed} of {total} were shown").into(),
                });
            }
            Some(after) => {
                if let Some(unused) = self.walks.note(view, id.clone()) {
                    self.close_later(unused);
                }
                let place = Place {
                    view,
                    id,
                    passed,
                    total,
                    after,
                };
                Some(place.write()?)
            }
        };
        Ok(WalkPage {
            page: SearchPage { total, ..page },
            next,
        })
    }

    /// The page behind these sort values.
    async fn turn(
        &self,
        query: &SearchQuery,
        id: &str,
        after: Option<Vec<Value>>,
    ) -> Result<Turned, StepFault> {
        let mut body = search_body(query, self.server_limit());
        body["from"] = 0.into();
        body["pit"] = json!({ "id": id, "keep_alive": self.walks.keep_alive() });
        let goes_on = after.is_some();
        if let Some(after) = after {
            body["search_after"] = after.into();
        }
        let request = Request {
            method: Method::Post,
            // The view knows its index, and the alias's filter with it.
            path: "_search",
            parameters: &[
                ("allow_partial_search_results", "false"),
                (
                    "filter_path",
                    "pit_id,timed_out,_shards.failed,hits.total.value,hits.hits._id,hits.hits._source,hits.hits.sort,\
                     aggregations,error,status",
                ),
            ],
            content_type: JSON,
            body: Some(Bytes::from(body.to_string())),
            limit: self.limit,
        };
        let answer = self.attended(request).await?;
        if !answer.is_success() {
            return Err(match self.fault(&answer) {
                fault if is_gone(&answer.body) => StepFault::ViewGone(fault.into_cause()),
                // It understood the same search before: what it cannot read is the view's id, that of another release.
                SearchFault::NotUnderstood(cause) if goes_on => {
                    tracing::debug!(error = %Chain(&*cause), "a walk was not understood, its view counts as gone");
                    StepFault::Search(Error::ViewGone)
                }
                fault => fault.into(),
            });
        }
        let page = page(&answer.body, query).map_err(StepFault::Search)?;
        let place: PlaceTold = serde_json::from_slice(&answer.body).map_err(|cause| {
            StepFault::Search(Error::Internal {
                context: "the answer to a search could not be read",
                cause: cause.into(),
            })
        })?;
        let mut hits = place.hits.hits;
        Ok(Turned {
            page,
            id: place.pit_id.unwrap_or_else(|| id.to_owned()),
            shown: hits.len() as u64,
            after: hits.pop().map(|last| last.sort),
        })
    }
}

/// Of an answer, where the page ended.
#[derive(Deserialize)]
struct PlaceTold {
    pit_id: Option<String>,
    hits: HitsTold,
}

#[derive(Deserialize)]
struct HitsTold {
    // The filter leaves an empty list out.
    #[serde(default)]
    hits: Vec<HitTold>,
}

#[derive(Deserialize)]
struct HitTold {
    sort: Vec<Value>,
}
