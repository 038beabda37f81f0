//! Media types: bodies are JSON both ways.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::{Failure, Refusal};

/// What a PATCH endpoint advertises: with a refusal of a media type or a method (RFC 5789, section 3.1).
pub(crate) const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// What an endpoint reads, by its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BodyKind {
    Post,
    Put,
    /// A JSON Merge Patch, under its own name or as plain JSON.
    Patch,
}

impl BodyKind {
    /// The media types it may be declared as, as a header lists them.
    pub(crate) const fn media_types(self) -> &'static str {
        match self {
            Self::Post | Self::Put => "application/json",
            Self::Patch => "application/merge-patch+json, application/json",
        }
    }

    /// The header that advertises them.
    pub(crate) fn header(self) -> HeaderName {
        match self {
            Self::Post => HeaderName::from_static("accept-post"),
            Self::Put => header::ACCEPT,
            Self::Patch => ACCEPT_PATCH,
        }
    }

    /// Refuses a body that is not declared to be of this kind. Parameters, `charset` among them, mean nothing for
    /// JSON (RFC 8259, section 11).
    pub(crate) fn require(self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Refusal::PackedBody(self));
        }
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let fits = types
            .next()
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                let mut known = self.media_types().split(", ");
                known.any(|known| essence(value).eq_ignore_ascii_case(known))
            });
        if fits && types.next().is_none() {
            Ok(())
        } else {
            Err(Refusal::UnsupportedMediaType(self))
        }
    }
}

/// Refuses a request whose `Accept` rules out JSON.
pub(crate) async fn require_json_acceptable(request: Request, next: Next) -> Response {
    if accepts_json(request.headers()) {
        next.run(request).await
    } else {
        Failure::from(Refusal::NotAcceptable).into_response()
    }
}

/// Whether the most specific range for `application/json` has a weight above 0 (RFC 9110, section 12.5.1). No
/// `Accept`, or one without a single media range, accepts all.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut any_range = false;
    let mut best: Option<(u8, bool)> = None;
    for range in headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let name = essence(range).to_ascii_lowercase();
        any_range |= name.contains('/');
        let specificity = match name.as_str() {
            "application/json" => 3,
            "application/*" => 2,
            "*/*" => 1,
            _ => continue,
        };
        if best.is_none_or(|(known, _)| specificity > known) {
            best = Some((specificity, weight_is_positive(range)));
        }
    }
    best.map_or(!any_range, |(_, wanted)| wanted)
}

/// Whether the caller asks for HTML by name, as browsers do.
pub(crate) fn asks_for_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| essence(range).eq_ignore_ascii_case("text/html") && weight_is_positive(range))
}

/// A value of a list without its parameters.
pub(crate) fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// Whether the value is not ruled out by a weight of 0.
pub(crate) fn weight_is_positive(range: &str) -> bool {
    range
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("q"))
        .and_then(|(_, weight)| weight.parse::<f32>().ok())
        .is_none_or(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepting(value: &str) -> bool {
        let value = HeaderValue::from_str(value).unwrap();
        accepts_json(&HeaderMap::from_iter([(header::ACCEPT, value)]))
    }

    #[test]
    fn the_most_specific_range_decides() {
        assert!(accepts_json(&HeaderMap::new()));
        for accepted in [
            "*/*",
            "application/*",
            "Application/JSON; q=0.1",
            "text/html, */*;q=0.01",
            "application/json, */*;q=0",
            "",
        ] {
            assert!(accepting(accepted), "{accepted}");
        }
        for excluded in [
            "text/html",
            "application/problem+json",
            "application/json;q=0",
            "application/json;q=0.000, */*",
            "*/*;q=0",
        ] {
            assert!(!accepting(excluded), "{excluded}");
        }
    }

    #[test]
    fn json_is_json_with_any_parameter_and_nothing_else_is() {
        let of = |kind: BodyKind, value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            kind.require(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)]))
                .is_ok()
        };
        let check = |value: &str| of(BodyKind::Post, value);
        assert!(check("application/json"));
        assert!(check("Application/JSON ; charset=utf-8"));
        assert!(of(BodyKind::Patch, "application/json"));
        assert!(of(BodyKind::Patch, "application/merge-patch+json; charset=utf-8"));
        assert!(!of(BodyKind::Patch, "application/json-patch+json"));
        for other in [
            "text/plain",
            "application/jsonl",
            "application/merge-patch+json",
            "",
        ] {
            assert!(!check(other), "{other}");
        }
        assert!(BodyKind::Put.require(&HeaderMap::new()).is_err());
    }

    #[tokio::test]
    async fn a_packed_body_is_refused_with_what_may_be_sent_instead() {
        use crate::testing::{TestApi, json_request};
        let api = TestApi::new();
        let sent = |coding| {
            json_request(
                "POST",
                "/tasks",
                &[("content-encoding", coding)],
                r#"{"description": "a"}"#,
            )
        };
        for coding in ["gzip", "identity, br", ""] {
            let answer = api.send(sent(coding)).await;
            assert_eq!(
                answer.problem(),
                (415, "unsupported-content-encoding"),
                "{coding}"
            );
            assert_eq!(answer.header("accept-encoding"), "identity");
        }
        assert_eq!(api.send(sent("identity")).await.status, 201);
    }
}
