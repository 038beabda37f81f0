//! `GET /healthz/live`: the process runs. It depends on nobody, so that no restart follows another's failure.

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::json;

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
