//! Which request goes to which endpoint, and what surrounds them all.

use std::sync::Arc;

use axum::Router;
use axum::extract::MatchedPath;
use axum::http::HeaderValue;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use taskwire_service::TaskService;

use crate::body_limit::BULK_PATH;
use crate::config::RestConfig;
use crate::docs::{self, Routes};
use crate::failure::{Failure, Refusal};
use crate::handlers::{
    bulk_tasks, create_task, delete_task, get_task, health_live, health_ready, list_tasks, patch_task,
    replace_task, search_tasks, search_tasks_by_query,
};
use crate::media_type::{ACCEPT_PATCH, BodyKind};
use crate::readiness::Readiness;
use crate::request_scope::{self, RequestScope};
use crate::{compression, media_type, time_limit};

/// Where one task is.
const TASK_PATH: &str = "/tasks/{id}";

/// What the endpoints work with.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub tasks: Arc<TaskService>,
    /// Whether the process can serve.
    pub readiness: Arc<Readiness>,
    /// How callers are treated.
    pub config: Arc<RestConfig>,
}

/// Every endpoint, with all that surrounds a request: its id and span, its limits of size and time, the answer to
/// a panic, and a problem document for each failure, unknown paths and methods among them.
pub fn router(state: AppState) -> Router {
    let scope = Arc::new(RequestScope::new(&state.config));
    routes()
        .into_router()
        .merge(docs::swagger_ui())
        .fallback(async || refuse(Refusal::UnknownPath))
        .method_not_allowed_fallback(refuse_method)
        .layer(from_fn_with_state(scope, request_scope::enter))
        .with_state(state)
}

/// Every endpoint together with what the document says of it.
pub(crate) fn routes() -> Routes {
    let writes = Routes::default()
        .post(BULK_PATH, bulk_tasks::handle, bulk_tasks::endpoint())
        .surrounded(|large| large.route_layer(compression::layer()))
        .post("/tasks", create_task::handle, create_task::endpoint())
        .put(TASK_PATH, replace_task::handle, replace_task::endpoint())
        .patch(TASK_PATH, patch_task::handle, patch_task::endpoint())
        .delete(TASK_PATH, delete_task::handle, delete_task::endpoint())
        .surrounded(|writes| writes.route_layer(from_fn(time_limit::enforce_on_write)));
    let reads = Routes::default()
        .get("/tasks", list_tasks::handle, list_tasks::endpoint())
        .get(
            "/tasks/search",
            search_tasks_by_query::handle,
            search_tasks_by_query::endpoint(),
        )
        .post("/tasks/search", search_tasks::handle, search_tasks::endpoint())
        .surrounded(|large| large.route_layer(compression::layer()))
        .get(TASK_PATH, get_task::handle, get_task::endpoint())
        .surrounded(|reads| reads.route_layer(from_fn(time_limit::enforce_on_read)));
    // A probe gets its answer whatever it says to accept, and so does one who only looks around.
    let about = Routes::default()
        .get("/openapi.json", docs::openapi_json, docs::openapi_json_endpoint())
        .surrounded(|large| large.route_layer(compression::layer()))
        .get("/healthz/live", health_live::handle, health_live::endpoint())
        .get("/healthz/ready", health_ready::handle, health_ready::endpoint())
        .get("/", docs::front_page, docs::front_page_endpoint());
    writes
        .and(reads)
        .surrounded(|tasks| tasks.route_layer(from_fn(media_type::require_json_acceptable)))
        .and(about)
}

async fn refuse_method(path: MatchedPath) -> Response {
    let mut answer = refuse(Refusal::MethodNotAllowed);
    if path.as_str() == TASK_PATH {
        let patches = HeaderValue::from_static(BodyKind::Patch.media_types());
        answer.headers_mut().insert(ACCEPT_PATCH, patches);
    }
    answer
}

fn refuse(refusal: Refusal) -> Response {
    Failure::from(refusal).into_response()
}
