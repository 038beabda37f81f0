//! Parameters of requests: in the path, in the query, and headers.

use serde_json::{Value, json};
use taskwire_domain::{Categories, ListQuery, Priority, SearchText, SearchWindow};
use utoipa::openapi::path::{Parameter as OpenApiParameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required};

use crate::docs::{examples::TASK_ID, schemas};
use crate::handlers::list_tasks::SORT_KEYS;
use crate::idempotency_key::IdempotencyKey;
use crate::request_id::RequestId;
use crate::search_answer::RELEVANCE;

/// `*`, or a list of quoted tags.
pub(crate) const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"#;

/// Bare, or a string of structured fields.
const IDEMPOTENCY_KEY: &str = r#"^([!#-~]([ -~]{0,253}[!-~])?|"([ !#-\[\]-~]|\\["\\]){1,255}")$"#;
/// What a cursor is written with.
const CURSOR: &str = "^[A-Za-z0-9_-]+$";

/// A parameter that some endpoint reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    TaskId,
    Cascade,
    Atomic,
    Words,
    IsDone,
    Priority,
    Category,
    Categories,
    ParentId,
    ExternalId,
    DueBefore,
    DueAfter,
    StartBefore,
    StartAfter,
    CreatedBefore,
    CreatedAfter,
    Sort,
    SearchSort,
    Facets,
    Highlight,
    Suggest,
    After,
    Timeout,
    Strict,
    Limit,
    Cursor,
    SearchCursor,
    From,
    Size,
    IfMatch,
    IfNoneMatch,
    UnlessMatch,
    IdempotencyKey,
    RequestId,
    Traceparent,
}

impl Parameter {
    /// Every one, in the order of the document.
    pub(in crate::docs) const ALL: [Self; 35] = [
        Self::TaskId,
        Self::Cascade,
        Self::Atomic,
        Self::Words,
        Self::IsDone,
        Self::Priority,
        Self::Category,
        Self::Categories,
        Self::ParentId,
        Self::ExternalId,
        Self::DueBefore,
        Self::DueAfter,
        Self::StartBefore,
        Self::StartAfter,
        Self::CreatedBefore,
        Self::CreatedAfter,
        Self::Sort,
        Self::SearchSort,
        Self::Facets,
        Self::Highlight,
        Self::Suggest,
        Self::After,
        Self::Timeout,
        Self::Strict,
        Self::Limit,
        Self::Cursor,
        Self::SearchCursor,
        Self::From,
        Self::Size,
        Self::IfMatch,
        Self::IfNoneMatch,
        Self::UnlessMatch,
        Self::IdempotencyKey,
        Self::RequestId,
        Self::Traceparent,
    ];

    /// What a search reads from its query, and under other names from its body.
    pub(crate) const OF_SEARCH: [Self; 22] = [
        Self::Words,
        Self::IsDone,
        Self::Priority,
        Self::Categories,
        Self::ParentId,
        Self::ExternalId,
        Self::DueBefore,
        Self::DueAfter,
        Self::StartBefore,
        Self::StartAfter,
        Self::CreatedBefore,
        Self::CreatedAfter,
        Self::SearchSort,
        Self::Facets,
        Self::Highlight,
        Self::Suggest,
        Self::After,
        Self::Timeout,
        Self::Strict,
        Self::From,
        Self::Size,
        Self::SearchCursor,
    ];

    /// Its name in `components/parameters`.
    pub(in crate::docs) fn key(self) -> String {
        format!("{self:?}")
    }

