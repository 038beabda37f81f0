//! Requests whose head or body is not framed as it should be.

use super::*;

const BODY: &str = r#"{"description":"a"}"#;

fn posting(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /tasks HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

fn asking(headers: &str) -> Vec<u8> {
    format!("GET /healthz/live HTTP/1.1\r\nconnection: close\r\n{headers}\r\n").into_bytes()
}

#[tokio::test]
async fn a_body_has_one_length_or_the_request_is_refused() {
    let chunked = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    let length = BODY.len();
    let case =
        |name, headers: String, body: &str, status, code| (name, posting(&headers, body), status, code);
    assert_outcomes(&[
        case(
            "one length",
            format!("content-length: {length}\r\n"),
            BODY,
            201,
            "",
        ),
        case(
            "chunks",
            "transfer-encoding: chunked\r\n".into(),
            &chunked,
            201,
            "",
        ),
        case(
            "two lengths",
            format!("content-length: {length}\r\ncontent-length: 5\r\n"),
            BODY,
            400,
            "",
        ),
        case(
            "a list",
            format!("content-length: {length}, 5\r\n"),
            BODY,
            400,
            "",
        ),
        case("a sign", format!("content-length: +{length}\r\n"), BODY, 400, ""),
        case("negative", "content-length: -1\r\n".into(), BODY, 400, ""),
        case("hexadecimal", "content-length: 0x13\r\n".into(), BODY, 400, ""),
        case(
            "beyond 64 bits",
            "content-length: 18446744073709551616\r\n".into(),
            BODY,
            400,
            "",
        ),
        case(
            "coding last",
            "transfer-encoding: chunked, gzip\r\n".into(),
            &chunked,
            400,
            "",
        ),
        case(
            "no chunk size",
            "transfer-encoding: chunked\r\n".into(),
            "x\r\n",
            400,
            "invalid-request",
        ),
        case(
            "chunk too short",
            "transfer-encoding: chunked\r\n".into(),
            "1\r\nab\r\n",
            400,
            "invalid-request",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    let api = TestApi::new();
    let server = start(&api).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let chunked = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n{smuggled}", BODY.len());
    let head = "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = server.told(format!("{head}{chunked}").as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_malformed_head_is_400() {
    let case = |name, headers: &str| (name, asking(headers), 400, "");
    assert_outcomes(&[
        case("a folded line", "host: x\r\nx-a: 1\r\n 2\r\n"),
        case("a space before the colon", "host: x\r\nx-a : 1\r\n"),
        case("no colon", "host: x\r\nx-a\r\n"),
        case("no name", "host: x\r\n: 1\r\n"),
        case("NUL in a value", "host: x\r\nx-a: \0\r\n"),
        case("a lone CR", "host: x\r\nx-a: 1\r2\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    assert_outcomes(&[
        ("none", asking(""), 400, "invalid-request"),
        ("two", asking("host: x\r\nhost: y\r\n"), 400, "invalid-request"),
        ("one", asking("host: x\r\n"), 200, ""),
        ("an empty one", asking("host:\r\n"), 200, ""),
        ("with a port", asking("host: tasks.example:8080\r\n"), 200, ""),
        ("an address", asking("host: [::1]:80\r\n"), 200, ""),
        ("two words", asking("host: a b\r\n"), 400, "invalid-request"),
        ("a list", asking("host: a,b\r\n"), 400, "invalid-request"),
        ("with a user", asking("host: a@b\r\n"), 400, "invalid-request"),
        ("a path", asking("host: a/b\r\n"), 400, "invalid-request"),
        ("no text", asking("host: \u{e9}\r\n"), 400, "invalid-request"),
    ])
    .await;
}

#[tokio::test]
async fn headers_are_limited_in_number_and_size() {
    let many = |count: usize| (0..count).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    // Two more are there already.
    let fits = format!("host: x\r\n{}", many(MAX_HEADERS - 2));
    let too_many = format!("host: x\r\n{}", many(MAX_HEADERS - 1));
    let large = format!("host: x\r\nx-a: {}\r\n", "a".repeat(20_000));
    assert_outcomes(&[
        ("fits", asking(&fits), 200, ""),
        ("too many", asking(&too_many), 431, ""),
        ("far too many", asking(&many(2_000)), 431, ""),
        ("too large", asking(&large), 431, "headers-too-large"),
    ])
    .await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(&TestApi::new()).await;
    let last = "GET /openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let requests = [
        "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n",
        &format!(
            "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
            BODY.len()
        ),
        "HEAD /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n",
        last,
    ];
    let answer = server.told(requests.concat().as_bytes()).await;
    let statuses: Vec<_> = answer
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &answer[at + 9..at + 12])
        .collect();
    assert_eq!(statuses, ["404", "201", "200", "200"], "{answer}");
}

#[tokio::test]
async fn an_expectation_is_met_or_passed_over() {
    let server = start(&TestApi::new()).await;
    let length = format!("content-length: {}\r\n", BODY.len());
    let answer = server
        .told(&posting(&format!("{length}expect: 100-continue\r\n"), BODY))
        .await;
    assert!(answer.contains("HTTP/1.1 201 "), "{answer}");
    let answer = server
        .told(&posting(&format!("{length}expect: wonders\r\n"), BODY))
        .await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let upgrade = "host: x\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    assert_eq!(
        outcome(&server.told(&asking(upgrade)).await),
        (200, String::new())
    );
}
