//! Errors in the server's own words.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The `error` of an answer or of a bulk item. As an error it can be the cause of another; it is for logs and dead
/// letters, never for a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineError {
    /// The type, such as `version_conflict_engine_exception`; empty when the server gave only a sentence.
    pub(crate) kind: String,
    /// The sentence, cut to a length fit for a header.
    pub(crate) reason: String,
}

impl<'de> Deserialize<'de> for EngineError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherShape)
    }
}

/// An object with a type, or a sentence.
struct EitherShape;

impl<'de> Visitor<'de> for EitherShape {
    type Value = EngineError;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of Elasticsearch")
    }

    fn visit_str<E>(self, sentence: &str) -> Result<EngineError, E> {
        Ok(EngineError::new(String::new(), sentence))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EngineError, A::Error> {
        let object = Object::deserialize(MapAccessDeserializer::new(map))?;
        let parts = [object.reason, object.caused_by.and_then(|cause| cause.reason)];
        let parts: Vec<_> = parts.into_iter().flatten().map(|words| words.0).collect();
        Ok(EngineError::new(object.r#type, &parts.join(": ")))
    }
}

#[derive(Deserialize)]
struct Object {
    r#type: String,
    #[serde(default)]
    reason: Option<Words>,
    #[serde(default)]
    caused_by: Option<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(default)]
    reason: Option<Words>,
}

/// A sentence that may quote a document, half a character of it included (`"\ud800"`): no string, but no reason not to
/// understand what is said around it either.
pub(crate) struct Words(pub(crate) String);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes, of which the JSON reader does not demand that they are characters.
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sentence")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Words, E> {
        Ok(Words(String::from_utf8_lossy(bytes).into_owned()))
    }
}

/// A reason may quote the document; a dead letter needs the gist of it.
const MAX_REASON_CHARS: usize = 500;

impl EngineError {
    fn new(kind: String, reason: &str) -> Self {
        let reason = reason.chars().take(MAX_REASON_CHARS).collect();
        Self { kind, reason }
    }

    /// The error of a whole answer.
    pub(crate) fn of_body(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            error: EngineError,
        }
        serde_json::from_slice::<Body>(body).ok().map(|body| body.error)
    }

    /// The type alone, for sentences.
    pub(crate) fn kind(error: Option<&Self>) -> &str {
        error.map_or("", |error| error.kind.as_str())
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.as_str() {
            "" => f.write_str(&self.reason),
            kind => write!(f, "{kind}: {}", self.reason),
        }
    }
}

impl std::error::Error for EngineError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_an_error_are_read_and_what_is_no_error_is_none() {
        let object = br#"{"error":{"type":"a_type","reason":"a reason","caused_by":{"type":"b","reason":"deeper"}},"status":400}"#;
        assert_eq!(
            EngineError::of_body(object).unwrap().to_string(),
            "a_type: a reason: deeper"
        );
        let sentence = br#"{"error":"alias [x] missing","status":404}"#;
        assert_eq!(
            EngineError::of_body(sentence).unwrap().to_string(),
            "alias [x] missing"
        );
        assert_eq!(EngineError::of_body(b"<html>bad gateway</html>"), None);
        assert_eq!(EngineError::of_body(br#"{"took":1}"#), None);
    }

    #[test]
    fn half_a_character_in_a_quotation_does_not_hide_the_error() {
        let body = br#"{"error":{"type":"t","reason":"value '\ud800'","caused_by":{"reason":"[\udc00]"},"other":"\ud800"}}"#;
        let error = EngineError::of_body(body).unwrap();
        assert_eq!(error.kind, "t");
        assert!(
            error.reason.starts_with("value '") && error.reason.ends_with(']'),
            "{error}"
        );
    }

    #[test]
    fn a_long_reason_is_cut() {
        let body = format!(r#"{{"error":{{"type":"t","reason":"{}"}}}}"#, "ж".repeat(2_000));
        assert_eq!(
            EngineError::of_body(body.as_bytes())
                .unwrap()
                .reason
                .chars()
                .count(),
            MAX_REASON_CHARS
        );
    }
}
