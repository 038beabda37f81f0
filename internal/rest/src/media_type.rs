//! Media types: bodies are JSON both ways.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::{Failure, Refusal};

/// What a POST endpoint advertises when it refuses a media type.
pub(crate) const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// Refuses a body that is not declared to be JSON. Parameters, `charset` among them, mean nothing for JSON
/// (RFC 8259, section 11).
pub(crate) fn require_json(headers: &HeaderMap, advertise: HeaderName) -> Result<(), Refusal> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = types
        .next()
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| essence(value).eq_ignore_ascii_case("application/json"));
    if is_json && types.next().is_none() {
        Ok(())
    } else {
        Err(Refusal::UnsupportedMediaType { advertise })
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

fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

fn weight_is_positive(range: &str) -> bool {
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
        let check = |value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            require_json(
                &HeaderMap::from_iter([(header::CONTENT_TYPE, value)]),
                header::ACCEPT,
            )
            .is_ok()
        };
        assert!(check("application/json"));
        assert!(check("Application/JSON ; charset=utf-8"));
        for other in [
            "text/plain",
            "application/jsonl",
            "application/merge-patch+json",
            "",
        ] {
            assert!(!check(other), "{other}");
        }
        assert!(require_json(&HeaderMap::new(), header::ACCEPT).is_err());
    }
}
