//! The shapes of bodies, with the limits that the domain enforces.

use serde_json::{Value, json};
use taskwire_domain::{Categories, Description, ExternalId, MAX_DEPTH, Priority, SearchQuery, SearchWindow};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Ref, Schema, SchemaFormat, SchemaType,
    Type,
};

use super::examples;

/// Not blank, no NUL. U+0085 is blank to us and not to every regular expression.
const NOT_BLANK: &str = r"^[^\u0000]*[^\s\u0085\u0000][^\u0000]*$";
/// No control characters.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// What times look like in answers.
const UTC_MILLISECONDS: &str = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$";

/// The named shapes of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Component {
    Task,
    Dates,
    TaskAnswer,
    TaskInput,
    DatesInput,
    Priority,
    SearchRequest,
    SearchResult,
    Liveness,
    Health,
    Dependency,
    Service,
    Problem,
    WrongValue,
}

impl Component {
    /// Every one, in the order of the document.
    pub(super) const ALL: [Self; 14] = [
        Self::Task,
        Self::Dates,
        Self::TaskAnswer,
        Self::TaskInput,
        Self::DatesInput,
        Self::Priority,
        Self::SearchRequest,
        Self::SearchResult,
        Self::Liveness,
        Self::Health,
        Self::Dependency,
        Self::Service,
        Self::Problem,
        Self::WrongValue,
    ];

    /// Its name in `components/schemas`.
    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }

    /// A pointer to it.
    pub(super) fn reference(self) -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name(self.name()))
    }

    /// The shape itself.
    pub(super) fn schema(self) -> Schema {
        match self {
            Self::Task => task(),
            Self::Dates => dates(),
            Self::TaskAnswer => task_answer(),
            Self::TaskInput => task_input(),
            Self::DatesInput => dates_input(),
            Self::Priority => priority(),
            Self::SearchRequest => search_request(),
            Self::SearchResult => search_result(),
            Self::Liveness => liveness(),
            Self::Health => health(),
            Self::Dependency => dependency(),
            Self::Service => service(),
            Self::Problem => problem(),
            Self::WrongValue => wrong_value(),
        }
    }
}

fn task() -> Schema {
    let version = integer(1).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
    object(vec![
        (
            "id",
            uuid().described("Made by the service, a UUIDv7; never used again."),
        ),
        (
            "externalId",
            external_id().or_null().described("The caller's own key."),
        ),
        ("description", description().described("What is to be done.")),
        ("priority", Component::Priority.reference()),
        ("dates", Component::Dates.reference()),
        ("isDone", boolean().described("Whether it is done.")),
        (
            "parentId",
            uuid().or_null().described("The task it is a part of."),
        ),
        ("categories", labels().into()),
        ("createdAt", moment().described("When it was created.")),
        ("updatedAt", moment().described("When this version was written.")),
        (
            "completedAt",
            moment()
                .or_null()
                .described("When it last became done; null while it is not."),
        ),
        (
            "version",
            version.described("1 at creation, one more with every change; the entity tag holds it."),
        ),
    ])
    .description(Some(
        "A task as it stands at one version. Every field is there, null when unset.",
    ))
    .examples([examples::task()])
    .into()
}

fn dates() -> Schema {
    object(vec![
        ("start", moment().or_null().described("When it starts.")),
        ("due", moment().or_null().described("When it is due.")),
    ])
    .description(Some(
        "When the task starts and is due. `start` is never later than `due`.",
    ))
    .into()
}

fn task_answer() -> Schema {
    object(vec![("task", Component::Task.reference())]).into()
}

fn task_input() -> Schema {
    let ignored = || any().described("Made by the service; accepted with any value and ignored.");
    let with_default = |schema: ObjectBuilder, default: Value| schema.default(Some(default));
    let parent = format!("An existing task; no cycle, and at most {MAX_DEPTH} levels.");
    let external_id = with_default(external_id().or_null(), Value::Null);
    let parent_id = with_default(uuid().or_null(), Value::Null);
    accepting(vec![
        ("externalId", external_id.described("The caller's own key, unique among all tasks.")),
        ("description", description().described("What is to be done; not blank.")),
        ("priority", Component::Priority.reference()),
        ("dates", Component::DatesInput.reference()),
        ("isDone", with_default(boolean(), json!(false)).described("Whether it is done.")),
        ("parentId", parent_id.described(&parent)),
        ("categories", labels().default(Some(json!([]))).into()),
        ("id", ignored()),
        ("createdAt", ignored()),
        ("updatedAt", ignored()),
        ("completedAt", ignored()),
        ("version", ignored()),
    ])
    .required("description")
    .description(Some(
        "The writable fields of a task; absent ones get their defaults. What a GET answered can be sent back as it \
         is. Any other field is refused by name.",
    ))
    .into()
}

