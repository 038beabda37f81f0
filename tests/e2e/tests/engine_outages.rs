//! Engines stopped for real, and our processes killed, while clients write.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use taskwire_e2e::{Api, Deployment, Engine, Ledger, RestServer, Size, Traffic, until};
use taskwire_testkit::Process;
use tokio::sync::Mutex;

/// The engines are shared by all tests here, so that one at a time may stop them.
static TURN: Mutex<()> = Mutex::const_new(());

const OUTAGE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_and_an_outage_lose_nothing() {
    let _turn = TURN.lock().await;
    let size = Size::of(2_000);
    let deployment = Deployment::new().await;
    let mut server = deployment.start_rest().await;
    let mut indexer = deployment.start_indexer();
    indexer.logged("partitions assigned").await;
    let apis = [server.api.clone()];
    let (ledger, traffic) = (Ledger::default(), Traffic::new(2, size));

    let faults = async {
        kill_indexer_at(&deployment, &server.api, &mut indexer, size.creates / 10).await;
        server.process.kill().await;
        server = deployment.restart_rest(&server).await;
        kill_indexer_at(&deployment, &server.api, &mut indexer, size.creates / 2).await;
    };
    tokio::join!(traffic.create(&apis, &ledger), faults);
    // A daemon that is still starting would wait for the index before it takes a batch.
    indexer.logged("partitions assigned").await;

    Engine::Elasticsearch.stop();
    let outage = async {
        indexer.logged("a batch was not applied; waiting").await;
        tokio::time::sleep(OUTAGE).await;
        Engine::Elasticsearch.start();
    };
    tokio::join!(traffic.change(&apis, &ledger), outage);

    let findings = deployment.assert_equal().await;
    ledger.assert_kept(&deployment.system()).await;
    let (acknowledged, unanswered) = ledger.counts();
    // A create without an answer was sent again, and may have been applied twice.
    let certain = size.creates - size.deletes;
    assert!(
        (certain..=certain + unanswered).contains(&findings.rows),
        "{findings:?}, {unanswered} unanswered"
    );
    assert_eq!(findings.tombstones, size.deletes, "{findings:?}");
    assert!(indexer.runs(), "an outage is waited out");
    println!("equal after faults: {acknowledged} acknowledged, {unanswered} unanswered, {findings:?}");
}

/// Waits until so many documents are searchable, then kills the daemon in the middle of its work and starts another.
async fn kill_indexer_at(deployment: &Deployment, api: &Api, indexer: &mut Process, documents: usize) {
    let enough = || async { (total(api).await >= documents as u64).then_some(()) };
    until("the daemon makes progress", Duration::from_secs(90), enough).await;
    indexer.kill().await;
    *indexer = deployment.start_indexer();
}

async fn total(api: &Api) -> u64 {
    let answer = api
        .call(Method::POST, "/tasks/search", Some(&json!({"size": 0})))
        .await;
    answer
        .ok()
        .and_then(|answer| answer.body["total"].as_u64())
        .unwrap_or(0)
}

#[tokio::test]
async fn without_elasticsearch_writes_succeed_searches_are_503_and_it_catches_up() {
    let _turn = TURN.lock().await;
    let deployment = Deployment::new().await;
    let (server, mut indexer) = (deployment.start_rest().await, deployment.start_indexer());
    server.api.create(&json!({"description": "before"})).await;
    deployment.assert_equal().await;

    Engine::Elasticsearch.stop();
    server.api.create(&json!({"description": "meanwhile"})).await;
    let search = server
        .api
        .call(Method::POST, "/tasks/search", Some(&json!({})))
        .await
        .unwrap();
    assert_eq!(search.status, StatusCode::SERVICE_UNAVAILABLE, "{search:?}");
    assert!(!search.header("retry-after").is_empty());
    assert_degraded(&server, "elasticsearch").await;
    indexer.logged("a batch was not applied; waiting").await;
    Engine::Elasticsearch.start();

    assert_eq!(deployment.assert_equal().await.documents, 2);
    assert!(indexer.runs());
}

#[tokio::test]
async fn without_kafka_writes_succeed_and_drain_when_it_is_back() {
    let _turn = TURN.lock().await;
    let deployment = Deployment::new().await;
    let (server, mut indexer) = (deployment.start_rest().await, deployment.start_indexer());
    server.api.create(&json!({"description": "before"})).await;
    deployment.assert_equal().await;

    Engine::Kafka.stop();
    for number in 0..20 {
        server
            .api
            .create(&json!({"description": format!("meanwhile {number}")}))
            .await;
    }
    assert!(
        deployment.system().outbox_length().await.unwrap() > 0,
        "nobody took the events"
    );
    assert_degraded(&server, "kafka").await;
    Engine::Kafka.start();

    assert_eq!(deployment.assert_equal().await.documents, 21);
    assert!(indexer.runs());
}

/// Readiness says so once the check of the second before is no longer good, and stays 200: CRUD goes on.
async fn assert_degraded(server: &RestServer, dependency: &str) {
    let degraded = || async {
        let answer = server
            .api
            .call(Method::GET, "/healthz/ready", None)
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let named = answer.body["checks"][dependency]["status"] == "unavailable";
        (named && answer.body["status"] == "degraded").then_some(())
    };
    until("readiness is degraded", Duration::from_secs(10), degraded).await;
}
