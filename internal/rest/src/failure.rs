//! Every way in which a request can end without its answer.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use taskwire_domain::{Error, FieldError};

use crate::failure_table;
use crate::media_type::BodyKind;

/// What HTTP itself refuses, before or after a use case has a say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No endpoint has this path.
    UnknownPath,
    /// The path has endpoints, none of this method. The router adds `Allow`.
    MethodNotAllowed,
    /// The caller does not accept JSON.
    NotAcceptable,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The body is not declared to be what the endpoint reads.
    UnsupportedMediaType(BodyKind),
    /// The body is packed, with gzip or otherwise.
    PackedBody(BodyKind),
    /// The body is larger than the endpoint takes.
    BodyTooLarge {
        /// How many bytes it takes.
        limit: usize,
    },
    /// The write names no version, and the operator demands that it does.
    PreconditionRequired,
    /// The headers together are larger than we take.
    HeadersTooLarge,
    /// Path and query are longer than we take.
    TargetTooLong,
    /// A read took longer than a request may.
    TimedOut,
    /// The client has used up its rate.
    RateLimited {
        /// When the client may send one more.
        retry_after: Duration,
    },
    /// There are too many requests in progress, or too many connections.
    Overloaded,
}

/// Why a request has no ordinary answer. As a response it is a status, its headers and a note of itself, which
/// [`problem`](crate::problem) turns into a document once the request id is at hand.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The use case said so, or would say so of what could not be decoded.
    Domain(Error),
    /// HTTP said so.
    Refused(Refusal),
    /// A handler panicked with this message.
    Panicked(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Domain(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Vec<FieldError>> for Failure {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Domain(Error::Invalid(errors))
    }
}

/// The failure behind a response, for the one who writes the document.
#[derive(Debug, Clone)]
pub(crate) struct FailureNote(pub(crate) Arc<Failure>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = failure_table::row(&self).status.into_response();
        let headers = response.headers_mut();
        match &self {
            Self::Domain(Error::Unavailable { retry_after, .. })
            | Self::Refused(Refusal::RateLimited { retry_after }) => {
                headers.insert(
                    header::RETRY_AFTER,
                    HeaderValue::from(whole_seconds(*retry_after)),
                );
            }
            Self::Refused(Refusal::Overloaded) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::Refused(Refusal::UnsupportedMediaType(kind) | Refusal::PackedBody(kind)) => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
                headers.insert(kind.header(), HeaderValue::from_static(kind.media_types()));
            }
            Self::Domain(_) | Self::Refused(_) | Self::Panicked(_) => {}
        }
        response.extensions_mut().insert(FailureNote(Arc::new(self)));
        response
    }
}

/// Upwards and at least one: an early attempt is a wasted one, and 0 would invite a storm.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    let begun = u64::from(time.subsec_nanos() > 0);
    (time.as_secs() + begun).max(1)
}

/// Both values, or every error of both.
pub(crate) fn both<A, B>(
    first: Result<A, Vec<FieldError>>,
    second: Result<B, Vec<FieldError>>,
) -> Result<(A, B), Vec<FieldError>> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(mut errors), Err(more)) => {
            errors.extend(more);
            Err(errors)
        }
        (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
    }
}
