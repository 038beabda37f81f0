//! Problem documents (RFC 9457), and the log line of a failure that is ours.

use axum::body::Body;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use serde::Serialize;
use taskwire_domain::{Chain, Conflict, Error, FieldError, Location, OUTBOX};

use crate::failure::{Failure, FailureNote, Refusal};
use crate::failure_table::{self, Row};
use crate::head_limit::{MAX_HEADER_BYTES, MAX_TARGET_BYTES};
use crate::media_type::BodyKind;
use crate::request_id::RequestId;
use crate::time_limit::MAX_REQUEST_TIME;

/// How many wrong values one answer names. No honest request has more, and a hostile one should not get an answer
/// many times its own size.
pub(crate) const MAX_WRONG_FIELDS: usize = 1_000;

/// Writes the document into an answer that notes a failure; any other answer passes unchanged.
pub(crate) fn write_document(mut response: Response, request_id: &RequestId, repeats: Repeats) -> Response {
    let Some(FailureNote(failure)) = response.extensions_mut().remove::<FailureNote>() else {
        return response;
    };
    let row = failure_table::row(&failure);
    log(&failure, row, request_id);
    // Strings and numbers under string keys: writing them as JSON cannot fail, and an empty body would still
    // go with the right status.
    let body = serde_json::to_vec(&document(&failure, request_id.as_str(), repeats)).unwrap_or_default();
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(header::CONTENT_LENGTH);
    response
}

/// The document of a failure.
pub(crate) fn document<'a>(failure: &'a Failure, request_id: &'a str, repeats: Repeats) -> Document<'a> {
    let errors = match failure {
        Failure::Domain(error) => wrong_fields(error, MAX_WRONG_FIELDS),
        Failure::Refused(_) | Failure::Panicked(_) => None,
    };
    Document {
        request_id: Some(request_id),
        ..Document::new(failure_table::row(failure), detail(failure, repeats), errors)
    }
}

/// The document of what went wrong with one part of a request, naming so many wrong values. The answer around it names
/// the request; the part may be given again in the answer to another one.
pub(crate) fn part_document(error: &Error, at_most: usize) -> Document<'_> {
    Document::new(
        failure_table::of_error(error),
        detail_of_error(error, at_most, Repeats::UnderKey),
        wrong_fields(error, at_most),
    )
}

/// How one finds out what became of a write of unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// By sending it again under its `Idempotency-Key`.
    UnderKey,
    /// By reading the task.
    AfterRead,
}

impl Repeats {
    /// Keys are honoured by those who create, and the writes among POST are these.
    pub(crate) fn of(method: &Method) -> Self {
        if method == Method::POST {
            Self::UnderKey
        } else {
            Self::AfterRead
        }
    }
}

/// What a caller is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<WrongField<'a>>>,
}

impl<'a> Document<'a> {
    fn new(row: Row, detail: String, errors: Option<Vec<WrongField<'a>>>) -> Self {
        Self {
            r#type: format!("urn:taskwire:problem:{}", row.code),
            title: row.title,
            status: row.status.as_u16(),
            detail,
            code: row.code,
            request_id: None,
            errors,
        }
    }

    /// How many wrong values it names.
    pub(crate) fn wrong_values(&self) -> usize {
        self.errors.as_ref().map_or(0, Vec::len)
    }

    /// The status it is about.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }
}

#[derive(Serialize)]
struct WrongField<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    code: &'static str,
    detail: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Place<'a> {
    Pointer(&'a str),
    Parameter(&'a str),
    Header(&'a str),
}

fn wrong_fields(error: &Error, at_most: usize) -> Option<Vec<WrongField<'_>>> {
    let Error::Invalid(errors) = error else {
        return None;
    };
    Some(errors.iter().take(at_most).map(wrong_field).collect())
}

fn wrong_field(error: &FieldError) -> WrongField<'_> {
    WrongField {
        place: match &error.location {
            Location::Pointer(pointer) => Place::Pointer(pointer),
            Location::Parameter(name) => Place::Parameter(name),
            Location::Header(name) => Place::Header(name),
        },
        code: error.violation.code,
        detail: &error.violation.detail,
    }
}

