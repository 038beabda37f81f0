//! What the service says about itself.

use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

use super::Component;
use super::parts::{Described, object, of};

pub(super) fn liveness() -> Schema {
    object(vec![(
        "status",
        of(Type::String).enum_values(Some(["ok"])).into(),
    )])
    .into()
}

pub(super) fn health() -> Schema {
    let status = of(Type::String).enum_values(Some(["ok", "degraded", "unavailable"]));
    let checks = ObjectBuilder::new()
        .additional_properties(Some(AdditionalProperties::RefOr(
            Component::Dependency.reference(),
        )))
        .description(Some("One entry a dependency, by its name."));
    let meaning = "`degraded`: something that not every request needs is away, or something answers and is to be \
                   doubted. `unavailable`: something that every request needs is away.";
    object(vec![
        ("status", status.described(meaning)),
        ("checks", checks.into()),
    ])
    .into()
}

pub(super) fn dependency() -> Schema {
    let status = of(Type::String).enum_values(Some(["ok", "degraded", "unavailable"]));
    let detail = of(Type::String).described("What is to be doubted, if it is `degraded`.");
    object(vec![("status", status.into())])
        .property("detail", detail)
        .into()
}

pub(super) fn service() -> Schema {
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

/// The shape of a body of which nothing more is said than its media type.
pub(in crate::docs) fn untold(media_type: &str) -> Schema {
    let kind = if media_type == "application/json" {
        Type::Object
    } else {
        Type::String
    };
    of(kind).into()
}
