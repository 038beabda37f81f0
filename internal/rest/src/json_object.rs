//! Decoding a JSON object field by field, so that one answer names everything that is wrong with it.
//!
//! A decoder takes a value and answers with what it means or with every error in it, whose pointers start at that
//! value; whoever holds the value puts the way to it in front.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use taskwire_domain::{FieldError, Location, Violation};

use crate::json::pointer_token;

/// How many unknown fields of one object are named: a large body can hold very many, and each takes far more room in
/// an answer than in the body.
const MAX_UNKNOWN: usize = 100;

/// What a value means, or every error in it.
pub(crate) type Decoded<T> = Result<T, Vec<FieldError>>;

/// An object whose fields are taken out one by one; what is left at the end is unknown.
pub(crate) struct JsonObject {
    members: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl JsonObject {
    /// The object that the value is.
    pub(crate) fn open(value: Value) -> Decoded<Self> {
        match value {
            Value::Object(members) => Ok(Self {
                members,
                errors: Vec::new(),
            }),
            other => Err(here(wrong_type("an object", &other))),
        }
    }

    /// A field that must be there.
    pub(crate) fn required<T>(&mut self, name: &str, decode: impl FnOnce(Value) -> Decoded<T>) -> Option<T> {
        if !self.members.contains_key(name) {
            let violation = Violation::new("missing", "is required");
            self.errors
                .push(FieldError::at_pointer(pointer_token(name), violation));
        }
        self.optional(name, decode)
    }

    /// A field that may be absent, but not null.
    pub(crate) fn optional<T>(&mut self, name: &str, decode: impl FnOnce(Value) -> Decoded<T>) -> Option<T> {
        let value = self.members.remove(name)?;
        match decode(value) {
            Ok(meaning) => Some(meaning),
            Err(errors) => {
                self.errors.extend(below(&pointer_token(name), errors));
                None
            }
        }
    }

    /// A field that may be absent, or null to the same effect.
    pub(crate) fn nullable<T>(&mut self, name: &str, decode: impl FnOnce(Value) -> Decoded<T>) -> Option<T> {
        self.removable(name, decode).flatten()
    }

    /// A field of a merge patch: `None` when it is absent, `Some(None)` when it is null.
    pub(crate) fn removable<T>(
        &mut self,
        name: &str,
        decode: impl FnOnce(Value) -> Decoded<T>,
    ) -> Option<Option<T>> {
        self.optional(name, |value| match value {
            Value::Null => Ok(None),
            value => decode(value).map(Some),
        })
    }

    /// Fields that may be there with any value and mean nothing.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.members.remove(*name);
        }
    }

    /// Fields of which nothing can be said.
    pub(crate) fn ignore_the_rest(&mut self) {
        self.members.clear();
    }

    /// Notes an error that several fields make together; its pointer starts at the object.
    pub(crate) fn reject(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// The meaning of the whole, unless some field was wrong or is unknown. `None` stands for a meaning that
    /// could not be put together because a field was wrong.
    pub(crate) fn finish<T>(mut self, meaning: Option<T>) -> Decoded<T> {
        let unknown = self.members.keys().take(MAX_UNKNOWN).map(|name| {
            let violation = Violation::new("unknown-field", "is not a field of this object");
            FieldError::at_pointer(pointer_token(name), violation)
        });
        self.errors.extend(unknown);
        match meaning {
            Some(meaning) if self.errors.is_empty() => Ok(meaning),
            _ => Err(self.errors),
        }
    }
}

/// A string that obeys its parser's rules.
pub(crate) fn text<T>(value: Value, parse: impl FnOnce(String) -> Result<T, Violation>) -> Decoded<T> {
    match value {
        Value::String(text) => parse(text).map_err(here),
        other => Err(here(wrong_type("a string", &other))),
    }
}

/// A boolean.
pub(crate) fn boolean(value: Value) -> Decoded<bool> {
    match value {
        Value::Bool(flag) => Ok(flag),
        other => Err(here(wrong_type("a boolean", &other))),
    }
}

/// A whole number in this range. 10.0 is one, as in JSON Schema.
pub(crate) fn whole_number(value: Value, range: RangeInclusive<u32>) -> Decoded<u32> {
    let Value::Number(number) = &value else {
        return Err(here(wrong_type("a whole number", &value)));
    };
    let limits = f64::from(*range.start())..=f64::from(*range.end());
    number
        .as_f64()
        .filter(|number| number.fract() == 0.0 && limits.contains(number))
        // It is whole and no greater than the greatest u32.
        .map(|number| number as u32)
        .ok_or_else(|| here(Violation::new("out-of-range", range_rule(&range))))
}

/// The rule of a whole number in a range, wherever it stands.
pub(crate) fn range_rule(range: &RangeInclusive<u32>) -> String {
    format!("must be a whole number from {} to {}", range.start(), range.end())
}

/// An array of at most so many items.
pub(crate) fn array(value: Value, at_most: usize) -> Decoded<Vec<Value>> {
    match value {
        Value::Array(values) if values.len() <= at_most => Ok(values),
        Value::Array(_) => {
            let detail = format!("must have at most {at_most} items");
            Err(here(Violation::new("too-many", detail)))
        }
        other => Err(here(wrong_type("an array", &other))),
    }
}

/// An array of at most so many items, each decoded; an error's pointer begins with the item's index. An item that is
/// wrong is `None` among the meanings, so that rules about the rest can still be checked.
pub(crate) fn items<T>(
    value: Value,
    at_most: usize,
    decode: impl Fn(Value) -> Decoded<T>,
) -> Decoded<(Vec<Option<T>>, Vec<FieldError>)> {
    let values = array(value, at_most)?;
    let mut meanings = Vec::with_capacity(values.len());
    let mut wrong = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        match decode(value) {
            Ok(meaning) => meanings.push(Some(meaning)),
            Err(errors) => {
                meanings.push(None);
                wrong.extend(below(&format!("/{index}"), errors));
            }
        }
    }
    Ok((meanings, wrong))
}

/// A violation by the value itself.
pub(crate) fn here(violation: Violation) -> Vec<FieldError> {
    vec![FieldError::at_pointer("", violation)]
}

/// The errors of a value that stands there.
pub(crate) fn below(token: &str, errors: Vec<FieldError>) -> impl Iterator<Item = FieldError> {
    errors.into_iter().map(move |error| FieldError {
        location: match error.location {
            Location::Pointer(rest) => Location::Pointer(format!("{token}{rest}")),
            elsewhere @ (Location::Parameter(_) | Location::Header(_)) => elsewhere,
        },
        violation: error.violation,
    })
}

fn wrong_type(wanted: &str, found: &Value) -> Violation {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Violation::new("wrong-type", format!("must be {wanted}, not {found}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        for (value, wanted) in [
            (json!(10), Some(10)),
            (json!(10.0), Some(10)),
            (json!(1e2), Some(100)),
            (json!(-0.0), Some(0)),
            (json!(10.5), None),
            (json!(-1.0), None),
            (json!(101.0), None),
            (json!(1e300), None),
        ] {
            assert_eq!(whole_number(value.clone(), 0..=100).ok(), wanted, "{value}");
        }
    }
}
