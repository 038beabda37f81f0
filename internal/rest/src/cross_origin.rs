//! Which web pages may call the API from a browser (the CORS protocol of the Fetch standard). Off unless origins are
//! configured. Cookies and the like are never allowed: the service knows none.

use std::fmt;
use std::str::FromStr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::config::RestConfig;
use crate::rate_limit::ClientKey;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// What a page may send beyond what it always may.
const REQUEST_HEADERS: &str =
    "content-type, if-match, if-none-match, idempotency-key, traceparent, tracestate, x-request-id";

/// What a page may read beyond what it always may.
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static(
    "etag, location, link, retry-after, x-consistency-token, x-request-id, idempotency-replayed, ratelimit, ratelimit-policy, \
     allow, accept-patch, accept-post",
);

/// For how long a browser may remember a preflight's answer, in seconds: the most that any browser honours is two hours.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origin of a web page, `https://app.example` or `http://localhost:5173`, or `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

const ANY: HeaderValue = HeaderValue::from_static("*");

impl FromStr for Origin {
    type Err = MalformedOrigin;

    fn from_str(text: &str) -> Result<Self, MalformedOrigin> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self(ANY));
        }
        let uri: Uri = text.parse().map_err(|_| MalformedOrigin)?;
        let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(MalformedOrigin);
        };
        // Written exactly as browsers do, because that is what it is compared with.
        let origin = format!("{}://{authority}", uri.scheme_str().unwrap_or_default()).to_ascii_lowercase();
        let is_alike = origin == text.to_ascii_lowercase() && !authority.as_str().contains('@');
        if !is_alike || !is_port_as_written(uri.scheme_str(), authority) {
            return Err(MalformedOrigin);
        }
        HeaderValue::from_str(&origin)
            .map(Self)
            .map_err(|_| MalformedOrigin)
    }
}

/// Browsers leave out the port that the scheme has anyway, and the zeros in front of another.
fn is_port_as_written(scheme: Option<&str>, authority: &Authority) -> bool {
    let own = if scheme == Some("https") { "443" } else { "80" };
    match authority.as_str().strip_prefix(authority.host()) {
        Some("") => true,
        Some(port) => authority
            .port()
            .is_some_and(|known| port == format!(":{}", known.as_u16()) && known.as_str() != own),
        None => false,
    }
}

/// It is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedOrigin;

impl fmt::Display for MalformedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write scheme, host and port as a browser does, without a path, a slash at the end or the port that the \
             scheme has anyway: https://app.example or http://localhost:5173; * stands for all",
        )
    }
}

impl std::error::Error for MalformedOrigin {}

/// Who may call from where.
pub(crate) struct CrossOrigin {
    allowed: Vec<HeaderValue>,
    request_headers: HeaderValue,
}

/// What the request's origin may do; made before the request is handled, applied to its answer.
pub(crate) struct Verdict(Option<HeaderValue>);

impl CrossOrigin {
    /// As configured; no origin turns it off.
    pub(crate) fn new(config: &RestConfig) -> Self {
        Self {
            allowed: config
                .cors_origins
                .iter()
                .map(|origin| origin.0.clone())
                .collect(),
            request_headers: request_headers(&config.rate_limit_key),
        }
    }

    /// What the answer will say of the request's origin; `None` when this is off.
    pub(crate) fn judge(&self, request: &HeaderMap) -> Option<Verdict> {
        if self.allowed.is_empty() {
            return None;
        }
        if self.allowed.contains(&ANY) {
            return Some(Verdict(Some(ANY)));
        }
        let origin = request.get(header::ORIGIN);
        Some(Verdict(
            origin.filter(|origin| self.allowed.contains(origin)).cloned(),
        ))
    }

    /// The answer to a preflight request. Any other OPTIONS is the router's to answer.
    pub(crate) fn preflight(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        let asks = !self.allowed.is_empty()
            && request.method() == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        asks.then(|| {
            let headers: [(HeaderName, HeaderValue); 4] = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, self.request_headers.clone()),
                (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (StatusCode::NO_CONTENT, headers).into_response()
        })
    }
}

/// With the header that tells clients apart, if one does.
fn request_headers(key: &ClientKey) -> HeaderValue {
    let ClientKey::Header(name) = key else {
        return HeaderValue::from_static(REQUEST_HEADERS);
    };
    // Names of headers and commas are always a header value.
    HeaderValue::from_str(&format!("{REQUEST_HEADERS}, {name}"))
        .unwrap_or(HeaderValue::from_static(REQUEST_HEADERS))
}

