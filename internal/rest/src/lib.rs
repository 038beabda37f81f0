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

mod admission;
mod body_limit;
mod bulk_operations;
mod bulk_results;
mod compression;
mod config;
mod cross_origin;
mod docs;
mod entity_tag;
mod failure;
mod failure_table;
mod handlers;
mod head_limit;
mod host;
mod idempotency_key;
mod json;
mod json_object;
mod kept_answer;
mod listen;
mod listen_address;
mod media_type;
mod operations;
mod overload;
mod peer;
mod problem;
mod query;
mod rate_limit;
mod readiness;
mod request_id;
mod request_scope;
mod router;
mod search_answer;
mod security_headers;
mod serve;
mod task_answer;
mod task_fields;
mod task_id_parameter;
mod task_patch;
mod time_limit;
mod traceparent;
mod violation_table;

#[cfg(test)]
mod bad_requests;
#[cfg(test)]
mod testing;

pub use config::RestConfig;
pub use cross_origin::Origin;
pub use docs::{events_schema, openapi_document};
pub use listen::{ListenFault, listen};
pub use listen_address::listen_address;
pub use operations::serve_operations;
pub use rate_limit::{ClientKey, Rate};
pub use readiness::Readiness;
pub use router::{AppState, router};
pub use serve::serve;
