//! `GET /`: what this is, for people and for programs.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Component, Endpoint, Header, Tag};
use crate::media_type::asks_for_html;

const NAME: &str = "Taskwire";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Nothing but the style in the page itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The service and where its parts are.")
        .shows(Component::Service, vec![("service", "This release", service())])
        .shows_any("text/html")
        .carries(Header::Vary);
    Endpoint::new(
        "getService",
        Tag::About,
        "What this is",
        "A page for those who ask for `text/html`, as browsers do; JSON for everybody else.",
    )
    .answers(StatusCode::OK, answer)
}

pub(crate) async fn handle(headers: HeaderMap) -> Response {
    let vary = [(header::VARY, "accept")];
    if asks_for_html(&headers) {
        (vary, page(POLICY, Html(html(address(&headers))))).into_response()
    } else {
        (vary, Json(service())).into_response()
    }
}

fn service() -> Value {
    json!({
        "name": NAME,
        "version": VERSION,
        "links": {"docs": "/docs/", "openapi": "/openapi.json", "ready": "/healthz/ready"}
    })
}

/// How the caller reached us. The header is the caller's to choose, so that only what can stand in a page and in a
/// shell is repeated.
fn address(headers: &HeaderMap) -> &str {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| !host.is_empty() && host.bytes().all(is_harmless))
        .unwrap_or("localhost:9234")
}

fn is_harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte)
}

fn html(address: &str) -> String {
    include_str!("front_page.html")
        .replace("{name}", NAME)
        .replace("{version}", VERSION)
        .replace("{address}", address)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::testing::{TestApi, request};

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    async fn shown_to(headers: &[(&str, &str)]) -> (HeaderMap, String) {
        let answer = TestApi::new()
            .router
            .oneshot(request("GET", "/", headers))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_browser_gets_a_page_with_links_and_three_lines_to_try() {
        let (headers, page) = shown_to(&[("accept", BROWSER), ("host", "tasks.example:8080")]).await;
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["vary"], "accept");
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'none'")
        );
        for link in ["docs/", "openapi.json", "healthz/ready"] {
            assert!(page.contains(&format!("<a href=\"{link}\">")), "{link}: {page}");
        }
        assert_eq!(page.matches("curl ").count(), 3);
        assert_eq!(page.matches("http://tasks.example:8080/tasks").count(), 3);
        assert!(page.contains(VERSION));
        assert!(!page.contains('{') || !page.contains("{name}"), "{page}");
    }

    #[tokio::test]
    async fn everybody_else_gets_json() {
        for accept in ["*/*", "application/json", "text/html;q=0", ""] {
            let (headers, body) = shown_to(&[("accept", accept)]).await;
            assert_eq!(headers["content-type"], "application/json", "{accept}");
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), service());
        }
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        for host in ["<script>", "a b", "a';rm -rf", "a\"", ""] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(address(&headers), "localhost:9234", "{host}");
        }
    }
}
