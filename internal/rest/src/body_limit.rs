//! How large a request's body may be, and what becomes of one that is larger, slower or broken off.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use taskwire_domain::{FieldError, Violation};

use crate::failure::{Failure, Refusal};
use crate::time_limit::Deadline;

/// The limit of every endpoint but [`BULK_PATH`].
pub(crate) const MAX_BODY_BYTES: usize = 128 * 1024;

/// The limit of [`BULK_PATH`].
pub(crate) const MAX_BULK_BYTES: usize = 1024 * 1024;

/// Where many tasks are written at once.
pub(crate) const BULK_PATH: &str = "/tasks/bulk";

/// How much of a body that is too large is read and thrown away. A connection closed with unread bytes is reset,
/// and the reset can overtake the answer; one who keeps sending would never see the 413.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;

/// How long one whose body is not wanted may go on sending it.
const DISCARD_TIME: Duration = Duration::from_secs(3);

/// Reads the whole body before anything else happens, so that a handler has no part in waiting for a slow one,
/// and starts the request's time.
///
/// # Errors
/// The refusal, which closes the connection unless the body was read to its end.
pub(crate) async fn receive(request: Request) -> Result<Request, Box<Response>> {
    let deadline = Deadline::of_a_new_request();
    let (mut parts, mut body) = request.into_parts();
    let limit = limit_at(parts.uri.path());
    let received = deadline.within(collect(&parts.headers, &mut body, limit)).await;
    match received.unwrap_or(Err(Refusal::BodyTooSlow.into())) {
        Ok(bytes) => {
            parts.extensions.insert(deadline);
            Ok(Request::from_parts(parts, Body::from(bytes)))
        }
        Err(failure) => {
            let too_large = matches!(failure, Failure::Refused(Refusal::BodyTooLarge { .. }));
            let is_awaited = waits(&parts.headers) && announces_too_much(&parts.headers, limit);
            let ended =
                too_large && !is_awaited && deadline.within(discard(&mut body)).await.unwrap_or(false);
            Err(Box::new(refusal(failure, ended)))
        }
    }
}

/// The refusal of a request whose body was not touched, which is read away so that the refusal can be read.
pub(crate) async fn refuse_unread(request: Request, failure: Failure) -> Response {
    let (parts, mut body) = request.into_parts();
    let ended = body.is_end_stream()
        || !waits(&parts.headers)
            && tokio::time::timeout(DISCARD_TIME, discard(&mut body))
                .await
                .unwrap_or(false);
    refusal(failure, ended)
}

/// What is left of an abandoned body cannot be told from the next request: the connection ends, and the answer says so.
fn refusal(failure: Failure, body_ended: bool) -> Response {
    let mut answer = failure.into_response();
    if !body_ended {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
    }
    answer
}

/// How many bytes a body may have there.
fn limit_at(path: &str) -> usize {
    if path == BULK_PATH {
        MAX_BULK_BYTES
    } else {
        MAX_BODY_BYTES
    }
}

async fn collect(headers: &HeaderMap, body: &mut Body, limit: usize) -> Result<Bytes, Failure> {
    if announces_too_much(headers, limit) {
        return Err(Refusal::BodyTooLarge { limit }.into());
    }
    let mut received = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| broken_off())?;
        let Ok(data) = frame.into_data() else { continue };
        if received.len() + data.len() > limit {
            return Err(Refusal::BodyTooLarge { limit }.into());
        }
        received.extend_from_slice(&data);
    }
    Ok(received.freeze())
}

/// Whether the body came to its end.
async fn discard(body: &mut Body) -> bool {
    let mut discarded = 0;
    while discarded < MAX_DISCARDED_BYTES {
        match body.frame().await {
            Some(Ok(frame)) => discarded += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) => return false,
            None => return true,
        }
    }
    false
}

fn announces_too_much(headers: &HeaderMap, limit: usize) -> bool {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .is_some_and(|bytes: u64| bytes > limit as u64)
}

/// One who waits for `100 Continue` has sent nothing as long as nobody asked for the body, and is spared it.
fn waits(headers: &HeaderMap) -> bool {
    headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn broken_off() -> Failure {
    let violation = Violation::new(
        "incomplete-body",
        "the body broke off or its framing is wrong; send it whole",
    );
    vec![FieldError::at_pointer("", violation)].into()
}
