//! What surrounds anything that a browser shows.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The body as a page or a part of one, allowed by `policy` to load what it needs and nothing else.
pub(super) fn page(policy: &'static str, body: impl IntoResponse) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, policy)], body).into_response()
}
