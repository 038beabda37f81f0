//! Methods and targets that no well-meaning client sends.

use super::*;
use crate::head_limit::MAX_TARGET_BYTES;
use crate::testing::TASK;

fn asking(method: &str, target: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn a_path_means_what_it_says_and_nothing_else() {
    let case = |target: &'static str, status, code| (target, asking("GET", target), status, code);
    assert_outcomes(&[
        case("//tasks", 404, "unknown-path"),
        case("/tasks/", 404, "unknown-path"),
        case("/tasks//", 404, "unknown-path"),
        case("/TASKS/search", 404, "unknown-path"),
        case("/./healthz/live", 404, "unknown-path"),
        case("/tasks/../healthz/live", 404, "unknown-path"),
        case("/tasks/%2e%2e/", 404, "unknown-path"),
        case("/tasks/%2e%2e/healthz/live", 404, "unknown-path"),
        case("/healthz%2flive", 404, "unknown-path"),
        case("/docs/%2e%2e/%2e%2e/etc/passwd", 404, "unknown-path"),
        case("/docs/..%2f..%2fetc%2fpasswd", 404, "unknown-path"),
        case("/docs/%ff", 404, "unknown-path"),
        case("/tasks/..", 400, "invalid-request"),
        case("/tasks/%2e%2e", 400, "invalid-request"),
        case("/tasks/%00", 400, "invalid-request"),
        case("/tasks/%ff", 400, "invalid-request"),
        case("/tasks/%", 400, "invalid-request"),
        case("/tasks/%zz", 400, "invalid-request"),
        case("/tasks/%0d%0ax-injected:%201", 400, "invalid-request"),
        case(
            "/tasks/0199C5A0-7D9F-7CC1-A3C8-5F2F1D4B7AFF",
            404,
            "task-not-found",
        ),
        case("/tasks/;id=1", 400, "invalid-request"),
        // Read as the name of a host, with no path at all.
        case("tasks", 404, "unknown-path"),
        case("http://elsewhere.example/healthz/live", 200, ""),
        case("https://elsewhere.example/nowhere", 404, "unknown-path"),
        case("/healthz/live?x=%00", 200, ""),
    ])
    .await;
}

#[tokio::test]
async fn a_target_that_is_none_is_refused_before_anything_reads_it() {
    let case = |target: &'static str, status| (target, asking("GET", target), status, "");
    assert_outcomes(&[
        case("http://[", 400),
        case("/a b", 400),
        case("/\0", 400),
        case("/\u{7f}", 400),
        case("", 400),
    ])
    .await;
}

#[tokio::test]
async fn a_long_target_is_414_with_a_document_as_long_as_it_can_be_read() {
    let of = |bytes: usize| asking("GET", &format!("/{}", "a".repeat(bytes - 1)));
    assert_outcomes(&[
        ("fits", of(MAX_TARGET_BYTES), 404, "unknown-path"),
        ("too long", of(MAX_TARGET_BYTES + 1), 414, "target-too-long"),
        (
            "with its query",
            asking("GET", &format!("/?{}", "a".repeat(MAX_TARGET_BYTES))),
            414,
            "target-too-long",
        ),
        // Just above the limit it depends on how the bytes fall into reads whether it is 414 or 431.
        ("longer than is read", of(3 * MAX_HEAD_BYTES), 431, ""),
    ])
    .await;
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_405_whatever_it_is() {
    let path = format!("/tasks/{TASK}");
    assert_outcomes(&[
        ("TRACE", asking("TRACE", &path), 405, "method-not-allowed"),
        ("OPTIONS", asking("OPTIONS", &path), 405, "method-not-allowed"),
        ("BREW", asking("BREW", &path), 405, "method-not-allowed"),
        ("lower case", asking("get", &path), 405, "method-not-allowed"),
        ("HEAD of a POST", asking("HEAD", "/tasks/bulk"), 405, ""),
        ("all of OPTIONS", asking("OPTIONS", "*"), 404, "unknown-path"),
        (
            "CONNECT",
            asking("CONNECT", "elsewhere.example:443"),
            404,
            "unknown-path",
        ),
        (
            "CONNECT a path",
            asking("CONNECT", "/tasks"),
            405,
            "method-not-allowed",
        ),
        // HTTP/2 without a word before: closed without one.
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), 0, ""),
        ("HTTP/3.0", b"GET / HTTP/3.0\r\n\r\n".to_vec(), 400, ""),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec(), 400, ""),
        (
            "HTTP/1.0",
            b"GET /healthz/live HTTP/1.0\r\n\r\n".to_vec(),
            200,
            "",
        ),
        (
            "TLS",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            400,
            "",
        ),
    ])
    .await;
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = start(&TestApi::with_a_task().await).await;
    let task = format!("/tasks/{TASK}");
    for path in [task.as_str(), "/healthz/live", "/openapi.json", "/", "/nowhere"] {
        let headers = |answer: &str| {
            let head = answer.split_once("\r\n\r\n").unwrap().0.to_owned();
            let varying = ["date:", "x-request-id:"];
            let lines = head
                .lines()
                .filter(|line| !varying.iter().any(|name| line.starts_with(name)));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let got = server.told(&asking("GET", path)).await;
        let head = server.told(&asking("HEAD", path)).await;
        assert_eq!(headers(&head), headers(&got), "{path}");
        assert!(head.ends_with("\r\n\r\n"), "{path}: {head}");
    }
}
