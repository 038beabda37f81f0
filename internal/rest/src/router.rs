//! Which request goes to which endpoint, and what surrounds them all.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use taskwire_service::TaskService;
use tower_http::catch_panic::CatchPanicLayer;

use crate::failure::{Failure, Refusal};
use crate::handlers::{
    create_task, delete_task, get_task, health_live, health_ready, replace_task, search_tasks,
};
use crate::readiness::Readiness;
use crate::{body_limit, header_limit, media_type, request_scope, time_limit};

/// What the endpoints work with.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub tasks: Arc<TaskService>,
    /// Whether the process can serve.
    pub readiness: Arc<Readiness>,
}

/// Every endpoint, with all that surrounds a request: its id and span, its limits of size and time, the answer to
/// a panic, and a problem document for each failure, unknown paths and methods among them.
pub fn router(state: AppState) -> Router {
    let writes = Router::new()
        .route("/tasks", post(create_task::handle))
        .route(
            "/tasks/{id}",
            put(replace_task::handle).delete(delete_task::handle),
        )
        .route_layer(from_fn(time_limit::enforce_on_write));
    let reads = Router::new()
        .route("/tasks/{id}", get(get_task::handle))
        .route("/tasks/search", post(search_tasks::handle))
        .route_layer(from_fn(time_limit::enforce_on_read));
    // A probe gets its answer whatever it says to accept.
    let health = Router::new()
        .route("/healthz/live", get(health_live::handle))
        .route("/healthz/ready", get(health_ready::handle));
    writes
        .merge(reads)
        .route_layer(from_fn(media_type::require_json_acceptable))
        .merge(health)
        .fallback(async || refuse(Refusal::UnknownPath))
        .method_not_allowed_fallback(async || refuse(Refusal::MethodNotAllowed))
        // From here on, each layer surrounds those above it.
        .layer(from_fn(body_limit::receive))
        .layer(from_fn(header_limit::enforce))
        .layer(CatchPanicLayer::custom(request_scope::panicked))
        .layer(from_fn(request_scope::enter))
        .with_state(state)
}

fn refuse(refusal: Refusal) -> Response {
    Failure::from(refusal).into_response()
}
