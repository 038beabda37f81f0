//! The answer that holds one task.

use axum::Json;
use axum::http::{HeaderName, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Serialize;
use taskwire_domain::{ConsistencyToken, Task};

use crate::entity_tag;

/// `{"task": …}`, every field present.
#[derive(Serialize)]
pub(crate) struct TaskAnswer<'a> {
    pub(crate) task: &'a Task,
}

/// The header that lets a later search wait for a write.
pub(crate) const X_CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("x-consistency-token");

/// The body.
pub(crate) fn body(task: &Task) -> Response {
    Json(TaskAnswer { task }).into_response()
}

/// The header that carries the task's entity tag.
pub(crate) fn entity_tag(task: &Task) -> AppendHeaders<[(HeaderName, String); 1]> {
    AppendHeaders([(header::ETAG, entity_tag::of(task.version))])
}

/// The header that names this write.
pub(crate) fn consistency_token(token: ConsistencyToken) -> AppendHeaders<[(HeaderName, String); 1]> {
    AppendHeaders([(X_CONSISTENCY_TOKEN, token.to_string())])
}
