//! The one table from failures to statuses. It has no wildcard: a new variant does not compile until it has a row.

use axum::http::StatusCode;
use taskwire_domain::{Conflict, Error};

use crate::failure::{Failure, Refusal};

/// How a kind of failure looks outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// Stable, kebab-case; clients branch on it.
    pub(crate) code: &'static str,
    /// The same for every failure of this kind.
    pub(crate) title: &'static str,
}

const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Row {
    Row { status, code, title }
}

/// The row of a failure.
pub(crate) fn row(failure: &Failure) -> Row {
    match failure {
        Failure::Domain(error) => of_error(error),
        Failure::Refused(refusal) => of_refusal(refusal),
        Failure::Panicked(_) => INTERNAL,
    }
}

const INTERNAL: Row = new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "internal",
    "The service failed",
);

/// The row of what a use case says.
pub(crate) fn of_error(error: &Error) -> Row {
    match error {
        Error::Invalid(_) => new(
            StatusCode::BAD_REQUEST,
            "invalid-request",
            "The request breaks rules",
        ),
        Error::NotFound(_) => new(StatusCode::NOT_FOUND, "task-not-found", "The task does not exist"),
        Error::Conflict(conflict) => of_conflict(conflict),
        Error::ViewGone => new(
            StatusCode::GONE,
            "cursor-expired",
            "The search cannot go on where it was",
        ),
        Error::Unavailable { .. } => new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service is unavailable for the moment",
        ),
        Error::OutcomeUnknown { .. } => new(
            StatusCode::GATEWAY_TIMEOUT,
            "outcome-unknown",
            "The outcome of the write is unknown",
        ),
        Error::Internal { .. } => INTERNAL,
    }
}

fn of_conflict(conflict: &Conflict) -> Row {
    match conflict {
        Conflict::HasSubtasks => new(
            StatusCode::CONFLICT,
            "has-subtasks",
            "The task still has sub-tasks",
        ),
        Conflict::ParentCycle => new(
            StatusCode::CONFLICT,
            "parent-cycle",
            "The task would become its own ancestor",
        ),
        Conflict::ExternalIdTaken => new(
            StatusCode::CONFLICT,
            "external-id-taken",
            "Another task has this external id",
        ),
        Conflict::VersionMismatch { .. } => new(
            StatusCode::PRECONDITION_FAILED,
            "version-mismatch",
            "The request does not accept the task's version",
        ),
        Conflict::Contended => new(
            StatusCode::CONFLICT,
            "contended",
            "The task is being changed too often",
        ),
        Conflict::SubtreeTooLarge { .. } => new(
            StatusCode::CONFLICT,
            "subtree-too-large",
            "There are too many tasks below this one",
        ),
        Conflict::RolledBack => new(
            StatusCode::FAILED_DEPENDENCY,
            "rolled-back",
            "Another operation of the batch was refused",
        ),
        Conflict::KeyReused => new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "The idempotency key was used with another request",
        ),
        Conflict::NotYetSearchable => new(
            StatusCode::PRECONDITION_FAILED,
            "not-yet-searchable",
            "Searches do not see the writes yet",
        ),
        Conflict::TwinInFlight => new(
            StatusCode::CONFLICT,
            "idempotency-key-in-flight",
            "A request with this idempotency key is in progress",
        ),
    }
}

