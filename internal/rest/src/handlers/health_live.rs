//! `GET /healthz/live`: the process runs. It depends on nobody, so that no restart follows another's failure.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use crate::docs::{Answer, Component, Endpoint, Tag};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("It runs.").shows(
        Component::Liveness,
        vec![("ok", "It runs", json!({"status": "ok"}))],
    );
    Endpoint::new(
        "getLiveness",
        Tag::Health,
        "Whether the process runs",
        "Depends on nobody: a restart would not bring anybody else back.",
    )
    .answers(StatusCode::OK, answer)
}

pub(crate) async fn handle() -> impl IntoResponse {
    (
        [(header::CACHE_CONTROL, "no-store")],
        Json(json!({"status": "ok"})),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Behaviour, TestApi, request};

    #[tokio::test]
    async fn the_process_lives_whoever_else_is_away() {
        let api = TestApi::new();
        api.engines_now(Behaviour::IsAway);
        api.postgresql.now(Behaviour::IsAway);
        let answer = api
            .send(request("GET", "/healthz/live", &[("accept", "text/html")]))
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body),
            (200, &json!({"status": "ok"}))
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(api.postgresql.times_asked(), 0);
    }
}
