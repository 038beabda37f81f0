//! HTTP: decodes requests, calls the use cases, and answers in JSON or with a problem document (RFC 9457).
//!
//! One file an endpoint, under `handlers`: what it decodes, a handler that reads as a list of steps, its tests.
//! What a failure looks like outside is decided in one exhaustive table, `failure_table`, and written in one
//! place, `problem`.
//!
//! To add an endpoint, add its file to `handlers` and its line to [`router()`], where it cannot stand without what the
//! OpenAPI document says of it (`docs`); then `cargo xtask openapi`. A body is decoded field by field with
//! `json_object`, so that one answer names every wrong field.
//!
//! This crate must not know a database, a broker or a search engine: it sees use cases and ports alone. It makes
//! no decision about tasks; those stand in `taskwire-service`. It shows a caller nothing from inside.

mod body_limit;
mod docs;
mod entity_tag;
mod failure;
mod failure_table;
mod handlers;
mod header_limit;
mod json;
mod json_object;
mod media_type;
mod operations;
mod problem;
mod readiness;
mod request_id;
mod request_scope;
mod router;
mod serve;
mod task_answer;
mod task_fields;
mod task_id_parameter;
mod time_limit;
mod traceparent;

#[cfg(test)]
mod bad_requests;
#[cfg(test)]
mod testing;

pub use docs::openapi_document;
pub use operations::operations_router;
pub use readiness::Readiness;
pub use router::{AppState, router};
pub use serve::serve;
