//! The failures that an endpoint can name as its own, each with a specimen.

use std::time::Duration;

use axum::http::header;
use taskwire_domain::{Conflict, Error, FieldError, Location, Version, Violation};

use crate::failure::{Failure, Refusal};

/// A kind of failure, in the order in which a document lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailureKind {
    Invalid,
    NotFound,
    NotAcceptable,
    BodyTooSlow,
    HasSubtasks,
    ParentCycle,
    ExternalIdTaken,
    Contended,
    VersionMismatch,
    BodyTooLarge,
    UnsupportedMediaType,
    HeadersTooLarge,
    Internal,
    Unavailable,
    TimedOut,
    OutcomeUnknown,
}

impl FailureKind {
    /// What any request can meet before it reaches its endpoint, or in it.
    pub(crate) const OF_EVERY_REQUEST: [Self; 5] = [
        Self::Invalid,
        Self::BodyTooSlow,
        Self::BodyTooLarge,
        Self::HeadersTooLarge,
        Self::Internal,
    ];

    /// One that could have happened.
    pub(crate) fn specimen(self) -> Failure {
        match self {
            Self::Invalid => wrong_values().into(),
            Self::NotFound => not_found().into(),
            Self::NotAcceptable => Refusal::NotAcceptable.into(),
            Self::BodyTooSlow => Refusal::BodyTooSlow.into(),
            Self::HasSubtasks => Error::Conflict(Conflict::HasSubtasks).into(),
            Self::ParentCycle => Error::Conflict(Conflict::ParentCycle).into(),
            Self::ExternalIdTaken => Error::Conflict(Conflict::ExternalIdTaken).into(),
            Self::Contended => Error::Conflict(Conflict::Contended).into(),
            Self::VersionMismatch => {
                let current = Version::FIRST.next();
                Error::Conflict(Conflict::VersionMismatch { current }).into()
            }
            Self::BodyTooLarge => Refusal::BodyTooLarge.into(),
            Self::UnsupportedMediaType => Refusal::UnsupportedMediaType {
                advertise: header::ACCEPT,
            }
            .into(),
            Self::HeadersTooLarge => Refusal::HeadersTooLarge.into(),
            Self::Internal => Failure::Panicked(String::new()),
            Self::Unavailable => Error::Unavailable {
                dependency: "",
                retry_after: Duration::from_secs(1),
                cause: "".into(),
            }
            .into(),
            Self::TimedOut => Refusal::TimedOut.into(),
            Self::OutcomeUnknown => Error::OutcomeUnknown { cause: "".into() }.into(),
        }
    }
}

fn not_found() -> Error {
    let id = super::examples::TASK_ID.parse();
    id.map_or_else(
        |violation| Error::invalid(Location::Parameter("id".to_owned()), violation),
        Error::NotFound,
    )
}

fn wrong_values() -> Vec<FieldError> {
    let missing = Violation::new("missing", "is required");
    let malformed = Violation::new(
        "malformed-entity-tag",
        "must be * or a list of quoted entity tags, such as \"3\"",
    );
    vec![
        FieldError::at_pointer("/description", missing),
        FieldError {
            location: Location::Header("if-match".to_owned()),
            violation: malformed,
        },
    ]
}
