//! Headers of answers.

use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Header as OpenApiHeader, HeaderBuilder};

use crate::docs::examples::TASK_ID;
use crate::media_type::BodyKind;
use crate::request_id::RequestId;

/// A header that some answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    RequestId,
    EntityTag,
    Location,
    ConsistencyToken,
    RetryAfter,
    RateLimit,
    RateLimitPolicy,
    IdempotencyReplayed,
    Link,
    Accept,
    AcceptPost,
    AcceptPatch,
    AcceptEncoding,
    Vary,
    CacheControl,
}

impl Header {
    /// Every one, in the order of the document.
    pub(in crate::docs) const ALL: [Self; 15] = [
        Self::RequestId,
        Self::EntityTag,
        Self::Location,
        Self::ConsistencyToken,
        Self::RetryAfter,
        Self::RateLimit,
        Self::RateLimitPolicy,
        Self::IdempotencyReplayed,
        Self::Link,
        Self::Accept,
        Self::AcceptPost,
        Self::AcceptPatch,
        Self::AcceptEncoding,
        Self::Vary,
        Self::CacheControl,
    ];

    /// Its name in `components/headers`.
    pub(in crate::docs) fn key(self) -> String {
        format!("{self:?}")
    }

    /// Its name in an answer.
    pub(in crate::docs) fn name(self) -> &'static str {
        match self {
            Self::RequestId => "X-Request-Id",
            Self::EntityTag => "ETag",
            Self::Location => "Location",
            Self::ConsistencyToken => "X-Consistency-Token",
            Self::RetryAfter => "Retry-After",
            Self::RateLimit => "RateLimit",
            Self::RateLimitPolicy => "RateLimit-Policy",
            Self::IdempotencyReplayed => "Idempotency-Replayed",
            Self::Link => "Link",
            Self::Accept => "Accept",
            Self::AcceptPost => "Accept-Post",
            Self::AcceptPatch => "Accept-Patch",
            Self::AcceptEncoding => "Accept-Encoding",
            Self::Vary => "Vary",
            Self::CacheControl => "Cache-Control",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::RequestId => "The request's id: the caller's, or a new one. Logs name it too.",
            Self::EntityTag => {
                "The task's version as a strong entity tag, for `If-Match` and `If-None-Match`."
            }
            Self::Location => "The path of the new task.",
            Self::ConsistencyToken => {
                "Names this write as `<id>@<version>`; after a deletion, with the version after the last."
            }
            Self::RetryAfter => "After how many seconds to send the same request again.",
            Self::RateLimit => {
                "Where the client stands, if its rate is limited: `r` more requests, which spread over `t` seconds keep \
                 to the rate (draft-ietf-httpapi-ratelimit-headers)."
            }
            Self::RateLimitPolicy => {
                "The client's rate, if it is limited: `q` requests in `w` seconds \
                 (draft-ietf-httpapi-ratelimit-headers)."
            }
            Self::IdempotencyReplayed => {
                "`true` when the request came before and this is the answer that was given then; absent otherwise."
            }
            Self::Link => "The next page, as `rel=\"next\"` (RFC 8288); absent on the last one.",
            Self::Accept => "What a PUT may carry.",
            Self::AcceptPost => "What a POST may carry.",
            Self::AcceptPatch => "What a PATCH may carry (RFC 5789).",
            Self::AcceptEncoding => "How a body may be packed: not at all.",
            Self::Vary => "Which request headers the answer depends on.",
            Self::CacheControl => {
                "Whether a copy may be kept: of a task, to ask again with its `ETag`; mostly not."
            }
        }
    }

    /// What the document says of it.
    pub(in crate::docs) fn build(self) -> OpenApiHeader {
        let kind = if self == Self::RetryAfter {
            Type::Integer
        } else {
            Type::String
        };
        let mut schema = ObjectBuilder::new().schema_type(kind);
        schema = match self {
            Self::RequestId => schema.min_length(Some(1)).max_length(Some(RequestId::MAX_CHARS)),
            Self::EntityTag => schema.pattern(Some(r#"^"[1-9][0-9]*"$"#)),
            Self::RetryAfter => schema.minimum(Some(1)),
            _ => schema,
        };
        let example = match self {
            Self::RequestId => json!("0199c5a0-8a11-7f02-b0d4-6a1f7f1c2e33"),
            Self::EntityTag => json!("\"1\""),
            Self::Location => json!(format!("/tasks/{TASK_ID}")),
            Self::ConsistencyToken => json!(format!("{TASK_ID}@1")),
            Self::RetryAfter => json!(1),
            Self::RateLimit => json!("\"default\";r=99;t=1"),
            Self::RateLimitPolicy => json!("\"default\";q=100;w=1"),
            Self::IdempotencyReplayed => json!("true"),
            Self::Link => json!("</tasks?limit=50&cursor=AQEkbWfX>; rel=\"next\""),
            Self::Accept | Self::AcceptPost => json!("application/json"),
            Self::AcceptPatch => json!(BodyKind::Patch.media_types()),
            Self::AcceptEncoding => json!("identity"),
            Self::Vary => json!("accept"),
            Self::CacheControl => json!("no-store"),
        };
        HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(self.description()))
            .example(Some(example))
            .build()
    }
}
