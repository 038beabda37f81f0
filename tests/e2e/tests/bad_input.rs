//! Bad input against the real server and the real database: refused with a problem document, nothing written.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use taskwire_e2e::{Deployment, until};

const JSON: &str = "application/json";

struct Case {
    method: Method,
    path: String,
    media_type: &'static str,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

fn described(description: &str) -> String {
    json!({"description": description}).to_string()
}

/// Bodies that `POST /tasks` refuses.
fn bodies() -> Vec<(&'static str, String, u16, &'static str)> {
    let dates = json!({"start": "2026-02-01T00:00:00Z", "due": "2026-01-01T00:00:00Z"});
    let invalid = [
        r#"{"description": "#.to_owned(),
        r#"{"description": 7}"#.to_owned(),
        r#"{"description": "x", "colour": "red"}"#.to_owned(),
        described("  \n"),
        described(&"x".repeat(5_000)),
        described("a\0b"),
        json!({"description": "x", "dates": dates}).to_string(),
    ];
    let mut bodies: Vec<_> = invalid.map(|body| (JSON, body, 400, "invalid-request")).into();
    bodies.push(("text/plain", described("x"), 415, "unsupported-media-type"));
    bodies.push((
        JSON,
        described(&"x".repeat(10 * 1024 * 1024)),
        413,
        "body-too-large",
    ));
    bodies
}

/// Requests that are wrong for where they go, or for what they bring there.
fn requests(existing: &str) -> Vec<(Method, String, String, u16, &'static str)> {
    let unknown = "/tasks/0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
    let requests = [
        (Method::PUT, existing, "[]".to_owned(), 400, "invalid-request"),
        (Method::PUT, existing, described(" "), 400, "invalid-request"),
        (Method::GET, "/tasks/17", String::new(), 400, "invalid-request"),
        (Method::DELETE, "/tasks/17", String::new(), 400, "invalid-request"),
        (Method::GET, unknown, String::new(), 404, "task-not-found"),
        (Method::PUT, unknown, described("x"), 404, "task-not-found"),
        (Method::DELETE, unknown, String::new(), 404, "task-not-found"),
        (Method::GET, "/nowhere", String::new(), 404, "unknown-path"),
        (
            Method::PATCH,
            "/tasks/search",
            "{}".to_owned(),
            405,
            "method-not-allowed",
        ),
    ];
    requests
        .map(|(method, path, body, status, code)| (method, path.to_owned(), body, status, code))
        .into()
}

fn cases(existing: &str) -> Vec<Case> {
    let bodies = bodies().into_iter().map(|(media_type, body, status, code)| Case {
        method: Method::POST,
        path: "/tasks".to_owned(),
        media_type,
        body: body.into_bytes(),
        status,
        code,
    });
    let requests = requests(existing)
        .into_iter()
        .map(|(method, path, body, status, code)| Case {
            method,
            path,
            media_type: JSON,
            body: body.into_bytes(),
            status,
            code,
        });
    bodies.chain(requests).collect()
}

#[tokio::test]
async fn bad_input_is_refused_with_a_problem_and_writes_nothing() {
    let deployment = Deployment::new().await;
    let server = deployment.start_rest().await;
    let task = server.api.create(&json!({"description": "untouched"})).await;
    let existing = format!("/tasks/{}", task["id"].as_str().unwrap());
    for case in cases(&existing) {
        let name = format!(
            "{} {} {}",
            case.method,
            case.path,
            String::from_utf8_lossy(&case.body[..case.body.len().min(80)])
        );
        let answer = server
            .api
            .call_raw(case.method, &case.path, case.media_type, case.body)
            .await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (case.status, &json!(case.code)),
            "{name}: {answer:?}"
        );
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{name}"
        );
        assert_eq!(answer.body["requestId"], answer.header("x-request-id"), "{name}");
        for member in ["type", "title", "detail"] {
            assert!(
                answer.body[member].is_string(),
                "{name}: no {member} in {}",
                answer.body
            );
        }
    }
    let system = deployment.system();
    let published = || async { (system.outbox_length().await.unwrap() == 0).then_some(()) };
    until("the outbox is empty", Duration::from_secs(30), published).await;
    let tasks: Vec<Value> = system.tasks().await.unwrap().into_values().collect();
    assert_eq!(tasks, [task], "the task is untouched and alone");
    assert_eq!(
        system.records().await.unwrap().len(),
        1,
        "only its creation was published"
    );
}
