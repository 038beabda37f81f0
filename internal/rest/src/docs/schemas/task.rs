//! Tasks, as they are answered and as they are written.

use serde_json::{Value, json};
use taskwire_domain::{ListQuery, MAX_DEPTH, Priority};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};

use super::Component;
use super::parts::{
    Described, OrNull, accepting, any, boolean, description, external_id, integer, labels, moment,
    nullable_array, nullable_priority, object, of, uuid,
};
use crate::docs::examples;
use crate::task_fields::SERVER_MADE;

pub(super) fn task() -> Schema {
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

pub(super) fn dates() -> Schema {
    object(vec![
        ("start", moment().or_null().described("When it starts.")),
        ("due", moment().or_null().described("When it is due.")),
    ])
    .description(Some(
        "When the task starts and is due. `start` is never later than `due`.",
    ))
    .into()
}

pub(super) fn task_answer() -> Schema {
    object(vec![("task", Component::Task.reference())]).into()
}

pub(super) fn task_input() -> Schema {
    let with_default = |schema: ObjectBuilder, default: Value| schema.default(Some(default));
    let parent = format!("An existing task; no cycle, and at most {MAX_DEPTH} levels.");
    let external_id = with_default(external_id().or_null(), Value::Null);
    let parent_id = with_default(uuid().or_null(), Value::Null);
    writable(vec![
        ("externalId", external_id.described("The caller's own key, unique among all tasks.")),
        ("description", description().described("What is to be done; not blank.")),
        ("priority", Component::Priority.reference()),
        ("dates", Component::DatesInput.reference()),
        ("isDone", with_default(boolean(), json!(false)).described("Whether it is done.")),
        ("parentId", parent_id.described(&parent)),
        ("categories", labels().default(Some(json!([]))).into()),
    ])
    .required("description")
    .description(Some(
        "The writable fields of a task; absent ones get their defaults. What a GET answered can be sent back as it \
         is. Any other field is refused by name.",
    ))
    .into()
}

pub(super) fn dates_input() -> Schema {
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

pub(super) fn priority() -> Schema {
    of(Type::String)
        .enum_values(Some(Priority::ALL.map(Priority::as_str)))
        .default(Some(json!(Priority::default().as_str())))
        .description(Some("How urgent a task is, least urgent first."))
        .into()
}

pub(super) fn task_page() -> Schema {
    let tasks = ArrayBuilder::new()
        .items(Component::Task.reference())
        .max_items(usize::try_from(ListQuery::MAX_LIMIT).ok())
        .description(Some("The tasks, in the order asked for."));
    let next = of(Type::String).or_null();
    object(vec![
        ("tasks", tasks.into()),
        (
            "nextCursor",
            next.described("What to send as `cursor` for the next page; null when this is the last."),
        ),
    ])
    .into()
}

pub(super) fn task_patch() -> Schema {
    let parent = format!("An existing task; no cycle, and at most {MAX_DEPTH} levels. Null: a part of none.");
    let moment = || {
        of(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .or_null()
    };
    let kept = "RFC 3339 with an offset, in the years 1 to 9999 (UTC); kept in UTC with milliseconds. Null unsets it.";
    let dates = accepting(vec![
        ("start", moment().described(kept)),
        ("due", moment().described(kept)),
    ]);
    let categories = labels().schema_type(nullable_array()).description(Some(
        "Labels, all of them, trimmed, no two alike when case is ignored; their order is kept. Null: none.",
    ));
    writable(vec![
        (
            "externalId",
            external_id().or_null().described("The caller's own key, unique among all tasks. Null unsets it."),
        ),
        ("description", description().described("What is to be done; not blank. It cannot be taken away.")),
        ("priority", nullable_priority().described("How urgent it is. Null: `none`.")),
        (
            "dates",
            dates
                .schema_type(nullable_object())
                .described("The times to change. Null unsets both. `start` must not be later than `due`."),
        ),
        ("isDone", boolean().or_null().described("Whether it is done. Null: not.")),
        ("parentId", uuid().or_null().described(&parent)),
        ("categories", categories.into()),
    ])
    .description(Some(
        "A JSON Merge Patch (RFC 7396) of a task: what is absent stays. What a GET answered can be sent back as it is. \
         Any other field is refused by name.",
    ))
    .into()
}

/// An object that has these members, takes those that the service makes, and no others.
fn writable(members: Vec<(&str, RefOr<Schema>)>) -> ObjectBuilder {
    let ignored = |name| {
        (
            name,
            any().described("Made by the service; accepted with any value and ignored."),
        )
    };
    accepting(members.into_iter().chain(SERVER_MADE.map(ignored)).collect())
}

fn nullable_object() -> SchemaType {
    [Type::Object, Type::Null].into_iter().collect()
}
