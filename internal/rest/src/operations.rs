//! What an operator asks a process over HTTP, on an address of its own: metrics and health.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use taskwire_domain::{BoxError, Chain};
use tokio::net::TcpListener;

use crate::Readiness;
use crate::handlers::{health_live, health_ready};
use crate::serve::serve;

/// How many connections are enough for those who operate a process.
const OPERATORS_CONNECTIONS: u32 = 64;

/// Serves `GET /metrics`, `/healthz/live` and `/healthz/ready` of a process of any kind until `shutdown` completes.
/// `render` writes the present metrics as text of the given content type.
pub async fn serve_operations(
    listener: TcpListener,
    readiness: Arc<Readiness>,
    content_type: &'static str,
    render: impl Fn() -> Result<String, BoxError> + Clone + Send + Sync + 'static,
    shutdown: impl Future<Output = ()>,
) {
    match listener.local_addr() {
        Ok(address) => tracing::info!(metrics.address = %address, "serving metrics"),
        Err(error) => {
            tracing::warn!(error = %error, "serving metrics on an address that the system does not tell")
        }
    }
    let router = operations_router(readiness, content_type, render);
    serve(listener, router, OPERATORS_CONNECTIONS, shutdown).await;
}

fn operations_router(
    readiness: Arc<Readiness>,
    content_type: &'static str,
    render: impl Fn() -> Result<String, BoxError> + Clone + Send + Sync + 'static,
) -> Router {
    Router::new()
        .route("/metrics", get(async move || metrics(content_type, render())))
        .route("/healthz/live", get(health_live::handle))
        .route(
            "/healthz/ready",
            get(async move || health_ready::answer(&readiness).await),
        )
}

fn metrics(content_type: &'static str, rendered: Result<String, BoxError>) -> Response {
    match rendered {
        Ok(text) => ([(header::CONTENT_TYPE, content_type)], text).into_response(),
        Err(error) => {
            tracing::error!(error = %Chain(&*error), "metrics could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::testing::{Behaviour, FakeDependency};

    async fn ask(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn metrics_and_health_are_served() {
        let away = Arc::new(FakeDependency::new("elasticsearch", Behaviour::IsAway));
        let readiness = Arc::new(Readiness::new(Vec::new(), vec![away]));
        let router = operations_router(readiness, "text/plain", || Ok("things 3\n".to_owned()));
        assert_eq!(
            ask(&router, "/metrics").await,
            (StatusCode::OK, "things 3\n".to_owned())
        );
        assert_eq!(ask(&router, "/healthz/live").await.0, StatusCode::OK);
        let (status, body) = ask(&router, "/healthz/ready").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains(r#""status":"degraded""#), "{body}");
    }
}
