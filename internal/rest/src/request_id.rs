//! The name of one request, for a caller and an operator to speak of the same thing.

use axum::http::{HeaderName, HeaderValue};
use uuid::Uuid;

/// The header, in requests and answers.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// 1 to 128 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// A caller's id that is longer is replaced.
    pub(crate) const MAX_CHARS: usize = 128;

    /// The caller's id if it can stand in a log and a header, a new one otherwise.
    pub(crate) fn accept_or_make(sent: Option<&HeaderValue>) -> Self {
        sent.and_then(|value| value.to_str().ok())
            .filter(|text| (1..=Self::MAX_CHARS).contains(&text.len()))
            .filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
            .map_or_else(Self::make, |text| Self(text.to_owned()))
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a request id is a label that no rule and no test depends on"
    )]
    fn make() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(sent: &[u8]) -> bool {
        let value = HeaderValue::from_bytes(sent).unwrap();
        RequestId::accept_or_make(Some(&value)).as_str().as_bytes() == sent
    }

    #[test]
    fn printable_ascii_up_to_128_characters_is_honoured_and_all_else_replaced() {
        assert!(accepted(b"req 17/a"));
        assert!(accepted(&[b'x'; 128]));
        assert!(!accepted(&[b'x'; 129]));
        assert!(!accepted(b""));
        assert!(!accepted(b"a\tb"));
        assert!(!accepted("é".as_bytes()));
    }

    #[test]
    fn a_made_id_is_new_every_time() {
        assert_ne!(RequestId::accept_or_make(None), RequestId::accept_or_make(None));
    }
}
