//! PostgreSQL away: requests are refused early and recover without a restart; nothing is applied twice or lost.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use taskwire_e2e::{Deployment, until};
use taskwire_testkit::Proxy;

#[tokio::test]
async fn requests_are_503_with_retry_after_until_it_is_back() {
    let deployment = Deployment::new().await;
    let proxy = Proxy::in_front_of(deployment.database.url()).await;
    let server = deployment.start_rest_with(&[("DATABASE_URL", proxy.url())]).await;
    let _indexer = deployment.start_indexer();
    let api = &server.api;
    let task = api.create(&json!({"description": "before"})).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());

    proxy.refuse();
    proxy.cut();
    let fields = json!({"description": "meanwhile"});
    for (method, path, body) in [
        (Method::POST, "/tasks", Some(&fields)),
        (Method::PUT, path.as_str(), Some(&fields)),
        (Method::DELETE, path.as_str(), None),
        (Method::GET, path.as_str(), None),
    ] {
        let answer = api.call(method.clone(), path, body).await.unwrap();
        assert_eq!(
            answer.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{method} {path}: {answer:?}"
        );
        assert!(
            answer
                .header("retry-after")
                .parse::<u32>()
                .is_ok_and(|seconds| seconds > 0),
            "{answer:?}"
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(
            !answer.body.to_string().contains("127.0.0.1"),
            "nothing internal: {answer:?}"
        );
    }
    // A report is good for a second.
    let unready = || async {
        let answer = api.call(Method::GET, "/healthz/ready", None).await.unwrap();
        (answer.status == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    };
    until("readiness fails", Duration::from_secs(10), unready).await;
    assert_eq!(
        api.call(Method::GET, "/healthz/live", None).await.unwrap().status,
        StatusCode::OK
    );

    proxy.resume();
    let back = || async {
        let answer = api
            .call(Method::POST, "/tasks", Some(&json!({"description": "after"})))
            .await
            .unwrap();
        (answer.status == StatusCode::CREATED).then_some(())
    };
    until("writes succeed again", Duration::from_secs(10), back).await;
    // Refused was not applied: there are exactly the task from before and the one from after.
    let findings = deployment.assert_equal().await;
    assert_eq!(findings.rows, 2);
    assert_eq!(
        deployment.system().tasks().await.unwrap()[task["id"].as_str().unwrap()],
        task
    );
}

#[tokio::test]
async fn a_server_that_starts_without_it_says_so_and_is_ready_when_it_comes() {
    let deployment = Deployment::new().await;
    let proxy = Proxy::in_front_of(deployment.database.url()).await;
    proxy.refuse();
    let server = deployment.listen_with(&[("DATABASE_URL", proxy.url())]).await;
    let _indexer = deployment.start_indexer();
    let api = &server.api;
    for (path, status) in [
        ("/healthz/live", StatusCode::OK),
        ("/healthz/ready", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        assert_eq!(
            api.call(Method::GET, path, None).await.unwrap().status,
            status,
            "{path}"
        );
    }
    let fields = json!({"description": "early"});
    let refused = api.call(Method::POST, "/tasks", Some(&fields)).await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");

    proxy.resume();
    let taken = || async {
        let answer = api.call(Method::POST, "/tasks", Some(&fields)).await.unwrap();
        // While the schema is being made it is still 503, never 500.
        assert!(
            [StatusCode::CREATED, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status),
            "{answer:?}"
        );
        (answer.status == StatusCode::CREATED).then_some(())
    };
    until("a write succeeds", Duration::from_secs(20), taken).await;
    assert_eq!(deployment.assert_equal().await.documents, 1);
}

#[tokio::test]
async fn a_wrong_user_or_database_ends_the_server_and_is_named() {
    let deployment = Deployment::new().await;
    let wrong = format!("{}_missing", deployment.database.url());
    let mut server = deployment.listen_with(&[("DATABASE_URL", &wrong)]).await;
    assert_eq!(server.process.ended().await.code(), Some(1));
    let said = || async {
        server
            .process
            .log_lines()
            .iter()
            .any(|line| line.contains("DATABASE_URL"))
            .then_some(())
    };
    until("the setting is named", Duration::from_secs(5), said).await;
}
