//! What surrounds every request: its id, its tracing span, and the problem document of its failure.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use crate::failure::Failure;
use crate::problem;
use crate::request_id::{RequestId, X_REQUEST_ID};

/// Names the request, runs it in a span, and sees that its answer carries the name.
pub(crate) async fn enter(request: Request, next: Next) -> Response {
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
    answer(id, request, next).instrument(span).await
}

async fn answer(id: RequestId, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let mut response = problem::write_document(next.run(request).await, &id);
    // Printable ASCII is always a header value.
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    tracing::debug!(
        http.status = response.status().as_u16(),
        elapsed.ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "request answered"
    );
    response
}

/// A panic's answer: the process lives, the message is for the log alone.
pub(crate) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the panic carries no message".to_owned());
    Failure::Panicked(message).into_response()
}

#[cfg(test)]
mod tests {
    use crate::testing::{Behaviour, TASK, TestApi, request};

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

    #[tokio::test]
    async fn a_panic_is_a_500_problem_that_shows_nothing() {
        let api = TestApi::with_a_task().await;
        api.engines_now(Behaviour::Panics);
        let answer = api.send(request("GET", &format!("/tasks/{TASK}"), &[])).await;
        assert_eq!(answer.problem(), (500, "internal"));
    }
}
