//! How long a request may take, from its headers to its answer.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use taskwire_domain::Error;
use tokio::time::Instant;

use crate::failure::{Failure, Refusal};

/// The limit. The body must have arrived within it, and what remains is the handler's.
pub(crate) const MAX_REQUEST_TIME: Duration = Duration::from_secs(10);

/// The moment by which a request must be answered; a request extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// The deadline of a request whose headers have just arrived.
    pub(crate) fn of_a_new_request() -> Self {
        Self(Instant::now() + MAX_REQUEST_TIME)
    }

    /// The future's outcome, or `None` once the deadline has passed; the future is then dropped.
    pub(crate) async fn within<F: Future>(self, future: F) -> Option<F::Output> {
        tokio::time::timeout_at(self.0, future).await.ok()
    }
}

/// For endpoints that only read: out of time means that nothing happened.
pub(crate) async fn enforce_on_read(request: Request, next: Next) -> Response {
    run(request, next, || Refusal::TimedOut.into()).await
}

/// For endpoints that write. The write may be under way when time is up, and dropping it recalls nothing, so its
/// outcome is unknown. The same goes for a caller who hangs up: the handler is dropped where it stands, and the
/// one statement of the write is then applied or it is not.
pub(crate) async fn enforce_on_write(request: Request, next: Next) -> Response {
    run(request, next, || {
        let cause = "the time limit of the request passed".into();
        Error::OutcomeUnknown { cause }.into()
    })
    .await
}

async fn run(request: Request, next: Next, out_of_time: impl FnOnce() -> Failure) -> Response {
    let deadline = request
        .extensions()
        .get::<Deadline>()
        .copied()
        .unwrap_or_else(Deadline::of_a_new_request);
    match deadline.within(next.run(request)).await {
        Some(response) => response,
        None => out_of_time().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use bytes::Bytes;
    use futures::{StreamExt, stream};

    use super::*;
    use crate::testing::{Behaviour, TASK, TestApi, json_request, post, request};

    #[tokio::test(start_paused = true)]
    async fn a_read_out_of_time_is_a_timeout_and_a_write_is_of_unknown_outcome() {
        let api = TestApi::with_a_task().await;
        api.engines_now(Behaviour::Hangs);
        let path = format!("/tasks/{TASK}");
        let body = r#"{"description": "new"}"#;
        let bulk = r#"{"operations": [{"op": "create", "task": {"description": "new"}}]}"#;
        for (request, code) in [
            (request("GET", &path, &[]), "timeout"),
            (post("/tasks/search", "{}"), "timeout"),
            (request("GET", "/tasks/search", &[]), "timeout"),
            (request("GET", "/tasks", &[]), "timeout"),
            (post("/tasks", body), "outcome-unknown"),
            (json_request("PUT", &path, &[], body), "outcome-unknown"),
            (json_request("PATCH", &path, &[], body), "outcome-unknown"),
            (post("/tasks/bulk", bulk), "outcome-unknown"),
            (request("DELETE", &path, &[]), "outcome-unknown"),
            (
                request("DELETE", &format!("{path}?cascade=true"), &[]),
                "outcome-unknown",
            ),
        ] {
            let began = Instant::now();
            let takes_a_key = request.method() == "POST";
            let answer = api.send(request).await;
            assert_eq!(answer.problem(), (504, code));
            let detail = answer.body["detail"].as_str().unwrap();
            if code == "outcome-unknown" {
                assert_eq!(detail.contains("Idempotency-Key"), takes_a_key, "{detail}");
                assert_eq!(detail.contains("read the task first"), !takes_a_key, "{detail}");
            }
            let slack = Duration::from_millis(100);
            assert!((MAX_REQUEST_TIME..MAX_REQUEST_TIME + slack).contains(&began.elapsed()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_arriving_is_408_and_nothing_is_written() {
        let api = TestApi::new();
        let beginning = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{\"description\":"))]);
        let body = Body::from_stream(beginning.chain(stream::pending()));
        let answer = api.send(json_request("POST", "/tasks", &[], body)).await;
        assert_eq!(answer.problem(), (408, "body-too-slow"));
        assert!(api.events().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_a_body_took_is_taken_from_the_handler() {
        let api = TestApi::new();
        api.engines_now(Behaviour::Hangs);
        let began = Instant::now();
        let body = stream::once(async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"{\"description\":\"a\"}"))
        });
        let answer = api
            .send(json_request("POST", "/tasks", &[], Body::from_stream(body)))
            .await;
        assert_eq!(answer.problem(), (504, "outcome-unknown"));
        assert!(began.elapsed() < Duration::from_secs(11), "{:?}", began.elapsed());
    }
}
