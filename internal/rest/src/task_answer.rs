//! The answer that holds one task.

use axum::Json;
use axum::http::{HeaderName, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Serialize;
use taskwire_domain::Task;
use taskwire_service::ConsistencyToken;

use crate::entity_tag;

/// `{"task": …}`, every field present.
#[derive(Serialize)]
struct TaskAnswer<'a> {
    task: &'a Task,
}

/// The body.
pub(crate) fn body(task: &Task) -> Response {
    Json(TaskAnswer { task }).into_response()
}

/// The header that carries the task's entity tag.
pub(crate) fn entity_tag(task: &Task) -> AppendHeaders<[(HeaderName, String); 1]> {
    AppendHeaders([(header::ETAG, entity_tag::of(task.version))])
}

/// The header that lets a later search wait for this write.
pub(crate) fn consistency_token(token: ConsistencyToken) -> AppendHeaders<[(HeaderName, String); 1]> {
    AppendHeaders([(HeaderName::from_static("x-consistency-token"), token.to_string())])
}
