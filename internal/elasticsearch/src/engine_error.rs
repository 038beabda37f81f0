//! Errors in the server's own words.

use std::fmt;

use serde::Deserialize;

/// The `error` of an answer or of a bulk item. As an error it can be the cause of another; it is for logs and dead
/// letters, never for a caller.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct EngineError {
    /// The type, such as `version_conflict_engine_exception`; empty when the server gave only a sentence.
    pub(crate) kind: String,
    /// The sentence, cut to a length fit for a header.
    pub(crate) reason: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    Object {
        r#type: String,
        #[serde(default)]
        reason: Option<String>,
        #[serde(default)]
        caused_by: Option<Cause>,
    },
    Sentence(String),
}

#[derive(Deserialize)]
struct Cause {
    #[serde(default)]
    reason: Option<String>,
}

/// A reason may quote the document; a dead letter needs the gist of it.
const MAX_REASON_CHARS: usize = 500;

impl From<Wire> for EngineError {
    fn from(wire: Wire) -> Self {
        let (kind, reason) = match wire {
            Wire::Object {
                r#type,
                reason,
                caused_by,
            } => {
                let parts = [reason, caused_by.and_then(|cause| cause.reason)];
                (r#type, parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
            }
            Wire::Sentence(reason) => (String::new(), reason),
        };
        let reason = reason.chars().take(MAX_REASON_CHARS).collect();
        Self { kind, reason }
    }
}

impl EngineError {
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
