//! What surrounds every request: its id, its tracing span, the problem document of its failure, and the headers that
//! every answer carries. All of it is one layer, because each layer costs every request.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::admission::Admission;
use crate::config::RestConfig;
use crate::cross_origin::CrossOrigin;
use crate::problem::Repeats;
use crate::request_id::{RequestId, X_REQUEST_ID};
use crate::{problem, security_headers};

/// What all requests share.
pub(crate) struct RequestScope {
    admission: Admission,
    cross_origin: CrossOrigin,
}

impl RequestScope {
    /// As configured.
    pub(crate) fn new(config: &RestConfig) -> Self {
        Self {
            admission: Admission::new(config),
            cross_origin: CrossOrigin::new(config),
        }
    }

    async fn answer(&self, id: RequestId, request: Request, next: Next) -> Response {
        let began = Instant::now();
        let repeats = Repeats::of(request.method());
        let verdict = self.cross_origin.judge(request.headers());
        let answer = match self.cross_origin.preflight(&request) {
            Some(answer) => answer,
            None => self.admission.admit(request, next).await,
        };
        let mut answer = problem::write_document(answer, &id, repeats);
        let headers = answer.headers_mut();
        security_headers::complete(headers);
        if let Some(verdict) = verdict {
            verdict.apply(headers);
        }
        // Printable ASCII is always a header value.
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            headers.insert(X_REQUEST_ID, value);
        }
        tracing::debug!(
            http.status = answer.status().as_u16(),
            elapsed.ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request answered"
        );
        answer
    }
}

/// Names the request, runs it in a span, and sees that its answer carries the name.
pub(crate) async fn enter(State(scope): State<Arc<RequestScope>>, request: Request, next: Next) -> Response {
    let id = RequestId::accept_or_make(request.headers().get(X_REQUEST_ID));
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        request.id = id.as_str(),
        http.method = %request.method(),
        http.route = route,
    );
    scope.answer(id, request, next).instrument(span).await
}

#[cfg(test)]
mod tests {
    use crate::testing::{TASK, TestApi, request};

    #[tokio::test]
    async fn every_answer_carries_the_callers_request_id_or_a_new_one() {
        let api = TestApi::with_a_task().await;
        let found = format!("/tasks/{TASK}");
        for path in [
            found.as_str(),
            "/healthz/live",
            "/healthz/ready",
            "/nowhere",
            "/tasks/17",
        ] {
            let named = api
                .send(request("GET", path, &[("x-request-id", "mine 1")]))
                .await;
            assert_eq!(named.header("x-request-id"), "mine 1", "{path}");
            let unnamed = api.send(request("GET", path, &[])).await;
            assert_eq!(unnamed.header("x-request-id").len(), 36, "{path}");
            let long = "x".repeat(129);
            let replaced = api.send(request("GET", path, &[("x-request-id", &long)])).await;
            assert_eq!(replaced.header("x-request-id").len(), 36, "{path}");
        }
    }
}
