//! What tells a browser to do nothing with an answer but what it is for.
//!
//! `Strict-Transport-Security` is not among them: the service speaks plain HTTP, and it is for whoever ends TLS in
//! front to say that there is TLS.

use axum::http::{HeaderMap, HeaderValue, header};

/// An answer of the API is no page: it may load nothing and stand in no frame.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// A client may keep its copy and ask with `If-None-Match` whether it still holds; a proxy may not, because tasks are
/// their owner's.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What cannot be asked about again is not kept: a later answer may differ, and the body is somebody's tasks.
const KEEP_NOTHING: HeaderValue = HeaderValue::from_static("no-store");

/// Adds what the answer does not say itself, as pages do.
pub(crate) fn complete(answer: &mut HeaderMap) {
    answer.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let caching = if answer.contains_key(header::ETAG) {
        ASK_AGAIN
    } else {
        KEEP_NOTHING
    };
    answer.entry(header::CACHE_CONTROL).or_insert(caching);
    answer.entry(header::CONTENT_SECURITY_POLICY).or_insert(NOTHING);
}

#[cfg(test)]
mod tests {
    use crate::testing::{TASK, TestApi, post, request};

    #[tokio::test]
    async fn every_answer_is_inert_in_a_browser() {
        let api = TestApi::with_a_task().await;
        let task = format!("/tasks/{TASK}");
        for (request, caching) in [
            (request("GET", &task, &[]), "private, no-cache"),
            (
                request("GET", &task, &[("if-none-match", "*")]),
                "private, no-cache",
            ),
            (post("/tasks/search", "{}"), "no-store"),
            (post("/tasks", "{}"), "no-store"),
            (request("GET", "/nowhere", &[]), "no-store"),
            (request("TRACE", "/tasks", &[]), "no-store"),
            (request("GET", "/healthz/live", &[]), "no-store"),
            (request("GET", "/openapi.json", &[]), "no-cache"),
        ] {
            let what = request.uri().to_string();
            let answer = api.send(request).await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
            let policy = answer.header("content-security-policy");
            assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'", "{what}");
            assert_eq!(answer.header("cache-control"), caching, "{what}");
        }
    }
}