fn dates_input() -> Schema {
    let moment = || {
        of(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .or_null()
            .default(Some(Value::Null))
    };
    let kept = "RFC 3339 with an offset, in the years 1 to 9999 (UTC); kept in UTC with milliseconds.";
    accepting(vec![
        ("start", moment().described(kept)),
        ("due", moment().described(kept)),
    ])
    .description(Some(
        "When the task starts and is due. `start` must not be later than `due`.",
    ))
    .into()
}

fn priority() -> Schema {
    of(Type::String)
        .enum_values(Some(Priority::ALL.map(Priority::as_str)))
        .default(Some(json!(Priority::default().as_str())))
        .description(Some("How urgent a task is, least urgent first."))
        .into()
}

fn search_request() -> Schema {
    let priorities = Priority::ALL.map(|priority| json!(priority.as_str()));
    let priority = of(Type::String)
        .or_null()
        .enum_values(Some(priorities.into_iter().chain([Value::Null])));
    let window = SearchWindow::default();
    let from = integer(0).maximum(Some(SearchWindow::LIMIT)).or_null();
    let size = integer(0).maximum(Some(SearchWindow::MAX_SIZE)).or_null();
    let nullable_array: SchemaType = [Type::Array, Type::Null].into_iter().collect();
    let words = "Words that must all occur; the last may be the beginning of one, and small typos are forgiven. \
                 Without any, the conditions alone decide.";
    let start = format!(
        "How many results to pass over; from and size together may be at most {}.",
        SearchWindow::LIMIT
    );
    let text = of(Type::String)
        .max_length(Some(SearchQuery::MAX_TEXT_CHARS))
        .or_null();
    accepting(vec![
        ("description", text.described(words)),
        ("isDone", boolean().or_null().described("Done, or not done.")),
        ("priority", priority.described("This priority.")),
        ("categories", labels().schema_type(nullable_array).into()),
        ("parentId", uuid().or_null().described("Sub-tasks of this task.")),
        (
            "externalId",
            external_id()
                .or_null()
                .described("The task with this external id."),
        ),
        ("from", from.default(Some(json!(window.from))).described(&start)),
        (
            "size",
            size.default(Some(json!(window.size)))
                .described("How many to return; 0 only counts."),
        ),
    ])
    .description(Some(
        "Conditions that all apply. An absent or null one is none: absent `isDone` finds both.",
    ))
    .into()
}

fn search_result() -> Schema {
    let tasks = ArrayBuilder::new()
        .items(Component::Task.reference())
        .max_items(usize::try_from(SearchWindow::MAX_SIZE).ok())
        .description(Some("The tasks found, best first."));
    object(vec![
        ("tasks", tasks.into()),
        (
            "total",
            integer(0).described("How many there are in all, exactly."),
        ),
    ])
    .into()
}

fn liveness() -> Schema {
    object(vec![(
        "status",
        of(Type::String).enum_values(Some(["ok"])).into(),
    )])
    .into()
}

fn health() -> Schema {
    let status = of(Type::String).enum_values(Some(["ok", "degraded", "unavailable"]));
    let checks = ObjectBuilder::new()
        .additional_properties(Some(AdditionalProperties::RefOr(
            Component::Dependency.reference(),
        )))
        .description(Some("One entry a dependency, by its name."));
    let meaning = "`degraded`: something that not every request needs is away. `unavailable`: something that every \
                   request needs is.";
    object(vec![
        ("status", status.described(meaning)),
        ("checks", checks.into()),
    ])
    .into()
}

fn dependency() -> Schema {
    let status = of(Type::String).enum_values(Some(["ok", "unavailable"]));
    object(vec![("status", status.into())]).into()
}

fn service() -> Schema {
    let links = ObjectBuilder::new()
        .additional_properties(Some(AdditionalProperties::RefOr(of(Type::String).into())))
        .description(Some("Paths worth knowing, by what is there."));
    object(vec![
        ("name", of(Type::String).into()),
        ("version", of(Type::String).described("The release that answers.")),
        ("links", links.into()),
    ])
    .into()
}

fn problem() -> Schema {
    let errors = ArrayBuilder::new()
        .items(Component::WrongValue.reference())
        .min_items(Some(1))
        .description(Some("With status 400: every wrong value of the request."));
    let mut problem = object(vec![
        (
            "type",
            of(Type::String)
                .format(Some(SchemaFormat::Custom("uri-reference".into())))
                .described("Names the kind of problem."),
        ),
        (
            "title",
            of(Type::String).described("The kind of problem, for people."),
        ),
        (
            "status",
            integer(400)
                .maximum(Some(599))
                .described("The status of the answer."),
        ),
        (
            "detail",
            of(Type::String).described("This occurrence, for people."),
        ),
        (
            "code",
            code().described("The kind of problem, for programs; a code never changes its meaning."),
        ),
        (
            "requestId",
            of(Type::String).described("What to quote when asking about it; as in X-Request-Id."),
        ),
    ]);
    problem = problem.property("errors", errors);
    problem
        .description(Some("Why a request has no ordinary answer (RFC 9457)."))
        .into()
}

fn wrong_value() -> Schema {
    with_members(vec![
        (
            "pointer",
            of(Type::String)
                .format(Some(SchemaFormat::Custom("json-pointer".into())))
                .described("In the body; empty for the whole."),
        ),
        (
            "parameter",
            of(Type::String).described("A parameter of the path."),
        ),
        ("header", of(Type::String).described("A header, in lower case.")),
        ("code", code().described("Which rule is broken, for programs.")),
        (
            "detail",
            of(Type::String).described("Which rule is broken, and what would be right."),
        ),
    ])
    .required("code")
    .required("detail")
    .description(Some(
        "One wrong value. Exactly one of `pointer`, `parameter` and `header` says where it stands.",
    ))
    .into()
}

/// The shape of a body of which nothing more is said than its media type.
pub(super) fn untold(media_type: &str) -> Schema {
    let kind = if media_type == "application/json" {
        Type::Object
    } else {
        Type::String
    };
    of(kind).into()
}

/// A member that says what it is for.
trait Described {
    fn described(self, description: &str) -> RefOr<Schema>;
}

impl Described for ObjectBuilder {
    fn described(self, description: &str) -> RefOr<Schema> {
        self.description(Some(description)).into()
    }
}

/// The same or null.
trait OrNull {
    fn or_null(self) -> Self;
}

impl OrNull for ObjectBuilder {
    fn or_null(self) -> Self {
        let mut object = self.build();
        if let SchemaType::Type(known) = object.schema_type {
            object.schema_type = [known, Type::Null].into_iter().collect();
        }
        object.into()
    }
}

fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

fn any() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue)
}

