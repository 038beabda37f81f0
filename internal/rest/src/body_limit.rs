//! How large a request's body may be, and what becomes of one that is larger, slower or broken off.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use taskwire_domain::{FieldError, Violation};

use crate::failure::{Failure, Refusal};
use crate::time_limit::Deadline;

/// The limit of every endpoint so far.
pub(crate) const MAX_BODY_BYTES: usize = 128 * 1024;

/// How much of a body that is too large is read and thrown away. A connection closed with unread bytes is reset,
/// and the reset can overtake the answer; one who keeps sending would never see the 413.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;

/// Reads the whole body before anything else happens, so that a handler has no part in waiting for a slow one,
/// and starts the request's time.
pub(crate) async fn receive(request: Request, next: Next) -> Response {
    let deadline = Deadline::of_a_new_request();
    let (mut parts, mut body) = request.into_parts();
    let received = deadline.within(collect(&parts.headers, &mut body)).await;
    match received.unwrap_or(Err(Refusal::BodyTooSlow.into())) {
        Ok(bytes) => {
            parts.extensions.insert(deadline);
            next.run(Request::from_parts(parts, Body::from(bytes))).await
        }
        Err(failure) => {
            let too_large = matches!(failure, Failure::Refused(Refusal::BodyTooLarge));
            if too_large && !is_held_back(&parts.headers) {
                deadline.within(discard(&mut body)).await;
            }
            failure.into_response()
        }
    }
}

async fn collect(headers: &HeaderMap, body: &mut Body) -> Result<Bytes, Failure> {
    if announces_too_much(headers) {
        return Err(Refusal::BodyTooLarge.into());
    }
    let mut received = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| broken_off())?;
        let Ok(data) = frame.into_data() else { continue };
        if received.len() + data.len() > MAX_BODY_BYTES {
            return Err(Refusal::BodyTooLarge.into());
        }
        received.extend_from_slice(&data);
    }
    Ok(received.freeze())
}

async fn discard(body: &mut Body) {
    let mut discarded = 0;
    while discarded < MAX_DISCARDED_BYTES {
        match body.frame().await {
            Some(Ok(frame)) => discarded += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

fn announces_too_much(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .is_some_and(|bytes: u64| bytes > MAX_BODY_BYTES as u64)
}

/// One who announced too much and waits for `100 Continue` has sent nothing yet, and is spared it.
fn is_held_back(headers: &HeaderMap) -> bool {
    let waits = headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    waits && announces_too_much(headers)
}

fn broken_off() -> Failure {
    let violation = Violation::new(
        "incomplete-body",
        "the body broke off or its framing is wrong; send it whole",
    );
    vec![FieldError::at_pointer("", violation)].into()
}
