//! How large the head of a request may be: its target and its headers.

use axum::extract::Request;

use crate::failure::Refusal;

/// The greatest total of header names and values. The server itself refuses only far more, and then without a
/// problem document.
pub(crate) const MAX_HEADER_BYTES: usize = 16 * 1024;

/// The longest target, path and query together: room for the longest text of a search, percent-encoded.
pub(crate) const MAX_TARGET_BYTES: usize = 16 * 1024;

/// Refuses a head that is too large.
pub(crate) fn check(request: &Request) -> Result<(), Refusal> {
    let target = request.uri();
    let target = target.path().len() + target.query().map_or(0, str::len);
    if target > MAX_TARGET_BYTES {
        return Err(Refusal::TargetTooLong);
    }
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers > MAX_HEADER_BYTES {
        return Err(Refusal::HeadersTooLarge);
    }
    Ok(())
}
