//! What the document says of one endpoint, in the words that endpoints have in common.

use axum::http::StatusCode;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::Ref;
use utoipa::openapi::{Required, Response, ResponseBuilder};

use super::examples::{self, Examples};
use super::{Component, FailureKind};
use crate::media_type::BodyKind;

mod header;
mod parameter;
mod problems;
mod refusals;

use refusals::Refusals;

pub(crate) use header::Header;
pub(crate) use parameter::{ENTITY_TAGS, Parameter};
pub(super) use problems::answers as problem_answers;

/// The groups of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Tasks,
    Search,
    Health,
    About,
}

impl Tag {
    /// Every one, in the order of the document.
    pub(super) const ALL: [Self; 4] = [Self::Tasks, Self::Search, Self::Health, Self::About];

    /// Its name in the document.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Search => "search",
            Self::Health => "health",
            Self::About => "about",
        }
    }

    /// What belongs to it.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Tasks => {
                "Tasks created, read, changed, deleted, one or many. Answers come from the database."
            }
            Self::Search => {
                "Tasks found by words and conditions. The index follows the database with a short delay."
            }
            Self::Health => "For probes and balancers. They need no particular `Accept`.",
            Self::About => "The service itself.",
        }
    }
}

/// One endpoint of the document.
pub(crate) struct Endpoint {
    operation: OperationBuilder,
    refusals: Refusals,
    failures: Vec<FailureKind>,
    /// Neither the rate of a client nor the room for requests is for it.
    is_for_probes: bool,
}

impl Endpoint {
    /// An endpoint that takes nothing but the headers of every request, and fails as every request can.
    pub(crate) fn new(id: &str, tag: Tag, summary: &str, description: &str) -> Self {
        let operation = OperationBuilder::new()
            .tag(tag.name())
            .operation_id(Some(id))
            .summary(Some(summary))
            .description(Some(description));
        let mut failures = FailureKind::OF_EVERY_REQUEST.to_vec();
        let is_for_probes = tag == Tag::Health;
        if !is_for_probes {
            failures.extend(FailureKind::OF_EVERY_CALLER);
        }
        Self {
            operation,
            refusals: Refusals::of_every_request(tag),
            failures,
            is_for_probes,
        }
        .takes(Parameter::RequestId)
    }

    /// It reads this parameter.
    pub(crate) fn takes(mut self, parameter: Parameter) -> Self {
        let reference = Ref::new(format!("#/components/parameters/{}", parameter.key()));
        self.operation = self.operation.parameter_ref(reference);
        self.refusals.add_parameter(parameter);
        self
    }

    /// It reads a body, which must be there.
    pub(crate) fn reads(mut self, body: Body) -> Self {
        let kind = body.kind;
        self.refusals.add_body(body.shape);
        self.operation = self.operation.request_body(Some(body.into()));
        self.fails([FailureKind::UnsupportedMediaType(kind), FailureKind::PackedBody])
    }

    /// Its body may be as large as a bulk's.
    pub(crate) fn of_bulk_size(mut self) -> Self {
        self.failures.retain(|kind| *kind != FailureKind::BodyTooLarge);
        self.fails([FailureKind::BulkTooLarge])
    }

    /// It succeeds in this way.
    pub(crate) fn answers(mut self, status: StatusCode, answer: Answer) -> Self {
        let answer = if self.is_for_probes {
            answer
        } else {
            answer.carries(Header::RateLimit).carries(Header::RateLimitPolicy)
        };
        self.operation = self.operation.response(status.as_str(), Response::from(answer));
        self
    }

    /// It fails in these ways besides.
    pub(crate) fn fails(mut self, failures: impl IntoIterator<Item = FailureKind>) -> Self {
        self.failures.extend(failures);
        self
    }

    /// How it fails.
    pub(super) fn failures(&self) -> &[FailureKind] {
        &self.failures
    }

    /// The operation: its failures are references to shared answers, but for the one that lists its own refusals.
    pub(super) fn operation(self) -> Operation {
        let refusal = problems::refusal(&self.refusals);
        let operation = self.operation.response(StatusCode::BAD_REQUEST.as_str(), refusal);
        let problems = problems::by_answer(&self.failures);
        problems
            .into_iter()
            .fold(operation, |operation, ((status, name), _)| {
                operation.response(status.as_str(), Ref::from_response_name(name))
            })
            .build()
    }
}

/// A JSON body of a request.
pub(crate) struct Body {
    /// Which media types it has.
    pub(crate) kind: BodyKind,
    /// Its shape.
    pub(crate) shape: Component,
    /// Some that are accepted.
    pub(crate) examples: Examples,
}

impl From<Body> for RequestBody {
    fn from(body: Body) -> Self {
        let media_types = body.kind.media_types().split(", ");
        media_types
            .fold(RequestBodyBuilder::new(), |request, media_type| {
                request.content(media_type, json(body.shape, body.examples.clone()))
            })
            .required(Some(Required::True))
            .build()
    }
}

/// A successful answer.
pub(crate) struct Answer(ResponseBuilder);

impl Answer {
    /// An answer that carries what all do, and no body.
    pub(crate) fn new(description: &str) -> Self {
        Self(ResponseBuilder::new().description(description))
            .carries(Header::RequestId)
            .carries(Header::CacheControl)
    }

    /// It has a JSON body.
    pub(crate) fn shows(self, shape: Component, examples: Examples) -> Self {
        Self(self.0.content("application/json", json(shape, examples)))
    }

    /// It has a body of this media type, about whose shape nothing is said.
    pub(crate) fn shows_any(self, media_type: &str) -> Self {
        Self(
            self.0
                .content(media_type, Content::new(Some(super::schemas::untold(media_type)))),
        )
    }

    /// It has this header.
    pub(crate) fn carries(self, header: Header) -> Self {
        let reference = Ref::new(format!("#/components/headers/{}", header.key()));
        Self(self.0.header_ref(header.name(), reference))
    }

    /// The task in its body can be used at another endpoint.
    pub(crate) fn leads_to(self, name: &str, operation_id: &str) -> Self {
        let link = LinkBuilder::new()
            .operation_id(operation_id)
            .parameter("id", "$response.body#/task/id");
        Self(self.0.link(name, link.build()))
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        answer.0.build()
    }
}

fn json(shape: Component, examples: Examples) -> Content {
    ContentBuilder::new()
        .schema(Some(shape.reference()))
        .examples_from_iter(examples::to_openapi(examples))
        .build()
}
