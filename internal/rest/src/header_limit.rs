//! How large a request's headers may be.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::{Failure, Refusal};

/// The greatest total of header names and values. The server itself refuses only far more, and then without a
/// problem document.
pub(crate) const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Refuses a request whose headers are too large.
pub(crate) async fn enforce(request: Request, next: Next) -> Response {
    let bytes: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if bytes > MAX_HEADER_BYTES {
        return Failure::from(Refusal::HeadersTooLarge).into_response();
    }
    next.run(request).await
}
