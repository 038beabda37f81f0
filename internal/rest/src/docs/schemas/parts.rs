//! What shapes are made of: types with the limits that the domain enforces.

use serde_json::{Value, json};
use taskwire_domain::{Categories, Description, ExternalId, Priority};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};

/// Not blank, no NUL. U+0085 is blank to us and not to every regular expression.
const NOT_BLANK: &str = r"^[^\u0000]*[^\s\u0085\u0000][^\u0000]*$";
/// No control characters.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// What times look like in answers.
const UTC_MILLISECONDS: &str = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$";

/// A member that says what it is for.
pub(super) trait Described {
    fn described(self, description: &str) -> RefOr<Schema>;
}

impl Described for ObjectBuilder {
    fn described(self, description: &str) -> RefOr<Schema> {
        self.description(Some(description)).into()
    }
}

/// The same or null.
pub(super) trait OrNull {
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

pub(super) fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

pub(super) fn any() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue)
}

pub(super) fn boolean() -> ObjectBuilder {
    of(Type::Boolean)
}

pub(super) fn integer(minimum: u32) -> ObjectBuilder {
    of(Type::Integer).minimum(Some(minimum))
}

pub(in crate::docs) fn uuid() -> ObjectBuilder {
    of(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

pub(super) fn moment() -> ObjectBuilder {
    of(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .pattern(Some(UTC_MILLISECONDS))
}

pub(super) fn code() -> ObjectBuilder {
    of(Type::String).pattern(Some("^[a-z]+(-[a-z]+)*$"))
}

pub(super) fn description() -> ObjectBuilder {
    of(Type::String)
        .min_length(Some(1))
        .max_length(Some(Description::MAX_CHARS))
        .pattern(Some(NOT_BLANK))
}

pub(in crate::docs) fn external_id() -> ObjectBuilder {
    of(Type::String)
        .min_length(Some(1))
        .max_length(Some(ExternalId::MAX_CHARS))
        .pattern(Some(PRINTABLE))
}

/// A category.
pub(in crate::docs) fn label() -> ObjectBuilder {
    of(Type::String)
        .min_length(Some(1))
        .max_length(Some(Categories::MAX_CHARS))
        .pattern(Some(NOT_BLANK))
}

pub(super) fn labels() -> ArrayBuilder {
    ArrayBuilder::new()
        .items(label())
        .max_items(Some(Categories::MAX_COUNT))
        .unique_items(true)
        .description(Some(
            "Labels, trimmed, no two alike when case is ignored; their order is kept.",
        ))
}

/// An object of an answer: all of these are there, and later releases may add some.
pub(super) fn object(members: Vec<(&str, RefOr<Schema>)>) -> ObjectBuilder {
    members
        .into_iter()
        .fold(ObjectBuilder::new(), |object, (name, schema)| {
            object.property(name, schema).required(name)
        })
}

/// An object that has these members and no others.
pub(super) fn accepting(members: Vec<(&str, RefOr<Schema>)>) -> ObjectBuilder {
    with_members(members).additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

pub(super) fn with_members(members: Vec<(&str, RefOr<Schema>)>) -> ObjectBuilder {
    let object = ObjectBuilder::new();
    members
        .into_iter()
        .fold(object, |object, (name, schema)| object.property(name, schema))
}

/// An array or null.
pub(super) fn nullable_array() -> SchemaType {
    [Type::Array, Type::Null].into_iter().collect()
}

/// The name of a priority, or null.
pub(super) fn nullable_priority() -> ObjectBuilder {
    let names = Priority::ALL.map(|priority| json!(priority.as_str()));
    of(Type::String)
        .or_null()
        .enum_values(Some(names.into_iter().chain([Value::Null])))
}
