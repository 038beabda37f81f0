//! JSON as strictly as a service should read it: a name that stands twice in an object is an error, because
//! readers differ on which of the two counts.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use taskwire_domain::{FieldError, Violation};

/// How many values a body may hold. The largest bulk that is in order has a quarter of them; each takes far more memory
/// than the one or two bytes that it can be written with.
const MAX_VALUES: usize = 100_000;

/// How many names that stand twice are told: a large body can hold very many, and each takes far more room in an
/// answer than in the body.
const MAX_REPEATED: usize = 100;

/// The one JSON value that the body is.
///
/// # Errors
/// `malformed-json` with line and column, or `duplicate-name` for every name that stands twice, as far as there is room.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Vec<FieldError>> {
    if body.is_empty() {
        return Err(malformed("the body is empty; send a JSON object"));
    }
    let repeated = RefCell::new(Vec::new());
    let node = Node {
        place: Place::Root,
        repeated: &repeated,
        values: &Cell::new(0),
    };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = node
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| malformed(&sentence(&error)))?;
    let repeated = repeated.into_inner();
    if repeated.is_empty() {
        Ok(value)
    } else {
        Err(repeated)
    }
}

fn malformed(detail: &str) -> Vec<FieldError> {
    vec![FieldError::at_pointer(
        "",
        Violation::new("malformed-json", detail),
    )]
}

/// What the reader stumbled over and where. It appends the place to its message itself, in a form of its own.
fn sentence(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let reason = message
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&message);
    format!("{reason}, at line {line}, column {column}")
}

/// The token of a JSON pointer (RFC 6901) for a name or an index, with its slash.
pub(crate) fn pointer_token(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Where a value stands, without a string for each.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, name) => parent.pointer() + &pointer_token(name),
            Self::Item(parent, index) => {
                let mut pointer = parent.pointer();
                // Writing to a String cannot fail.
                let _ = write!(pointer, "/{index}");
                pointer
            }
        }
    }
}

/// A value to be read, which knows where it stands. `serde_json::Value` reads itself too, but keeps the last of
/// two equal names and gives some names a meaning of its own.
struct Node<'a> {
    place: Place<'a>,
    repeated: &'a RefCell<Vec<FieldError>>,
    /// How many have been read.
    values: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > MAX_VALUES {
            return Err(de::Error::custom(format_args!("more than {MAX_VALUES} values")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Node {
            place: Place::Item(&self.place, values.len()),
            repeated: self.repeated,
            values: self.values,
        })? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let place = Place::Member(&self.place, &name);
            if members.contains_key(&name) && self.repeated.borrow().len() < MAX_REPEATED {
                let violation = Violation::new("duplicate-name", "stands more than once in its object");
                let error = FieldError::at_pointer(place.pointer(), violation);
                self.repeated.borrow_mut().push(error);
            }
            let value = entries.next_value_seed(Node {
                place,
                repeated: self.repeated,
                values: self.values,
            })?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskwire_domain::Location;

    use super::*;

    fn errors(body: &str) -> Vec<(String, String)> {
        let errors = parse(body.as_bytes()).unwrap_err();
        errors
            .into_iter()
            .map(|error| match error.location {
                Location::Pointer(pointer) => (pointer, error.violation.detail),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn every_kind_of_value_is_read_as_it_stands() {
        let body = r#" {"a": [null, true, -1, 18446744073709551615, 1.5, "\u00e9\ud83d\ude00"], "b": {}} "#;
        let wanted = json!({"a": [null, true, -1, 18_446_744_073_709_551_615_u64, 1.5, "é😀"], "b": {}});
        assert_eq!(parse(body.as_bytes()).unwrap(), wanted);
    }

    #[test]
    fn a_syntax_error_says_line_and_column() {
        let wanted = "expected `,` or `}`, at line 2, column 7";
        assert_eq!(
            errors("{\"a\": 1\n      \"b\": 2}"),
            [(String::new(), wanted.into())]
        );
    }

    #[test]
    fn every_name_that_stands_twice_is_named_wherever_it_is() {
        let found = errors(r#"{"a/b": {"~": 1, "~": 2}, "c": [0, {"d": 1, "d": 1}], "a/b": 3}"#);
        let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/a~1b/~0", "/c/1/d", "/a~1b"]);
    }

    #[test]
    fn very_many_values_are_not_kept() {
        let of = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert!(parse(of(MAX_VALUES - 1).as_bytes()).is_ok());
        let found = errors(&of(MAX_VALUES));
        assert!(
            found[0]
                .1
                .starts_with("more than 100000 values, at line 1, column "),
            "{found:?}"
        );
    }

    #[test]
    fn a_name_with_a_meaning_inside_the_json_library_has_none_here() {
        let body = r#"{"$serde_json::private::RawValue": "{}"}"#;
        assert!(
            parse(body.as_bytes())
                .unwrap()
                .get("$serde_json::private::RawValue")
                .is_some()
        );
    }
}
