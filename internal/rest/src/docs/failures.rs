//! The failures that an endpoint can name as its own, each with a specimen.

use std::time::Duration;

use taskwire_domain::{Conflict, Error, Location, Version};
use taskwire_service::TaskService;

use crate::body_limit::{MAX_BODY_BYTES, MAX_BULK_BYTES};
use crate::failure::{Failure, Refusal};
use crate::media_type::BodyKind;

/// A kind of failure, in the order in which a document lists them. Wrong values are none of them: how they can be wrong
/// depends on the endpoint (`endpoint/refusals.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailureKind {
    NotFound,
    NotAcceptable,
    BodyTooSlow,
    HasSubtasks,
    ParentCycle,
    ExternalIdTaken,
    Contended,
    SubtreeTooLarge,
    TwinInFlight,
    CursorExpired,
    VersionMismatch,
    NotYetSearchable,
    BodyTooLarge,
    BulkTooLarge,
    UnsupportedMediaType(BodyKind),
    PackedBody,
    KeyReused,
    PreconditionRequired,
    TargetTooLong,
    RateLimited,
    HeadersTooLarge,
    Internal,
    Unavailable,
    Overloaded,
    TimedOut,
    OutcomeUnknown,
    /// The same of a write that takes no `Idempotency-Key`.
    ChangeUnknown,
}

impl FailureKind {
    /// What any request can meet before it reaches its endpoint, or in it.
    pub(crate) const OF_EVERY_REQUEST: [Self; 5] = [
        Self::BodyTooSlow,
        Self::BodyTooLarge,
        Self::TargetTooLong,
        Self::HeadersTooLarge,
        Self::Internal,
    ];

    /// What only probes are spared.
    pub(crate) const OF_EVERY_CALLER: [Self; 2] = [Self::RateLimited, Self::Overloaded];

    /// Its name in the document.
    pub(super) fn name(self) -> String {
        match self {
            Self::UnsupportedMediaType(kind) => format!("UnsupportedMediaTypeOf{kind:?}"),
            kind => format!("{kind:?}"),
        }
    }

    /// One that could have happened.
    pub(crate) fn specimen(self) -> Failure {
        match self {
            Self::NotFound => not_found().into(),
            Self::NotAcceptable => Refusal::NotAcceptable.into(),
            Self::BodyTooSlow => Refusal::BodyTooSlow.into(),
            Self::HasSubtasks => Error::Conflict(Conflict::HasSubtasks).into(),
            Self::ParentCycle => Error::Conflict(Conflict::ParentCycle).into(),
            Self::ExternalIdTaken => Error::Conflict(Conflict::ExternalIdTaken).into(),
            Self::Contended => Error::Conflict(Conflict::Contended).into(),
            Self::SubtreeTooLarge => {
                let at_most = TaskService::MAX_CASCADE;
                Error::Conflict(Conflict::SubtreeTooLarge { at_most }).into()
            }
            Self::TwinInFlight => Error::Conflict(Conflict::TwinInFlight).into(),
            Self::CursorExpired => Error::ViewGone.into(),
            Self::KeyReused => Error::Conflict(Conflict::KeyReused).into(),
            Self::PreconditionRequired => Refusal::PreconditionRequired.into(),
            Self::BulkTooLarge => Refusal::BodyTooLarge {
                limit: MAX_BULK_BYTES,
            }
            .into(),
            Self::VersionMismatch => {
                let current = Version::FIRST.next();
                Error::Conflict(Conflict::VersionMismatch { current }).into()
            }
            Self::NotYetSearchable => Error::Conflict(Conflict::NotYetSearchable).into(),
            Self::BodyTooLarge => Refusal::BodyTooLarge {
                limit: MAX_BODY_BYTES,
            }
            .into(),
            Self::PackedBody => Refusal::PackedBody(BodyKind::Post).into(),
            Self::UnsupportedMediaType(kind) => Refusal::UnsupportedMediaType(kind).into(),
            Self::TargetTooLong => Refusal::TargetTooLong.into(),
            Self::RateLimited => Refusal::RateLimited {
                retry_after: Duration::from_secs(1),
            }
            .into(),
            Self::Overloaded => Refusal::Overloaded.into(),
            Self::HeadersTooLarge => Refusal::HeadersTooLarge.into(),
            Self::Internal => Failure::Panicked(String::new()),
            Self::Unavailable => Error::Unavailable {
                dependency: "",
                retry_after: Duration::from_secs(1),
                cause: "".into(),
            }
            .into(),
            Self::TimedOut => Refusal::TimedOut.into(),
            Self::OutcomeUnknown | Self::ChangeUnknown => Error::OutcomeUnknown { cause: "".into() }.into(),
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