impl Verdict {
    /// Lets the page read the answer, and caches know that another origin's answer differs.
    pub(crate) fn apply(self, answer: &mut HeaderMap) {
        if self.0 != Some(ANY) {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.0 {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, TASK, TestApi, post, request};

    const PAGE: &str = "https://app.example";

    fn open_to(origins: &[&str]) -> TestApi {
        TestApi::with(RestConfig {
            cors_origins: origins.iter().map(|origin| origin.parse().unwrap()).collect(),
            ..RestConfig::default()
        })
    }

    fn preflight<'a>(origin: &'a str, method: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![("origin", origin), ("access-control-request-method", method)]
    }

    fn allowed(answer: &Answer) -> &str {
        answer.header("access-control-allow-origin")
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for text in [
            "https://app.example",
            "http://localhost:5173",
            "http://[::1]:8080",
            "https://app.example:80",
            "*",
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().0, text);
        }
        assert_eq!("HTTPS://App.Example".parse::<Origin>().unwrap().0, PAGE);
        for text in [
            "",
            "app.example",
            "https://app.example/",
            "https://app.example/path",
            "https://me@app.example",
            "ftp://app.example",
            "https://",
            "null",
            "https://app.example:443",
            "https://app.example:0443",
            "https://app.example:",
            "http://localhost:80",
            "http://localhost:05173",
            "http://[::1]:80",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(MalformedOrigin), "{text}");
        }
    }

    #[tokio::test]
    async fn nothing_is_said_of_origins_unless_some_are_configured() {
        let api = TestApi::new();
        let answer = api
            .send(request("OPTIONS", "/tasks", &preflight(PAGE, "POST")))
            .await;
        assert_eq!(answer.problem(), (405, "method-not-allowed"));
        let answer = api.send(request("GET", "/", &[("origin", PAGE)])).await;
        assert_eq!((allowed(&answer), answer.header("vary")), ("", "accept"));
    }

    #[tokio::test]
    async fn a_configured_origin_may_call_and_read_and_another_may_not() {
        let api = open_to(&[PAGE, "http://localhost:5173"]);
        for (origin, wanted) in [
            (PAGE, PAGE),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://evil.example", ""),
            ("https://app.example.evil.example", ""),
            ("null", ""),
        ] {
            let answer = api
                .raw(request("OPTIONS", "/tasks", &preflight(origin, "PUT")))
                .await;
            assert_eq!(answer.status(), 204);
            let headers = answer.headers();
            let said = headers.get("access-control-allow-origin");
            assert_eq!(said.map_or("", |value| value.to_str().unwrap()), wanted);
            assert_eq!(headers["vary"], "origin");
            assert!(headers.contains_key("x-request-id"));
            let methods = headers["access-control-allow-methods"].to_str().unwrap();
            assert!(methods.split(", ").any(|method| method == "PATCH"), "{methods}");
            let sent = headers["access-control-allow-headers"].to_str().unwrap();
            for name in ["if-match", "content-type", "idempotency-key", "x-request-id"] {
                assert!(sent.split(", ").any(|known| known == name), "{sent}");
            }
            assert_eq!(headers["access-control-max-age"], "7200");

            let answer = api
                .send(request("GET", &format!("/tasks/{TASK}"), &[("origin", origin)]))
                .await;
            assert_eq!(answer.problem(), (404, "task-not-found"));
            assert_eq!((allowed(&answer), answer.header("vary")), (wanted, "origin"));
            let told = answer.header("access-control-expose-headers");
            assert_eq!(
                told.contains("etag") && told.contains("x-consistency-token"),
                !wanted.is_empty()
            );
        }
    }

    #[tokio::test]
    async fn a_page_may_send_the_header_that_tells_clients_apart() {
        for (key, told) in [("header:X-Api-Key", true), ("peer", false)] {
            let api = TestApi::with(RestConfig {
                cors_origins: vec![PAGE.parse().unwrap()],
                rate_limit_key: key.parse().unwrap(),
                ..RestConfig::default()
            });
            let answer = api
                .raw(request("OPTIONS", "/tasks", &preflight(PAGE, "PUT")))
                .await;
            let sent = answer.headers()["access-control-allow-headers"].to_str().unwrap();
            assert_eq!(sent.split(", ").any(|name| name == "x-api-key"), told, "{sent}");
            assert!(sent.split(", ").any(|name| name == "if-match"), "{sent}");
        }
    }

    #[tokio::test]
    async fn an_options_request_that_asks_for_nothing_is_405_with_allow() {
        let api = open_to(&[PAGE]);
        let answer = api.send(request("OPTIONS", "/tasks", &[("origin", PAGE)])).await;
        assert_eq!(answer.problem(), (405, "method-not-allowed"));
        assert!(answer.header("allow").contains("POST"));
        assert_eq!(allowed(&answer), PAGE);
    }

    #[tokio::test]
    async fn all_origins_are_a_star_that_caches_may_share() {
        let answer = open_to(&["*"]).send(post("/tasks/search", "{}")).await;
        assert_eq!((allowed(&answer), answer.header("vary")), ("*", ""));
    }

    #[tokio::test]
    async fn a_page_can_read_why_it_was_refused() {
        let api = TestApi::with(RestConfig {
            cors_origins: vec![PAGE.parse().unwrap()],
            rate_limit: Some("1/h".parse().unwrap()),
            ..RestConfig::default()
        });
        let from_the_page = || request("GET", "/", &[("origin", PAGE)]);
        assert_eq!(api.send(from_the_page()).await.status, 200);
        let answer = api.send(from_the_page()).await;
        assert_eq!(answer.problem(), (429, "rate-limited"));
        assert_eq!(allowed(&answer), PAGE);
    }
}