/// A sentence for people about this occurrence, free of anything from inside.
fn detail(failure: &Failure, repeats: Repeats) -> String {
    match failure {
        Failure::Domain(error) => detail_of_error(error, MAX_WRONG_FIELDS, repeats),
        Failure::Panicked(_) => OUR_FAULT.to_owned(),
        Failure::Refused(refusal) => refusal_detail(refusal),
    }
}

const OUR_FAULT: &str = "this is a fault of the service; its log tells more under the request id";

fn detail_of_error(error: &Error, at_most: usize, repeats: Repeats) -> String {
    match error {
        Error::Invalid(errors) => match errors.len() {
            1 => "one value of the request is wrong; errors names it".to_owned(),
            count if count > at_most => {
                let named = if at_most == 1 { String::new() } else { format!(" {at_most}") };
                format!("{count} values of the request are wrong; errors names the first{named}")
            }
            count => format!("{count} values of the request are wrong; errors names each"),
        },
        error @ Error::NotFound(_) => error.to_string(),
        Error::Conflict(Conflict::NotYetSearchable) => {
            "searches do not see the writes in after yet; send it again, or with a longer timeout, or without strict"
                .to_owned()
        }
        Error::Conflict(conflict) => conflict.to_string(),
        Error::ViewGone => {
            "what the cursor goes on in is not kept any more: it was not used for too long, the walk was at its end, too many others were begun since, or the index was replaced; begin anew with the cursor *"
                .to_owned()
        }
        Error::Unavailable {
            dependency: OUTBOX, ..
        } => "nothing was applied: too many changes wait to be announced, so writes are refused for the moment while reads and searches go on; send the same request again after the time in Retry-After"
            .to_owned(),
        Error::Unavailable { .. } => {
            "nothing was applied; send the same request again after the time in Retry-After".to_owned()
        }
        Error::OutcomeUnknown { .. } => match repeats {
            Repeats::UnderKey => {
                "the write may have been applied or not; send it again under the same Idempotency-Key, or read first"
            }
            Repeats::AfterRead => "the write may have been applied or not; read the task first",
        }
        .to_owned(),
        Error::Internal { .. } => OUR_FAULT.to_owned(),
    }
}

fn refusal_detail(refusal: &Refusal) -> String {
    match refusal {
        Refusal::UnknownPath => "no endpoint has this path".to_owned(),
        Refusal::MethodNotAllowed => "Allow lists the methods that this path has".to_owned(),
        Refusal::NotAcceptable => "answers are application/json, which Accept must not exclude".to_owned(),
        Refusal::BodyTooSlow => format!(
            "nothing was applied; send the whole body within {} seconds",
            MAX_REQUEST_TIME.as_secs()
        ),
        Refusal::PackedBody(_) => "the body must be sent as it is, without Content-Encoding".to_owned(),
        Refusal::UnsupportedMediaType(BodyKind::Post | BodyKind::Put) => {
            "the body must be JSON, sent with Content-Type: application/json".to_owned()
        }
        Refusal::UnsupportedMediaType(BodyKind::Patch) => {
            "the body must be a JSON Merge Patch, sent with Content-Type: application/merge-patch+json"
                .to_owned()
        }
        Refusal::BodyTooLarge { limit } => format!("the body may have at most {limit} bytes"),
        Refusal::PreconditionRequired => {
            "send If-Match with the ETag of the version that this write is meant for, or * for any".to_owned()
        }
        Refusal::HeadersTooLarge => format!("the headers may have at most {MAX_HEADER_BYTES} bytes together"),
        Refusal::TargetTooLong => {
            format!("path and query may have at most {MAX_TARGET_BYTES} bytes together")
        }
        Refusal::RateLimited { .. } => {
            "nothing was applied; RateLimit-Policy tells the rate, Retry-After when to send the request again"
                .to_owned()
        }
        Refusal::Overloaded => {
            "nothing was applied; send the same request again after the time in Retry-After".to_owned()
        }
        Refusal::TimedOut => format!(
            "the answer was not ready in {} seconds",
            MAX_REQUEST_TIME.as_secs()
        ),
    }
}

