//! What the service says about itself: the OpenAPI document, Swagger UI, and a front page.
//!
//! The document is made from the code. An endpoint cannot be routed without its [`Endpoint`] ([`Routes`]), limits
//! are those of the domain, and a problem's statuses, codes and texts come from `failure_table` and `problem`.
//! The same text is committed as `docs/openapi.json`. The schema of the events, `docs/events.schema.json`, is made of
//! the same shapes.

mod document;
mod endpoint;
mod events;
pub(crate) mod examples;
mod failures;
mod front_page;
mod openapi_json;
mod page;
mod routes;
mod schemas;
mod swagger_ui;

#[cfg(test)]
pub(crate) mod adherence;
#[cfg(test)]
mod tests;

pub use document::openapi_document;
pub(crate) use endpoint::{Answer, Body, Endpoint, Header, Parameter, Tag};
pub use events::events_schema;
pub(crate) use failures::FailureKind;
pub(crate) use routes::Routes;
pub(crate) use schemas::Component;

pub(crate) use front_page::{endpoint as front_page_endpoint, handle as front_page};
pub(crate) use openapi_json::{endpoint as openapi_json_endpoint, handle as openapi_json};
pub(crate) use swagger_ui::router as swagger_ui;