fn boolean() -> ObjectBuilder {
    of(Type::Boolean)
}

fn integer(minimum: u32) -> ObjectBuilder {
    of(Type::Integer).minimum(Some(minimum))
}

pub(super) fn uuid() -> ObjectBuilder {
    of(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

fn moment() -> ObjectBuilder {
    of(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .pattern(Some(UTC_MILLISECONDS))
}

fn code() -> ObjectBuilder {
    of(Type::String).pattern(Some("^[a-z]+(-[a-z]+)*$"))
}

fn description() -> ObjectBuilder {
    of(Type::String)
        .min_length(Some(1))
        .max_length(Some(Description::MAX_CHARS))
        .pattern(Some(NOT_BLANK))
}

fn external_id() -> ObjectBuilder {
    of(Type::String)
        .min_length(Some(1))
        .max_length(Some(ExternalId::MAX_CHARS))
        .pattern(Some(PRINTABLE))
}

fn labels() -> ArrayBuilder {
    let label = of(Type::String)
        .min_length(Some(1))
        .max_length(Some(Categories::MAX_CHARS))
        .pattern(Some(NOT_BLANK));
    ArrayBuilder::new()
        .items(label)
        .max_items(Some(Categories::MAX_COUNT))
        .unique_items(true)
        .description(Some(
            "Labels, trimmed, no two alike when case is ignored; their order is kept.",
        ))
}

/// An object of an answer: all of these are there, and later releases may add some.
fn object(members: Vec<(&str, RefOr<Schema>)>) -> ObjectBuilder {
    members
        .into_iter()
        .fold(ObjectBuilder::new(), |object, (name, schema)| {
            object.property(name, schema).required(name)
        })
}

/// An object that has these members and no others.
fn accepting(members: Vec<(&str, RefOr<Schema>)>) -> ObjectBuilder {
    with_members(members).additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

fn with_members(members: Vec<(&str, RefOr<Schema>)>) -> ObjectBuilder {
    let object = ObjectBuilder::new();
    members
        .into_iter()
        .fold(object, |object, (name, schema)| object.property(name, schema))
}
