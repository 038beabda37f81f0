//! Problem documents.

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, Type};

use super::Component;
use super::parts::{Described, code, integer, object, of, with_members};

pub(super) fn problem() -> Schema {
    let request_id = of(Type::String).described("What to quote when asking about it; as in X-Request-Id.");
    with_errors(members().property("requestId", request_id).required("requestId"))
        .description(Some("Why a request has no ordinary answer (RFC 9457)."))
        .into()
}

pub(super) fn part_problem() -> Schema {
    with_errors(members())
        .description(Some(
            "Why one part of a request was not carried out (RFC 9457). X-Request-Id names the request.",
        ))
        .into()
}

fn with_errors(problem: ObjectBuilder) -> ObjectBuilder {
    let errors = ArrayBuilder::new()
        .items(Component::WrongValue.reference())
        .min_items(Some(1))
        .description(Some("With status 400: every wrong value, 1,000 at most; the results of a bulk together name as many, each at \
             least its first."));
    problem.property("errors", errors)
}

fn members() -> ObjectBuilder {
    object(vec![
        (
            "type",
            of(Type::String)
                .format(Some(SchemaFormat::Custom("uri".into())))
                .described("Names the kind of problem: `urn:taskwire:problem:` and its code."),
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
    ])
}

pub(super) fn wrong_value() -> Schema {
    with_members(vec![
        (
            "pointer",
            of(Type::String)
                .format(Some(SchemaFormat::Custom("json-pointer".into())))
                .described("In the body; empty for the whole."),
        ),
        (
            "parameter",
            of(Type::String).described("A parameter of the path or the query."),
        ),
        ("header", of(Type::String).described("A header, in lower case.")),
        (
            "code",
            code().described(
                "Which rule is broken, for programs: one of the codes that the operation lists with its 400.",
            ),
        ),
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
