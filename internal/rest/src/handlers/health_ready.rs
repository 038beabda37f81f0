//! `GET /healthz/ready`: whether requests would succeed, and which dependency is away.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::docs::{Answer, Component, Endpoint, Tag, examples};
use crate::readiness::Overall;
use crate::{AppState, Readiness};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let ready =
        Answer::new("It can serve, if perhaps `degraded`.").shows(Component::Health, examples::ready());
    let unavailable = Answer::new("It cannot serve: something that every request needs is away.")
        .shows(Component::Health, examples::not_ready());
    Endpoint::new(
        "getReadiness",
        Tag::Health,
        "Whether requests would succeed",
        "Asks each dependency, at most once a second.",
    )
    .answers(StatusCode::OK, ready)
    .answers(StatusCode::SERVICE_UNAVAILABLE, unavailable)
}

pub(crate) async fn handle(State(app): State<AppState>) -> impl IntoResponse {
    answer(&app.readiness).await
}

/// The answer for a process of any kind.
pub(crate) async fn answer(readiness: &Readiness) -> impl IntoResponse + use<> {
    let report = readiness.report().await;
    let status = match report.status {
        Overall::Ok | Overall::Degraded => StatusCode::OK,
        Overall::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Behaviour, TestApi, request};

    async fn report(postgresql: Behaviour, kafka: Behaviour) -> (u16, Value) {
        let api = TestApi::new();
        api.postgresql.now(postgresql);
        api.kafka.now(kafka);
        let answer = api.send(request("GET", "/healthz/ready", &[])).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
        (answer.status.as_u16(), answer.body)
    }

    fn document(status: &str, postgresql: &str, kafka: &str) -> Value {
        json!({"status": status, "checks": {"postgresql": {"status": postgresql}, "kafka": {"status": kafka}}})
    }

    #[tokio::test(start_paused = true)]
    async fn ready_fails_exactly_when_a_required_dependency_is_away() {
        let ok = report(Behaviour::Answers, Behaviour::Answers).await;
        assert_eq!(ok, (200, document("ok", "ok", "ok")));
        for away in [Behaviour::IsAway, Behaviour::Hangs] {
            let degraded = report(Behaviour::Answers, away).await;
            assert_eq!(degraded, (200, document("degraded", "ok", "unavailable")));
            let unavailable = report(away, Behaviour::Answers).await;
            assert_eq!(unavailable, (503, document("unavailable", "unavailable", "ok")));
        }
    }
}
