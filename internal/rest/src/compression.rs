//! Smaller answers for callers who can unpack them.

use axum::http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

use crate::media_type::{essence, weight_is_positive};

/// Below it, an answer fits into one packet anyway.
const MIN_BYTES: u16 = 1024;

/// Packs an answer with gzip for a caller who accepts that, if it is worth it. It goes around the endpoints whose
/// answers can be large; no other request pays for it.
///
/// An answer with a strong entity tag is left alone: the tag names exact bytes (RFC 9110, section 8.8.3.3).
pub(crate) fn layer() -> CompressionLayer<And<SizeAbove, Untagged>> {
    let untagged: Untagged = |_, _, headers, _| !headers.contains_key(header::ETAG);
    CompressionLayer::new()
        // Most of what can be saved is saved by the fastest; the rest would cost the processor more than the network.
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(MIN_BYTES).and(untagged))
}

/// Whether the caller can unpack gzip (RFC 9110, section 12.5.3). One who says nothing may not be able to.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut any = false;
    let codings = headers.get_all(header::ACCEPT_ENCODING).iter();
    for coding in codings
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        match essence(coding).to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return weight_is_positive(coding),
            "*" => any = weight_is_positive(coding),
            _ => {}
        }
    }
    any
}

/// Whether an answer is without an entity tag.
pub(crate) type Untagged = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{HeaderMap, Request, header};
    use axum::response::AppendHeaders;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use crate::docs::openapi_document;
    use crate::testing::{TASK, TestApi, json_request, post, request};

    async fn ask(api: &TestApi, request: Request<Body>) -> (HeaderMap, Vec<u8>) {
        let (parts, body) = api.raw(request).await.into_parts();
        (parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    fn is_packed(headers: &HeaderMap) -> bool {
        headers
            .get("content-encoding")
            .is_some_and(|coding| coding == "gzip")
    }

    #[tokio::test]
    async fn a_large_answer_is_packed_for_those_who_accept_it() {
        let api = TestApi::new();
        let plain = openapi_document();
        for (accepted, packed) in [
            ("gzip", true),
            ("gzip, deflate, br", true),
            ("br", false),
            ("identity", false),
            ("gzip;q=0", false),
            ("gzip;q=0, identity", false),
        ] {
            let (headers, body) = ask(
                &api,
                request("GET", "/openapi.json", &[("accept-encoding", accepted)]),
            )
            .await;
            assert_eq!(is_packed(&headers), packed, "{accepted}");
            assert_eq!(headers["vary"], "accept-encoding", "{accepted}");
            assert_eq!(body == plain.as_bytes(), !packed, "{accepted}");
            assert_eq!(body.len() < plain.len() / 4, packed, "{accepted}");
            assert_eq!(body.starts_with(&[0x1f, 0x8b]), packed, "{accepted}");
        }
        let (headers, _) = ask(&api, request("GET", "/openapi.json", &[])).await;
        assert!(!is_packed(&headers));
    }

    #[tokio::test]
    async fn a_tag_names_bytes_that_are_not_changed() {
        for (tag, packed) in [(None, true), (Some([(header::ETAG, "\"1\"")]), false)] {
            let answer = async move || (AppendHeaders(tag.into_iter().flatten()), "a".repeat(5_000));
            let router = Router::new().route("/", get(answer)).layer(super::layer());
            let asked = request("GET", "/", &[("accept-encoding", "gzip")]);
            let answer = router.oneshot(asked).await.unwrap();
            assert_eq!(is_packed(answer.headers()), packed);
        }
    }

    #[tokio::test]
    async fn what_is_small_or_tagged_or_packed_already_is_left_alone() {
        let api = TestApi::new();
        let gzip = [("accept-encoding", "gzip")];
        let long = format!(r#"{{"description": "{}"}}"#, "a".repeat(4_000));
        let (created, _) = ask(&api, json_request("POST", "/tasks", &gzip, long)).await;
        assert!(created.contains_key("etag") && !is_packed(&created));
        let (read, body) = ask(&api, request("GET", &format!("/tasks/{TASK}"), &gzip)).await;
        assert!(body.len() > 4_000 && !is_packed(&read) && !read.contains_key("vary"));
        for large in [
            json_request("POST", "/tasks/search", &gzip, "{}"),
            request("GET", "/tasks/search?q=a", &gzip),
            request("GET", "/tasks", &gzip),
        ] {
            let what = large.uri().to_string();
            let (found, _) = ask(&api, large).await;
            assert!(is_packed(&found), "{what}: {found:?}");
        }
        let (refused, _) = ask(&api, json_request("POST", "/tasks/search", &gzip, "[]")).await;
        assert!(!is_packed(&refused));
        let (nothing, _) = ask(
            &TestApi::new(),
            json_request("POST", "/tasks/search", &gzip, "{}"),
        )
        .await;
        assert!(!is_packed(&nothing));
        let (asset, body) = ask(&api, request("GET", "/docs/swagger-ui.css", &gzip)).await;
        assert!(is_packed(&asset));
        assert!(body.starts_with(&[0x1f, 0x8b]));
        let (plain, _) = ask(&api, post("/tasks/search", "{}")).await;
        assert!(!is_packed(&plain));
    }
}