fn of_refusal(refusal: &Refusal) -> Row {
    match refusal {
        Refusal::UnknownPath => new(StatusCode::NOT_FOUND, "unknown-path", "There is nothing here"),
        Refusal::MethodNotAllowed => new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The method is not allowed here",
        ),
        Refusal::NotAcceptable => new(
            StatusCode::NOT_ACCEPTABLE,
            "not-acceptable",
            "The answer would not be acceptable",
        ),
        Refusal::BodyTooSlow => new(
            StatusCode::REQUEST_TIMEOUT,
            "body-too-slow",
            "The body took too long to arrive",
        ),
        Refusal::PackedBody(_) => new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-content-encoding",
            "The content encoding is not supported",
        ),
        Refusal::UnsupportedMediaType(_) => new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The media type is not supported",
        ),
        Refusal::BodyTooLarge { .. } => new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "The body is too large",
        ),
        Refusal::PreconditionRequired => new(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition-required",
            "If-Match is required",
        ),
        Refusal::HeadersTooLarge => new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers-too-large",
            "The headers are too large",
        ),
        Refusal::TargetTooLong => new(
            StatusCode::URI_TOO_LONG,
            "target-too-long",
            "The path and the query are too long",
        ),
        Refusal::RateLimited { .. } => new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate-limited",
            "The client sends too many requests",
        ),
        Refusal::Overloaded => new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "The service has too much to do for the moment",
        ),
        Refusal::TimedOut => new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "The request took too long",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use taskwire_domain::Version;

    use super::*;
    use crate::media_type::BodyKind;

    fn every_failure() -> Vec<(Failure, u16, &'static str)> {
        let id = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap();
        let unavailable = Error::Unavailable {
            dependency: "postgresql",
            retry_after: Duration::from_secs(1),
            cause: "away".into(),
        };
        let unknown = Error::OutcomeUnknown {
            cause: "reset".into(),
        };
        let internal = Error::Internal {
            context: "x",
            cause: "y".into(),
        };
        let unsupported = Refusal::UnsupportedMediaType(BodyKind::Put);
        let limited = Refusal::RateLimited {
            retry_after: Duration::from_secs(1),
        };
        let others = vec![
            (Error::Invalid(Vec::new()).into(), 400, "invalid-request"),
            (Error::NotFound(id).into(), 404, "task-not-found"),
            (Error::ViewGone.into(), 410, "cursor-expired"),
            (unavailable.into(), 503, "unavailable"),
            (unknown.into(), 504, "outcome-unknown"),
            (internal.into(), 500, "internal"),
            (Failure::Panicked("x".into()), 500, "internal"),
            (Refusal::UnknownPath.into(), 404, "unknown-path"),
            (Refusal::MethodNotAllowed.into(), 405, "method-not-allowed"),
            (Refusal::NotAcceptable.into(), 406, "not-acceptable"),
            (Refusal::BodyTooSlow.into(), 408, "body-too-slow"),
            (unsupported.into(), 415, "unsupported-media-type"),
            (Refusal::BodyTooLarge { limit: 1 }.into(), 413, "body-too-large"),
            (Refusal::PreconditionRequired.into(), 428, "precondition-required"),
            (Refusal::HeadersTooLarge.into(), 431, "headers-too-large"),
            (
                Refusal::PackedBody(BodyKind::Put).into(),
                415,
                "unsupported-content-encoding",
            ),
            (Refusal::TargetTooLong.into(), 414, "target-too-long"),
            (limited.into(), 429, "rate-limited"),
            (Refusal::Overloaded.into(), 503, "overloaded"),
            (Refusal::TimedOut.into(), 504, "timeout"),
        ];
        let conflicts = every_conflict()
            .into_iter()
            .map(|(conflict, status, code)| (Error::Conflict(conflict).into(), status, code));
        others.into_iter().chain(conflicts).collect()
    }

    fn every_conflict() -> [(Conflict, u16, &'static str); 10] {
        let current = Version::FIRST;
        [
            (Conflict::HasSubtasks, 409, "has-subtasks"),
            (Conflict::ParentCycle, 409, "parent-cycle"),
            (Conflict::ExternalIdTaken, 409, "external-id-taken"),
            (Conflict::VersionMismatch { current }, 412, "version-mismatch"),
            (Conflict::Contended, 409, "contended"),
            (Conflict::SubtreeTooLarge { at_most: 1 }, 409, "subtree-too-large"),
            (Conflict::RolledBack, 424, "rolled-back"),
            (Conflict::KeyReused, 422, "idempotency-key-reused"),
            (Conflict::TwinInFlight, 409, "idempotency-key-in-flight"),
            (Conflict::NotYetSearchable, 412, "not-yet-searchable"),
        ]
    }

    #[test]
    fn every_failure_has_its_status_and_code() {
        for (failure, status, code) in every_failure() {
            let row = row(&failure);
            assert_eq!((row.status.as_u16(), row.code), (status, code), "{failure:?}");
        }
    }

    #[test]
    fn a_code_has_one_title_and_one_status() {
        let rows: HashSet<_> = every_failure()
            .iter()
            .map(|(failure, ..)| row(failure))
            .map(|row| (row.code, row.title, row.status))
            .collect();
        let codes: HashSet<_> = rows.iter().map(|(code, ..)| code).collect();
        assert_eq!(codes.len(), rows.len());
    }
}
