//! The main path through both programs: in time, in order, and after each of them ends.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use taskwire_e2e::{Deployment, until};
use taskwire_testkit::Process;

/// What the issue of search promises while nothing else is going on.
const SEARCHABLE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn every_write_is_searchable_within_two_seconds_and_announced_once() {
    let deployment = Deployment::new().await;
    let (server, indexer) = (deployment.start_rest().await, deployment.start_indexer());
    indexer.logged("partitions assigned").await;
    let api = &server.api;

    let task = api.create(&json!({"description": "buy oat milk"})).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    let took = deployment.await_search(api, "oat milk", &["buy oat milk"]).await;
    assert!(took < SEARCHABLE, "searchable after {took:?}");

    let fields = json!({"description": "water the ferns"});
    let replaced = api.call(Method::PUT, &path, Some(&fields)).await.unwrap();
    assert_eq!(replaced.status, StatusCode::OK);
    let took = deployment.await_search(api, "ferns", &["water the ferns"]).await;
    assert!(took < SEARCHABLE, "searchable after {took:?}");
    assert_eq!(
        api.search("milk").await,
        Vec::<String>::new(),
        "the old text is gone"
    );

    let deleted = api.call(Method::DELETE, &path, None).await.unwrap();
    assert_eq!(deleted.status, StatusCode::OK);
    let took = deployment.await_search(api, "ferns", &[]).await;
    assert!(took < SEARCHABLE, "gone after {took:?}");

    let findings = deployment.assert_equal().await;
    assert_eq!((findings.rows, findings.tombstones, findings.events), (0, 1, 3));
}

#[tokio::test]
async fn both_end_in_order_on_sigterm_and_what_was_indexed_is_committed() {
    let deployment = Deployment::new().await;
    let mut server = deployment.start_rest().await;
    let mut indexer = Process::start(
        "search-indexer",
        &[deployment.indexer_settings(), vec![("BATCH_RECORDS", "5")]].concat(),
    );
    indexer.logged("partitions assigned").await;
    for number in 0..300 {
        server
            .api
            .create(&json!({"description": format!("task number {number}")}))
            .await;
    }
    // In the middle of its work, or just after: nothing waits for the commit that happens now and then.
    indexer.terminate();
    assert_eq!(indexer.ended().await.code(), Some(0));
    let system = deployment.system();
    let published = || async { (system.outbox_length().await.unwrap() == 0).then_some(()) };
    until("everything is published", Duration::from_secs(30), published).await;
    let indexed = i64::try_from(system.documents().await.unwrap()).unwrap();
    assert_eq!(
        300 - system.lag().await.unwrap(),
        indexed,
        "each indexed document is committed, and no other"
    );
    server.process.terminate();
    assert_eq!(server.process.ended().await.code(), Some(0));
}

#[tokio::test]
async fn several_of_each_start_together_and_one_relay_leads() {
    let deployment = Deployment::new().await;
    let (first, second) = tokio::join!(deployment.start_rest(), deployment.start_rest());
    let indexers = [
        deployment.start_indexer(),
        deployment.start_indexer(),
        deployment.start_indexer(),
    ];
    let leaders = || async {
        let leading = [&first, &second]
            .iter()
            .filter(|server| server.process.has_logged("this relay leads"))
            .count();
        (leading > 0).then_some(leading)
    };
    let (leaders, _) = until("a relay leads", Duration::from_secs(30), leaders).await;
    assert_eq!(leaders, 1);
    for server in [&first, &second] {
        for number in 0..20 {
            server
                .api
                .create(&json!({"description": format!("task number {number}")}))
                .await;
        }
    }
    let findings = deployment.assert_equal().await;
    assert_eq!(
        (findings.rows, findings.documents, findings.duplicates),
        (40, 40, 0)
    );
    let leading = [&first, &second]
        .iter()
        .filter(|server| server.process.has_logged("this relay leads"))
        .count();
    assert_eq!(leading, 1, "nor did another begin to lead later");
    assert_eq!(
        deployment.index.generations().await.len(),
        1,
        "three daemons share one generation"
    );
    drop(indexers);
}

#[tokio::test]
async fn when_the_leading_relay_is_killed_another_takes_over() {
    let deployment = Deployment::new().await;
    let mut first = deployment.start_rest().await;
    first.process.logged("this relay leads").await;
    let second = deployment.start_rest().await;
    let _indexer = deployment.start_indexer();
    first.api.create(&json!({"description": "before"})).await;
    first.process.kill().await;
    second.api.create(&json!({"description": "after"})).await;
    second.process.logged("this relay leads").await;
    assert_eq!(deployment.assert_equal().await.rows, 2);
}

#[tokio::test]
async fn a_wrong_setting_ends_with_2_and_is_named() {
    let deployment = Deployment::new().await;
    let cases = [
        ("rest-server", "DATABASE_URL", "nonsense"),
        ("rest-server", "KAFKA_BROKERS", "no-port"),
        ("rest-server", "LISTEN_ADDR", "localhost"),
        ("rest-server", "RELAY_BATCH_SIZE", "0"),
        ("rest-server", "RUST_LOG", "info,taskwire=nonsense"),
        ("search-indexer", "ELASTICSEARCH_URL", "127.0.0.1:9200"),
        ("search-indexer", "ELASTICSEARCH_INDEX", "Upper Case"),
        ("search-indexer", "KAFKA_DLQ_TOPIC", "a/b"),
        ("search-indexer", "BATCH_RECORDS", "many"),
    ];
    for (binary, setting, value) in cases {
        let mut settings = if binary == "rest-server" {
            deployment.rest_settings()
        } else {
            deployment.indexer_settings()
        };
        settings.retain(|(name, _)| *name != setting);
        settings.push((setting, value));
        let mut process = Process::start(binary, &settings);
        assert_eq!(process.ended().await.code(), Some(2), "{setting}={value}");
        let flag = match setting {
            "RUST_LOG" => "--log-filter".to_owned(),
            _ => format!("--{}", setting.to_lowercase().replace('_', "-")),
        };
        let said = || async {
            process
                .log_lines()
                .iter()
                .any(|line| line.contains(&flag))
                .then_some(())
        };
        until(&format!("{binary} names {flag}"), Duration::from_secs(10), said).await;
    }
}