    fn name(self) -> &'static str {
        match self {
            Self::TaskId => "id",
            Self::Cascade => "cascade",
            Self::Atomic => "atomic",
            Self::Words => "q",
            Self::IsDone => "isDone",
            Self::Priority => "priority",
            Self::Category | Self::Categories => "category",
            Self::ParentId => "parentId",
            Self::ExternalId => "externalId",
            Self::DueBefore => "dueBefore",
            Self::DueAfter => "dueAfter",
            Self::StartBefore => "startBefore",
            Self::StartAfter => "startAfter",
            Self::CreatedBefore => "createdBefore",
            Self::CreatedAfter => "createdAfter",
            Self::Sort | Self::SearchSort => "sort",
            Self::Facets => "facet",
            Self::Highlight => "highlight",
            Self::Suggest => "suggest",
            Self::After => "after",
            Self::Timeout => "timeout",
            Self::Strict => "strict",
            Self::Limit => "limit",
            Self::Cursor | Self::SearchCursor => "cursor",
            Self::From => "from",
            Self::Size => "size",
            Self::IfMatch => "If-Match",
            Self::IfNoneMatch | Self::UnlessMatch => "If-None-Match",
            Self::IdempotencyKey => "Idempotency-Key",
            Self::RequestId => "X-Request-Id",
            Self::Traceparent => "traceparent",
        }
    }

    fn place(self) -> ParameterIn {
        match self {
            Self::TaskId => ParameterIn::Path,
            Self::IfMatch
            | Self::IfNoneMatch
            | Self::UnlessMatch
            | Self::IdempotencyKey
            | Self::RequestId
            | Self::Traceparent => ParameterIn::Header,
            _ => ParameterIn::Query,
        }
    }

    /// Whether it stands behind the question mark.
    pub(super) fn is_in_query(self) -> bool {
        self.place() == ParameterIn::Query
    }

    fn description(self) -> String {
        match self {
            Self::TaskId => "The task's id, a UUID with its hyphens.".to_owned(),
            Self::Cascade => "Delete everything below the task too, in one transaction.".to_owned(),
            Self::Atomic => {
                "One refused operation undoes all; those that were not refused themselves are then 424.".to_owned()
            }
            Self::Words => schemas::WORDS.to_owned(),
            Self::IsDone => "Done, or not done; absent, both.".to_owned(),
            Self::Priority => "Tasks of this priority.".to_owned(),
            Self::Category => "Tasks that carry this category, exactly as written.".to_owned(),
            Self::Categories => "Tasks that carry this category; several parameters name several, which all must be \
                                 there. Case does not matter."
                .to_owned(),
            Self::ParentId => "Sub-tasks of this task.".to_owned(),
            Self::ExternalId => "The task with this external id.".to_owned(),
            Self::DueBefore => time("due earlier than"),
            Self::DueAfter => time("due later than"),
            Self::StartBefore => time("starting earlier than"),
            Self::StartAfter => time("starting later than"),
            Self::CreatedBefore => time("created earlier than"),
            Self::CreatedAfter => time("created later than"),
            Self::SearchSort => schemas::SORT.to_owned(),
            Self::Facets => format!("{} Several parameters name several.", schemas::FACETS),
            Self::Highlight => schemas::HIGHLIGHT.to_owned(),
            Self::Suggest => schemas::SUGGEST.to_owned(),
            Self::After => format!("{} A comma stands between two.", schemas::AFTER),
            Self::Timeout => schemas::TIMEOUT.to_owned(),
            Self::Strict => schemas::STRICT.to_owned(),
            Self::Sort => "What the list is sorted by; with `-` in front, from the greatest to the least.".to_owned(),
            Self::Limit => "How many tasks at most.".to_owned(),
            Self::Cursor => "The `nextCursor` of the page before. Whatever else was asked for there has to be asked for \
                             again; only `limit` may differ."
                .to_owned(),
            Self::SearchCursor => schemas::CURSOR.to_owned(),
            Self::From => schemas::from_description(),
            Self::Size => schemas::SIZE.to_owned(),
            Self::IfMatch => {
                "Write only if the task is at one of these versions, otherwise 412. A weak tag never matches. Without \
                 it the write applies to whatever version there is, unless the operator demands it: then its absence \
                 is 428."
                    .to_owned()
            }
            Self::IfNoneMatch => "The copies at hand; 304 if one of them is the task as it stands. `If-Match` means \
                                  nothing to a read."
                .to_owned(),
            Self::UnlessMatch => "Write only if the task is at none of these versions, otherwise 412; `*` names all. \
                                  Weak tags count."
                .to_owned(),
            Self::IdempotencyKey => idempotency_key(),
            Self::RequestId => format!(
                "A name for this request, 1 to {} printable ASCII characters, that logs and the answer will carry. \
                 Anything else is replaced.",
                RequestId::MAX_CHARS
            ),
            Self::Traceparent => "The caller's trace (W3C Trace Context). A sampled one travels with the event; one that \
                                  is not valid is as good as none."
                .to_owned(),
        }
    }

    fn example(self) -> Value {
        match self {
            Self::TaskId | Self::ParentId => json!(TASK_ID),
            Self::Cascade | Self::Atomic => json!(true),
            Self::Words => json!("oat mil"),
            Self::IsDone => json!(false),
            Self::Priority => json!("high"),
            Self::Category => json!("home"),
            Self::Categories => json!(["home"]),
            Self::ExternalId => json!("JIRA-17"),
            Self::DueBefore | Self::StartBefore | Self::CreatedBefore => json!("2030-02-01T00:00:00Z"),
            Self::DueAfter | Self::StartAfter | Self::CreatedAfter => json!("2030-01-01T00:00:00Z"),
            Self::SearchSort => json!("-due"),
            Self::Facets => json!(["priority", "due"]),
            Self::Highlight | Self::Suggest | Self::Strict => json!(true),
            Self::After => json!(format!("{TASK_ID}@1")),
            Self::Timeout => json!("2s"),
            Self::Sort => json!("-due"),
            Self::Limit => json!(50),
            Self::Cursor => json!("AQEkbWfX"),
            Self::SearchCursor => json!("*"),
            Self::From => json!(0),
            Self::Size => json!(20),
            Self::IfMatch => json!("\"1\""),
            Self::IfNoneMatch | Self::UnlessMatch => json!("\"1\", \"2\""),
            Self::IdempotencyKey => json!("8e03978e-40d5-43dd-bc93-6894a57f9324"),
            Self::RequestId => json!("checkout-4711"),
            Self::Traceparent => json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        }
    }

    fn schema(self) -> RefOr<Schema> {
        let window = SearchWindow::default();
        match self {
            Self::TaskId | Self::ParentId => schemas::uuid().into(),
            Self::Cascade | Self::Atomic | Self::Highlight | Self::Suggest | Self::Strict => {
                of(Type::Boolean).default(Some(json!(false))).into()
            }
            Self::Words => of(Type::String).max_length(Some(SearchText::MAX_CHARS)).into(),
            Self::IsDone => of(Type::Boolean).into(),
            // Not the shared shape, which has a default.
            Self::Priority => of(Type::String)
                .enum_values(Some(Priority::ALL.map(Priority::as_str)))
                .into(),
            Self::Category => schemas::label().into(),
            Self::Categories => ArrayBuilder::new()
                .items(schemas::label())
                .max_items(Some(Categories::MAX_COUNT))
                .unique_items(true)
                .into(),
            Self::ExternalId => schemas::external_id().into(),
            Self::DueBefore
            | Self::DueAfter
            | Self::StartBefore
            | Self::StartAfter
            | Self::CreatedBefore
            | Self::CreatedAfter => of(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
                .into(),
            Self::Sort => {
                let orders = SORT_KEYS
                    .iter()
                    .flat_map(|(name, _)| [(*name).to_owned(), format!("-{name}")]);
                of(Type::String)
                    .enum_values(Some(orders))
                    .default(Some(json!("createdAt")))
                    .into()
            }
            Self::After => schemas::tokens().into(),
            Self::Timeout => schemas::patience().default(Some(json!("2s"))).into(),
            Self::SearchSort => schemas::search_sort().default(Some(json!(RELEVANCE))).into(),
            Self::Facets => ArrayBuilder::new().items(schemas::facet()).into(),
            Self::Limit => number(1, ListQuery::MAX_LIMIT, ListQuery::DEFAULT_LIMIT).into(),
            Self::Cursor => of(Type::String).pattern(Some(CURSOR)).into(),
            Self::SearchCursor => schemas::search_cursor().into(),
            Self::From => number(0, SearchWindow::LIMIT, window.from).into(),
            Self::Size => number(0, SearchWindow::MAX_SIZE, window.size).into(),
            Self::IfMatch | Self::IfNoneMatch | Self::UnlessMatch => {
                of(Type::String).pattern(Some(ENTITY_TAGS)).into()
            }
            Self::IdempotencyKey => of(Type::String).pattern(Some(IDEMPOTENCY_KEY)).into(),
            Self::RequestId | Self::Traceparent => of(Type::String).into(),
        }
    }

    /// What the document says of it.
    pub(in crate::docs) fn build(self) -> OpenApiParameter {
        let required = if self == Self::TaskId {
            Required::True
        } else {
            Required::False
        };
        // A parameter's own example is filled in for one who tries an endpoint out, and all at once they find nothing.
        let (filled_in, shown) = match required {
            Required::True => (Some(self.example()), Vec::new()),
            Required::False => (None, vec![self.example()]),
        };
        ParameterBuilder::new()
            .name(self.name())
            .parameter_in(self.place())
            .required(required)
            .description(Some(self.description()))
            .schema(Some(with_examples(self.schema(), shown)))
            .example(filled_in)
            .build()
    }
}

fn with_examples(schema: RefOr<Schema>, examples: Vec<Value>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.examples = examples;
            Schema::Object(object).into()
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.examples = examples;
            Schema::Array(array).into()
        }
        other => other,
    }
}

fn time(when: &str) -> String {
    format!(
        "Tasks {when} this time, RFC 3339 with an offset, whose `+` is written `%2B`. A task without that time is not \
         among them."
    )
}

fn idempotency_key() -> String {
    format!(
        "The caller's name for this request, 1 to {} printable ASCII characters, bare or in quotes with `\\` before \
         `\"` and `\\` (draft-ietf-httpapi-idempotency-key-header). The same request under the same key is carried out \
         once and answered alike each time, for 24 hours; only success is kept, so that after a refusal the key is \
         free. Another request under it is 422.",
        IdempotencyKey::MAX_CHARS
    )
}

fn number(least: u32, greatest: u32, default: u32) -> ObjectBuilder {
    of(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(greatest))
        .default(Some(json!(default)))
}

fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}
