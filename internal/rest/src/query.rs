//! The query of a URL, decoded parameter by parameter, so that one answer names every wrong one.
//!
//! A parameter stands at most once, and one that the endpoint does not know is refused by name: a filter that was
//! misspelt and passed over would answer a question that nobody asked.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use taskwire_domain::{FieldError, Location, Violation};

use crate::json_object::{Decoded, range_rule};

/// What of a parameter has to be written with percent signs.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A query whose parameters are taken out one by one; what is left at the end is unknown.
pub(crate) struct Query {
    parameters: Vec<Parameter>,
    errors: Vec<FieldError>,
}

struct Parameter {
    name: String,
    /// `None` when it is not UTF-8.
    value: Option<String>,
}

impl Query {
    /// The parameters, as forms write them: `+` is a space, and what else is not plain is percent-encoded UTF-8.
    pub(crate) fn open(raw: Option<&str>) -> Self {
        let parts = raw.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let parameters = parts.map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Parameter {
                name: String::from_utf8_lossy(&decoded(name)).into_owned(),
                value: String::from_utf8(decoded(value)).ok(),
            }
        });
        Self {
            parameters: parameters.collect(),
            errors: Vec::new(),
        }
    }

    /// The query of an endpoint that has no parameters.
    pub(crate) fn none(raw: Option<&str>) -> Decoded<()> {
        Self::open(raw).finish(())
    }

    /// A parameter that may be absent.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(String) -> Result<T, Violation>,
    ) -> Option<T> {
        let mut values = self.take(name);
        let value = values.pop()?;
        if !values.is_empty() {
            self.reject(name, Violation::new("repeated", "may stand only once"));
            return None;
        }
        match value.ok_or_else(not_utf8).and_then(parse) {
            Ok(meaning) => Some(meaning),
            Err(violation) => {
                self.reject(name, violation);
                None
            }
        }
    }

    /// A parameter that may stand several times: its values in their order, `None` if it is absent.
    pub(crate) fn repeatable(&mut self, name: &str) -> Option<Vec<String>> {
        let values = self.take(name);
        let count = values.len();
        let values: Vec<_> = values.into_iter().flatten().collect();
        if values.len() < count {
            self.reject(name, not_utf8());
        }
        (count > 0).then_some(values)
    }

    /// Notes an error.
    pub(crate) fn reject(&mut self, name: &str, violation: Violation) {
        self.errors.push(at(name, violation));
    }

    /// The meaning of the whole, unless some parameter was wrong or is unknown.
    pub(crate) fn finish<T>(mut self, meaning: T) -> Decoded<T> {
        let unknown: BTreeSet<_> = self
            .parameters
            .into_iter()
            .map(|parameter| parameter.name)
            .collect();
        let violation = || Violation::new("unknown-parameter", "is not a query parameter of this endpoint");
        self.errors
            .extend(unknown.iter().map(|name| at(name, violation())));
        if self.errors.is_empty() {
            Ok(meaning)
        } else {
            Err(self.errors)
        }
    }

    /// The same query with this parameter changed or added.
    pub(crate) fn with(raw: Option<&str>, name: &str, value: &str) -> String {
        let mut parameters = Self::open(raw).parameters;
        parameters.retain(|parameter| parameter.name != name);
        let kept = parameters.iter().map(|parameter| {
            (
                parameter.name.as_str(),
                parameter.value.as_deref().unwrap_or_default(),
            )
        });
        kept.chain([(name, value)])
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    fn take(&mut self, name: &str) -> Vec<Option<String>> {
        let taken = self.parameters.extract_if(.., |parameter| parameter.name == name);
        taken.map(|parameter| parameter.value).collect()
    }
}

/// `true` or `false`.
pub(crate) fn boolean(text: String) -> Result<bool, Violation> {
    text.parse()
        .map_err(|_| Violation::new("wrong-type", "must be true or false"))
}

/// A whole number in this range, in digits alone.
pub(crate) fn whole_number(text: &str, range: RangeInclusive<u32>) -> Result<u32, Violation> {
    let detail = range_rule(&range);
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return Err(Violation::new("wrong-type", detail));
    }
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| Violation::new("out-of-range", detail))
}

fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(&text.replace('+', " ")).collect()
}

fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

fn not_utf8() -> Violation {
    Violation::new("not-utf-8", "must be percent-encoded UTF-8")
}

fn at(name: &str, violation: Violation) -> FieldError {
    FieldError {
        location: Location::Parameter(name.to_owned()),
        violation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong<T>(decoded: Decoded<T>) -> Vec<(String, &'static str)> {
        let errors = decoded.err().unwrap_or_default();
        errors
            .into_iter()
            .map(|error| match error.location {
                Location::Parameter(name) => (name, error.violation.code),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn values_are_decoded_as_forms_encode_them() {
        let mut query = Query::open(Some(
            "q=oat+milk%2B%D0%B6&&flag&number=17&list=b&list=a&%6Cist=%C3%9F",
        ));
        assert_eq!(query.optional("q", Ok).as_deref(), Some("oat milk+ж"));
        assert_eq!(query.optional("flag", Ok).as_deref(), Some(""));
        let number = query.optional("number", |text| whole_number(&text, 1..=20));
        assert_eq!(number, Some(17));
        assert_eq!(query.repeatable("list").unwrap(), ["b", "a", "ß"]);
        assert_eq!(query.repeatable("absent"), None);
        assert_eq!(query.optional("absent", Ok), None);
        assert!(query.finish(()).is_ok());
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        let raw = "a=1&a=2&b=%ff&c=yes&d=21&e=x&f=-1&g=99999999999&list=%ff&list=a&y=1&y=2&Z";
        let mut query = Query::open(Some(raw));
        for name in ["a", "b"] {
            assert_eq!(query.optional(name, Ok), None);
        }
        assert_eq!(query.optional("c", boolean), None);
        for name in ["d", "e", "f", "g"] {
            assert_eq!(query.optional(name, |text| whole_number(&text, 1..=20)), None);
        }
        query.repeatable("list");
        let wanted = [
            ("a", "repeated"),
            ("b", "not-utf-8"),
            ("c", "wrong-type"),
            ("d", "out-of-range"),
            ("e", "wrong-type"),
            ("f", "out-of-range"),
            ("g", "out-of-range"),
            ("list", "not-utf-8"),
            ("Z", "unknown-parameter"),
            ("y", "unknown-parameter"),
        ];
        assert_eq!(
            wrong(query.finish(())),
            wanted.map(|(name, code)| (name.to_owned(), code))
        );
    }

    #[test]
    fn an_endpoint_without_parameters_refuses_any() {
        assert!(Query::none(None).is_ok());
        assert!(Query::none(Some("")).is_ok());
        assert_eq!(
            wrong(Query::none(Some("pretty"))),
            [("pretty".to_owned(), "unknown-parameter")]
        );
    }

    #[test]
    fn a_parameter_is_changed_and_the_others_stay() {
        let raw = Some("limit=2&cursor=old&externalId=a%26b+%3E");
        assert_eq!(
            Query::with(raw, "cursor", "n=w"),
            "limit=2&externalId=a%26b%20%3E&cursor=n%3Dw"
        );
        assert_eq!(Query::with(None, "cursor", "x"), "cursor=x");
    }
}
