//! Which request goes to which endpoint, and what surrounds them all.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use taskwire_service::TaskService;
use tower_http::catch_panic::CatchPanicLayer;

use crate::docs::{self, Routes};
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
    routes()
        .into_router()
        .merge(docs::swagger_ui())
        .fallback(async || refuse(Refusal::UnknownPath))
        .method_not_allowed_fallback(async || refuse(Refusal::MethodNotAllowed))
        // From here on, each layer surrounds those above it.
        .layer(from_fn(body_limit::receive))
        .layer(from_fn(header_limit::enforce))
        .layer(CatchPanicLayer::custom(request_scope::panicked))
        .layer(from_fn(request_scope::enter))
        .with_state(state)
}

/// Every endpoint together with what the document says of it.
pub(crate) fn routes() -> Routes {
    let writes = Routes::default()
        .post("/tasks", create_task::handle, create_task::endpoint())
        .put("/tasks/{id}", replace_task::handle, replace_task::endpoint())
        .delete("/tasks/{id}", delete_task::handle, delete_task::endpoint())
        .surrounded(|writes| writes.route_layer(from_fn(time_limit::enforce_on_write)));
    let reads = Routes::default()
        .get("/tasks/{id}", get_task::handle, get_task::endpoint())
        .post("/tasks/search", search_tasks::handle, search_tasks::endpoint())
        .surrounded(|reads| reads.route_layer(from_fn(time_limit::enforce_on_read)));
    // A probe gets its answer whatever it says to accept, and so does one who only looks around.
    let about = Routes::default()
        .get("/healthz/live", health_live::handle, health_live::endpoint())
        .get("/healthz/ready", health_ready::handle, health_ready::endpoint())
        .get("/openapi.json", docs::openapi_json, docs::openapi_json_endpoint())
        .get("/", docs::front_page, docs::front_page_endpoint());
    writes
        .and(reads)
        .surrounded(|tasks| tasks.route_layer(from_fn(media_type::require_json_acceptable)))
        .and(about)
}

fn refuse(refusal: Refusal) -> Response {
    Failure::from(refusal).into_response()
}
