//! What surrounds anything that a browser shows.

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};

/// The body as a page or a part of one, allowed by `policy` to load what it needs and nothing else.
pub(super) fn page(policy: &'static str, body: impl IntoResponse) -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, body).into_response()
}
