//! Records that can never be applied, and an index that disappears.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use reqwest::Method;
use serde_json::json;
use taskwire_e2e::{Deployment, until};

/// Puts a record into partition 0 behind the service's back; its offset.
async fn produce(deployment: &Deployment, key: &str, value: &str) -> i64 {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", deployment.topics.brokers())
        .create()
        .unwrap();
    let record = FutureRecord::to(deployment.topics.tasks())
        .partition(0)
        .key(key)
        .payload(value);
    producer
        .send(record, Duration::from_secs(10))
        .await
        .unwrap()
        .offset
}

#[tokio::test]
async fn poison_at_the_head_of_a_partition_is_parked_and_what_is_behind_it_is_indexed() {
    let deployment = Deployment::new().await;
    let settings = [("KAFKA_TOPIC_PARTITIONS", "1")];
    let server = deployment.start_rest_with(&settings).await;
    server.process.logged("this relay leads").await;
    let poison = [
        ("no-json", "this is no event"),
        ("unknown", r#"{"type":"Task.Exploded","value":{}}"#),
        ("no-task", r#"{"type":"Task.Created","value":{"id":"x"}}"#),
    ];
    for (offset, (key, value)) in poison.iter().enumerate() {
        assert_eq!(
            produce(&deployment, key, value).await,
            offset as i64,
            "the poison stands at the head"
        );
    }
    for number in 0..30 {
        server
            .api
            .create(&json!({"description": format!("task number {number}")}))
            .await;
    }
    let mut indexer = deployment.start_indexer();
    let findings = deployment.assert_equal().await;
    assert_eq!(
        (findings.documents, findings.foreign),
        (30, 3),
        "none of the three is a task event"
    );

    let letters = deployment.system().dead_letters().await.unwrap();
    let said: Vec<_> = letters
        .iter()
        .map(|letter| {
            let header = |name| letter.header(name).unwrap_or_default();
            (header("dlq.offset").to_owned(), header("dlq.reason").to_owned())
        })
        .collect();
    let wanted = [
        ("0", "malformed-event"),
        ("1", "unknown-type"),
        ("2", "malformed-event"),
    ];
    assert_eq!(
        said,
        wanted.map(|(offset, reason)| (offset.to_owned(), reason.to_owned()))
    );
    for (letter, (key, value)) in letters.iter().zip(poison) {
        assert_eq!(letter.key.as_deref(), Some(key.as_bytes()));
        assert_eq!(letter.value.as_deref(), Some(value.as_bytes()));
        assert_eq!(letter.header("dlq.topic"), Some(deployment.topics.tasks()));
        assert_eq!(letter.header("dlq.partition"), Some("0"));
        assert!(letter.header("dlq.time").is_some_and(|time| time.ends_with('Z')));
        assert!(
            letter
                .header("dlq.detail")
                .is_some_and(|detail| !detail.is_empty())
        );
    }
    assert!(indexer.runs());
}

#[tokio::test]
async fn an_index_deleted_under_the_daemon_halts_it_and_nothing_is_created_by_accident() {
    let deployment = Deployment::new().await;
    let (server, mut indexer) = (deployment.start_rest().await, deployment.start_indexer());
    server.api.create(&json!({"description": "before"})).await;
    deployment.assert_equal().await;
    let generations = deployment.index.generations().await;
    assert_eq!(generations.len(), 1);
    deployment
        .index
        .request(Method::DELETE, &format!("/{}", generations[0]), None)
        .await;

    server.api.create(&json!({"description": "after"})).await;
    assert_eq!(indexer.ended().await.code(), Some(1));
    let said = || async {
        indexer
            .log_lines()
            .iter()
            .any(|line| line.contains("restart search-indexer"))
            .then_some(())
    };
    until("the daemon says what to do", Duration::from_secs(5), said).await;
    assert_eq!(
        deployment.index.generations().await,
        Vec::<String>::new(),
        "nothing was created"
    );

    // What it said to do helps: a new generation with a group of its own, filled from the topic's beginning.
    let _indexer = deployment.start_indexer();
    assert_eq!(deployment.assert_equal().await.documents, 2);
    assert_eq!(server.api.search("after").await, ["after"]);
}