/// Logs what an operator should see, once, with its causes. What the caller did wrong is the caller's to see.
fn log(failure: &Failure, row: Row, request_id: &RequestId) {
    let request_id = request_id.as_str();
    match failure {
        Failure::Domain(error @ Error::Unavailable { .. }) => {
            tracing::warn!(
                request.id = request_id,
                problem.code = row.code,
                error = %Chain(error),
                "request refused, a dependency is away"
            );
        }
        Failure::Domain(error @ (Error::OutcomeUnknown { .. } | Error::Internal { .. })) => {
            tracing::error!(
                request.id = request_id,
                problem.code = row.code,
                error = %Chain(error),
                "request failed"
            );
        }
        Failure::Panicked(message) => {
            tracing::error!(
                request.id = request_id,
                problem.code = row.code,
                error = message.as_str(),
                "a handler panicked"
            );
        }
        Failure::Refused(Refusal::TimedOut) => {
            tracing::warn!(
                request.id = request_id,
                problem.code = row.code,
                "request took too long"
            );
        }
        Failure::Domain(_) | Failure::Refused(_) => {
            tracing::debug!(
                request.id = request_id,
                problem.code = row.code,
                "request refused"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use taskwire_domain::Violation;

    use super::*;

    async fn answer(failure: Failure) -> (Response<()>, Value) {
        let id = RequestId::accept_or_make(Some(&HeaderValue::from_static("r-1")));
        let (parts, body) = write_document(failure.into_response(), &id, Repeats::UnderKey).into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (
            Response::from_parts(parts, ()),
            serde_json::from_slice(&bytes).unwrap(),
        )
    }

    #[tokio::test]
    async fn wrong_values_are_listed_by_pointer_parameter_and_header() {
        let wrong = |location| FieldError {
            location,
            violation: Violation::new("bad", "is bad"),
        };
        let errors = vec![
            wrong(Location::Pointer("/a~1b".into())),
            wrong(Location::Parameter("id".into())),
            wrong(Location::Header("if-match".into())),
        ];
        let (answer, document) = answer(errors.into()).await;
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let wanted = json!({
            "type": "urn:taskwire:problem:invalid-request", "title": "The request breaks rules", "status": 400,
            "detail": "3 values of the request are wrong; errors names each", "code": "invalid-request",
            "requestId": "r-1",
            "errors": [
                {"pointer": "/a~1b", "code": "bad", "detail": "is bad"},
                {"parameter": "id", "code": "bad", "detail": "is bad"},
                {"header": "if-match", "code": "bad", "detail": "is bad"}
            ]
        });
        assert_eq!(document, wanted);
    }

    #[tokio::test]
    async fn a_cause_stays_inside_and_retry_after_is_whole_seconds_upwards() {
        let error = Error::Unavailable {
            dependency: "postgresql",
            retry_after: std::time::Duration::from_millis(1_200),
            cause: "password authentication failed".into(),
        };
        let (answer, document) = answer(error.into()).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &HeaderValue::from_static("2"))
        );
        assert!(!document.to_string().contains("password"), "{document}");
        assert!(!document.to_string().contains("postgresql"), "{document}");
        assert!(document.get("errors").is_none());
    }

    #[tokio::test]
    async fn an_ordinary_answer_passes_unchanged() {
        let id = RequestId::accept_or_make(None);
        let answer = write_document("fine".into_response(), &id, Repeats::UnderKey);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "fine");
    }
}
