//! Parameters of requests: in the path, and headers.

use serde_json::{Value, json};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter as OpenApiParameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::docs::{examples::TASK_ID, schemas};
use crate::request_id::RequestId;

/// `*`, or a list of quoted tags.
const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"(\s*,\s*(W/)?"[!#-~]*")*)$"#;

/// A parameter that some endpoint reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    TaskId,
    IfMatch,
    IfNoneMatch,
    RequestId,
    Traceparent,
}

impl Parameter {
    /// Every one, in the order of the document.
    pub(in crate::docs) const ALL: [Self; 5] = [
        Self::TaskId,
        Self::IfMatch,
        Self::IfNoneMatch,
        Self::RequestId,
        Self::Traceparent,
    ];

    /// Its name in `components/parameters`.
    pub(in crate::docs) fn key(self) -> String {
        format!("{self:?}")
    }

    fn name(self) -> &'static str {
        match self {
            Self::TaskId => "id",
            Self::IfMatch => "If-Match",
            Self::IfNoneMatch => "If-None-Match",
            Self::RequestId => "X-Request-Id",
            Self::Traceparent => "traceparent",
        }
    }

    fn description(self) -> String {
        let text = match self {
            Self::TaskId => "The task's id, a UUID with its hyphens.",
            Self::IfMatch => {
                "Write only if the task is at one of these versions, otherwise 412. A weak tag never matches. \
                 Without it the write applies to whatever version there is."
            }
            Self::IfNoneMatch => "The copies at hand; 304 if one of them is the task as it stands.",
            Self::RequestId => {
                return format!(
                    "A name for this request, 1 to {} printable ASCII characters, that logs and the answer will \
                     carry. Anything else is replaced.",
                    RequestId::MAX_CHARS
                );
            }
            Self::Traceparent => {
                "The caller's trace (W3C Trace Context). A sampled one travels with the event; one that is not \
                 valid is as good as none."
            }
        };
        text.to_owned()
    }

    fn example(self) -> Value {
        match self {
            Self::TaskId => json!(TASK_ID),
            Self::IfMatch => json!("\"1\""),
            Self::IfNoneMatch => json!("\"1\", \"2\""),
            Self::RequestId => json!("checkout-4711"),
            Self::Traceparent => json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        }
    }

    /// What the document says of it.
    pub(in crate::docs) fn build(self) -> OpenApiParameter {
        let schema = match self {
            Self::TaskId => schemas::uuid(),
            Self::IfMatch | Self::IfNoneMatch => text().pattern(Some(ENTITY_TAGS)),
            Self::RequestId | Self::Traceparent => text(),
        };
        let (place, required) = match self {
            Self::TaskId => (ParameterIn::Path, Required::True),
            _ => (ParameterIn::Header, Required::False),
        };
        ParameterBuilder::new()
            .name(self.name())
            .parameter_in(place)
            .required(required)
            .description(Some(self.description()))
            .schema(Some(schema))
            .example(Some(self.example()))
            .build()
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
