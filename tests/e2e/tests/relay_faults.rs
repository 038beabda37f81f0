//! The relay as operators meet its trouble: a leader that is frozen, and a topic that is not there until the outbox is
//! full.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use taskwire_e2e::{Api, Deployment, until};

/// The database closes a silent session after 15 s, and one who stands by tries every second; the rest is for a machine
/// that is busy.
const SUCCESSION: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_leader_is_followed_and_does_no_harm_when_it_thaws() {
    let deployment = Deployment::new().await;
    let leader = deployment.start_rest().await;
    leader.process.logged("this relay leads").await;
    let successor = deployment.start_rest().await;
    let _indexer = deployment.start_indexer();
    let task = successor.api.create(&json!({"description": "before"})).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    // Half of what the two of them write is under way when the one stops.
    let change = |number: usize| json!({"description": format!("change {number}")});
    for number in 0..20 {
        let api = if number % 2 == 0 {
            &leader.api
        } else {
            &successor.api
        };
        put(api, &path, &change(number)).await;
    }
    leader.process.signal("STOP");
    let began = Instant::now();
    for number in 20..40 {
        put(&successor.api, &path, &change(number)).await;
        successor
            .api
            .create(&json!({"description": "while it is frozen"}))
            .await;
    }
    successor.process.logged("this relay leads").await;
    println!("the successor led after {:?}", began.elapsed());
    assert!(began.elapsed() < SUCCESSION, "{:?}", began.elapsed());
    deployment.assert_equal().await;

    leader.process.signal("CONT");
    leader.process.logged("this relay no longer leads").await;
    for number in 40..60 {
        let api = if number % 2 == 0 {
            &leader.api
        } else {
            &successor.api
        };
        put(api, &path, &change(number)).await;
    }
    let findings = deployment.assert_equal().await;
    assert_eq!(findings.documents, 21, "{findings:?}");
}

/// A topic that nobody may create is missing: events gather until the bound is reached.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_outbox_refuses_writes_and_nothing_else_until_it_can_be_emptied() {
    let deployment = Deployment::new().await;
    let settings = [("CREATE_TOPICS", "false"), ("OUTBOX_LIMIT", "20")];
    let server = deployment.start_rest_with(&settings).await;
    let api = &server.api;
    let task = api.create(&json!({"description": "first"})).await;
    let mut written = 1;
    let began = Instant::now();
    let refusal = loop {
        assert!(began.elapsed() < Duration::from_secs(60), "never refused");
        let fields = json!({"description": "another"});
        let answer = api.call(Method::POST, "/tasks", Some(&fields)).await.unwrap();
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            break answer;
        }
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        written += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(written >= 20, "{written}");
    server
        .process
        .logged("the outbox is full: writes are refused until events are published")
        .await;
    assert_eq!(refusal.header("retry-after"), "5", "{refusal:?}");
    assert!(
        refusal.body["detail"]
            .as_str()
            .unwrap()
            .contains("too many changes wait to be announced"),
        "{refusal:?}"
    );
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    let change = json!({"description": "changed"});
    for (method, path, body) in [
        (Method::PUT, path.as_str(), Some(&change)),
        (Method::PATCH, path.as_str(), Some(&change)),
        (Method::DELETE, path.as_str(), None),
        (
            Method::POST,
            "/tasks/bulk",
            Some(&json!({"operations": [{"op": "create", "task": {"description": "in bulk"}}]})),
        ),
    ] {
        let answer = api.call(method.clone(), path, body).await.unwrap();
        assert_eq!(
            answer.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{method}: {answer:?}"
        );
    }
    for path in [path.as_str(), "/tasks"] {
        let answer = api.call(Method::GET, path, None).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let in_doubt = || async {
        let ready = api.call(Method::GET, "/healthz/ready", None).await.unwrap();
        assert_eq!(ready.status, StatusCode::OK, "{ready:?}");
        (ready.body["checks"]["outbox"]["status"] == "degraded").then_some(())
    };
    until("readiness names the outbox", Duration::from_secs(10), in_doubt).await;

    // Another server, which may, creates the topic.
    let _creator = deployment.start_rest().await;
    let _indexer = deployment.start_indexer();
    let taken = || async {
        let answer = api.call(Method::PUT, &path, Some(&change)).await.unwrap();
        (answer.status == StatusCode::OK).then_some(answer.body)
    };
    let (changed, _): (Value, _) = until("writes are taken again", Duration::from_secs(90), taken).await;
    assert_eq!(changed["task"]["version"], 2, "no refused change was applied");
    let findings = deployment.assert_equal().await;
    assert_eq!(findings.rows, written, "{findings:?}");
}

async fn put(api: &Api, path: &str, fields: &Value) {
    let answer = api.call(Method::PUT, path, Some(fields)).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}
