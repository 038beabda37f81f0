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

fn case(
    method: Method,
    path: &str,
    media_type: &'static str,
    body: impl Into<Vec<u8>>,
    status: u16,
    code: &'static str,
) -> Case {
    Case {
        method,
        path: path.to_owned(),
        media_type,
        body: body.into(),
        status,
        code,
    }
}

fn described(description: &str) -> Vec<u8> {
    json!({"description": description}).to_string().into_bytes()
}

fn cases(existing: &str) -> Vec<Case> {
    let unknown = "/tasks/0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
    let dates = json!({"description": "x", "dates": {"start": "2026-02-01T00:00:00Z", "due": "2026-01-01T00:00:00Z"}});
    let large = described(&"x".repeat(10 * 1024 * 1024));
    vec![
        case(
            Method::POST,
            "/tasks",
            JSON,
            "{\"description\": ",
            400,
            "invalid-request",
        ),
        case(
            Method::POST,
            "/tasks",
            JSON,
            "{\"description\": 7}",
            400,
            "invalid-request",
        ),
        case(
            Method::POST,
            "/tasks",
            JSON,
            "{\"description\": \"x\", \"colour\": \"red\"}",
            400,
            "invalid-request",
        ),
        case(
            Method::POST,
            "/tasks",
            JSON,
            described("  \n"),
            400,
            "invalid-request",
        ),
        case(
            Method::POST,
            "/tasks",
            JSON,
            described(&"x".repeat(5_000)),
            400,
            "invalid-request",
        ),
        case(
            Method::POST,
            "/tasks",
            JSON,
            described("a\0b"),
            400,
            "invalid-request",
        ),
        case(
            Method::POST,
            "/tasks",
            JSON,
            dates.to_string(),
            400,
            "invalid-request",
        ),
        case(Method::PUT, existing, JSON, "[]", 400, "invalid-request"),
        case(
            Method::PUT,
            existing,
            JSON,
            described(" "),
            400,
            "invalid-request",
        ),
        case(Method::GET, "/tasks/17", JSON, "", 400, "invalid-request"),
        case(Method::DELETE, "/tasks/17", JSON, "", 400, "invalid-request"),
        case(Method::GET, unknown, JSON, "", 404, "task-not-found"),
        case(Method::PUT, unknown, JSON, described("x"), 404, "task-not-found"),
        case(Method::DELETE, unknown, JSON, "", 404, "task-not-found"),
        case(Method::GET, "/nowhere", JSON, "", 404, "unknown-path"),
        case(
            Method::PATCH,
            "/tasks/search",
            JSON,
            "{}",
            405,
            "method-not-allowed",
        ),
        case(
            Method::POST,
            "/tasks",
            "text/plain",
            described("x"),
            415,
            "unsupported-media-type",
        ),
        case(Method::POST, "/tasks", JSON, large, 413, "body-too-large"),
    ]
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
