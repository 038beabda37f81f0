//! The daemon is killed while it parks records that can never be applied.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::judge::{comes_true, judge};
use crate::scene::Scene;

/// Longer than until what is stored is committed, shorter than a slow dead-letter queue takes.
const COMMITTED: Duration = Duration::from_secs(4);

/// Few among many: a batch of nothing but poison would not be parked, but halt the daemon.
const TASKS: usize = 20;

pub(crate) async fn play(scene: Scene) -> Vec<String> {
    let server = scene.start_rest().await;
    server.create(TASKS).await;
    assert!(scene.outbox_is_empty(Duration::from_secs(30)).await);
    let poison = [
        produce(&scene, "this is no event").await,
        produce(&scene, r#"{"type":"Task.Exploded","value":{}}"#).await,
    ];
    server.create(TASKS).await;
    assert!(scene.outbox_is_empty(Duration::from_secs(30)).await);

    let mut indexer = scene.start_indexer(&[]);
    indexer.logged("partitions assigned").await;
    let system = scene.system();
    comes_true(COMMITTED, || async { system.lag().await.unwrap() == 0 }).await;
    indexer.kill().await;
    let _successor = scene.start_indexer(&[]);
    let (findings, mut found) = judge(&system).await;
    assert_eq!(
        (findings.rows, findings.foreign),
        (2 * TASKS, poison.len()),
        "{findings:?}"
    );

    let letters = system.dead_letters().await.expect("the broker answers");
    let parked: Vec<_> = letters
        .iter()
        .filter_map(|letter| letter.header("dlq.offset"))
        .collect();
    for offset in poison.map(|offset| offset.to_string()) {
        if !parked.contains(&offset.as_str()) {
            found.push(format!(
                "the poison at offset {offset} is not in the dead-letter queue"
            ));
        }
    }
    found
}

/// Puts a record into the topic behind the service's back; its offset.
async fn produce(scene: &Scene, value: &str) -> i64 {
    let topics = &scene.deployment.topics;
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", topics.brokers())
        .create()
        .unwrap();
    let record = FutureRecord::to(topics.tasks())
        .partition(0)
        .key("poison")
        .payload(value);
    let sent = producer.send(record, Duration::from_secs(10)).await;
    sent.unwrap().offset
}
