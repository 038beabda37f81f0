//! `Idempotency-Key`: the caller's name for one request, so that it can be sent again without being done again.

use axum::http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use taskwire_domain::{FieldError, Location, Violation};
use taskwire_service::CallerKey;

use crate::json_object::Decoded;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// 1 to 255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key, without the quotes it may stand in.
    pub(crate) const MAX_CHARS: usize = 255;

    /// The key that the request carries, bare or as a string of structured fields (RFC 9651, section 3.3.3), as the
    /// IETF's draft has it; `None` when there is none.
    pub(crate) fn of(headers: &HeaderMap) -> Decoded<Option<Self>> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(wrong("repeated", "may stand only once"));
        }
        let printable = |byte: &u8| (b' '..=b'~').contains(byte);
        let text = value
            .to_str()
            .ok()
            .filter(|text| text.as_bytes().iter().all(printable));
        let text =
            text.ok_or_else(|| wrong("not-printable", "must have printable ASCII characters alone"))?;
        let key = if text.starts_with('"') {
            unquoted(text)?
        } else {
            text.to_owned()
        };
        if (1..=Self::MAX_CHARS).contains(&key.len()) {
            Ok(Some(Self(key)))
        } else {
            let detail = format!("must have 1 to {} characters", Self::MAX_CHARS);
            Err(wrong("invalid-length", detail))
        }
    }

    /// The key of a request to this endpoint. What the query asks for is part of the request, where an endpoint has
    /// such parameters; a body of JSON ends before `query`, so that no other request has the same fingerprint.
    pub(crate) fn of_request(self, scope: &'static str, body: &[u8], query: &str) -> CallerKey {
        let fingerprint = Sha256::new().chain_update(body).chain_update(query).finalize();
        CallerKey {
            scope,
            key: self.0,
            fingerprint: fingerprint.into(),
        }
    }
}

/// What stands between the quotes; `\"` and `\\` are the only escapes.
fn unquoted(text: &str) -> Decoded<String> {
    let malformed = || {
        wrong(
            "malformed-string",
            "must end with the quote that it begins with, such as \"8e03978e\"",
        )
    };
    let mut key = String::with_capacity(text.len());
    let mut characters = text[1..].chars();
    loop {
        match characters.next() {
            Some('"') if characters.as_str().is_empty() => return Ok(key),
            Some('\\') => match characters.next() {
                Some(escaped @ ('"' | '\\')) => key.push(escaped),
                _ => return Err(malformed()),
            },
            None | Some('"') => return Err(malformed()),
            Some(plain) => key.push(plain),
        }
    }
}

fn wrong(code: &'static str, detail: impl Into<String>) -> Vec<FieldError> {
    vec![FieldError {
        location: Location::Header(IDEMPOTENCY_KEY.as_str().to_owned()),
        violation: Violation::new(code, detail),
    }]
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn decode(lines: &[&[u8]]) -> Result<Option<String>, &'static str> {
        let headers = lines
            .iter()
            .map(|line| (IDEMPOTENCY_KEY, HeaderValue::from_bytes(line).unwrap()))
            .collect();
        match IdempotencyKey::of(&headers) {
            Ok(key) => Ok(key.map(|key| key.0)),
            Err(errors) => {
                assert_eq!(errors[0].location, Location::Header("idempotency-key".into()));
                Err(errors[0].violation.code)
            }
        }
    }

    #[test]
    fn a_key_is_the_same_bare_and_quoted() {
        assert_eq!(decode(&[]), Ok(None));
        for (line, key) in [
            ("8e03978e", "8e03978e"),
            ("\"8e03978e\"", "8e03978e"),
            ("a b\\c\"d", "a b\\c\"d"),
            (r#""a \"b\" \\c""#, r#"a "b" \c"#),
        ] {
            assert_eq!(decode(&[line.as_bytes()]), Ok(Some(key.to_owned())), "{line}");
        }
        let long = "x".repeat(255);
        assert_eq!(decode(&[format!("\"{long}\"").as_bytes()]), Ok(Some(long)));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = [b'x'; 256];
        let cases: [(&[&[u8]], &str); 9] = [
            (&[b"a", b"a"], "repeated"),
            (&[b""], "invalid-length"),
            (&[b"\"\""], "invalid-length"),
            (&[&long], "invalid-length"),
            (&["ключ".as_bytes()], "not-printable"),
            (&[b"a\tb"], "not-printable"),
            (&[b"\"a"], "malformed-string"),
            (&[b"\"a\"; b"], "malformed-string"),
            (&[br#""a\b""#], "malformed-string"),
        ];
        for (lines, code) in cases {
            assert_eq!(decode(lines), Err(code), "{lines:?}");
        }
    }

    #[test]
    fn a_fingerprint_is_of_every_byte() {
        let key = || IdempotencyKey("k".into());
        let of = |body: &str, query: &str| {
            key()
                .of_request("POST /tasks", body.as_bytes(), query)
                .fingerprint
        };
        // The SHA-256 of "abc", from FIPS 180-4.
        assert_eq!(of("abc", "")[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_ne!(of("{}", ""), of("{} ", ""));
        assert_ne!(of("{}", ""), of("{}", "atomic"));
    }
}
