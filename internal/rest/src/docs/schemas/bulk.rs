//! Many writes at once, and what came of them.

use taskwire_service::BulkRequest;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Discriminator, OneOfBuilder, Schema, Type};

use super::Component;
use super::parts::{Described, OrNull, accepting, integer, object, of, uuid};
use crate::bulk_operations::Verb;
use crate::docs::endpoint::ENTITY_TAGS;

const OPERATIONS: [(Verb, Component); 3] = [
    (Verb::Create, Component::BulkCreate),
    (Verb::Update, Component::BulkUpdate),
    (Verb::Delete, Component::BulkDelete),
];

pub(super) fn request() -> Schema {
    let names = OPERATIONS.map(|(verb, shape)| {
        let place = format!("#/components/schemas/{}", shape.name());
        (verb.as_str().to_owned(), place)
    });
    let operation = OPERATIONS
        .into_iter()
        .fold(OneOfBuilder::new(), |one_of, (_, shape)| {
            one_of.item(shape.reference())
        })
        .discriminator(Some(Discriminator::with_mapping("op", names)));
    let operations = ArrayBuilder::new()
        .items(operation)
        .min_items(Some(1))
        .max_items(Some(BulkRequest::MAX_OPERATIONS))
        .description(Some(
            "Carried out as if one after the other. No task may be named twice.",
        ));
    accepting(vec![("operations", operations.into())])
        .required("operations")
        .description(Some("Creations, changes and deletions, in any order."))
        .into()
}

pub(super) fn create() -> Schema {
    accepting(vec![
        ("op", name(Verb::Create)),
        ("task", Component::TaskInput.reference()),
    ])
    .required("op")
    .required("task")
    .description(Some("Stores a new task."))
    .into()
}

pub(super) fn update() -> Schema {
    accepting(vec![
        ("op", name(Verb::Update)),
        ("id", uuid().described("The task.")),
        ("patch", Component::TaskPatch.reference()),
        ("ifMatch", if_match()),
    ])
    .required("op")
    .required("id")
    .required("patch")
    .description(Some("Changes single fields of a task."))
    .into()
}

pub(super) fn delete() -> Schema {
    accepting(vec![
        ("op", name(Verb::Delete)),
        ("id", uuid().described("The task.")),
        ("ifMatch", if_match()),
    ])
    .required("op")
    .required("id")
    .description(Some(
        "Deletes a task that has no sub-tasks left when its turn comes.",
    ))
    .into()
}

fn name(verb: Verb) -> RefOr<Schema> {
    of(Type::String).enum_values(Some([verb.as_str()])).into()
}

fn if_match() -> RefOr<Schema> {
    of(Type::String).or_null().pattern(Some(ENTITY_TAGS)).described(
        "As the header If-Match: the entity tags of the versions that the task may have, or `*`. Where the operator \
         demands one, its absence is a 400 of this operation.",
    )
}

pub(super) fn answer() -> Schema {
    let result = OneOfBuilder::new()
        .item(Component::BulkDone.reference())
        .item(Component::BulkRefused.reference());
    let results = ArrayBuilder::new()
        .items(result)
        .min_items(Some(1))
        .max_items(Some(BulkRequest::MAX_OPERATIONS))
        .description(Some("One for each operation, in their order."));
    object(vec![("results", results.into())]).into()
}

pub(super) fn done() -> Schema {
    object(vec![
        (
            "status",
            of(Type::Integer)
                .enum_values(Some([200, 201]))
                .described("201 for a creation, 200 for a change or a deletion."),
        ),
        ("task", Component::Task.reference()),
        (
            "consistencyToken",
            of(Type::String).described("Names this write, as X-Consistency-Token does."),
        ),
    ])
    .description(Some(
        "The operation was carried out. The task is as it now stands, or as it last stood when it was deleted.",
    ))
    .into()
}

pub(super) fn refused() -> Schema {
    object(vec![
        (
            "status",
            integer(400)
                .maximum(Some(499))
                .described("The status of the problem."),
        ),
        ("problem", Component::PartProblem.reference()),
    ])
    .description(Some(
        "The operation was not carried out: 400, 404, 409, 412, or 424 when another one undid it.",
    ))
    .into()
}
