//! The daemon is killed while it has read records that Elasticsearch did not take.

use std::time::Duration;

use taskwire_testkit::Proxy;

use crate::judge::{comes_true, judge};
use crate::scene::Scene;

/// Offsets that are stored are committed every second.
const COMMITTED: Duration = Duration::from_secs(4);

const TASKS: usize = 40;

pub(crate) async fn play(scene: Scene) -> Vec<String> {
    let server = scene.start_rest().await;
    let proxy = Proxy::in_front_of(scene.deployment.index.url()).await;
    let mut indexer = scene.start_indexer(&[("ELASTICSEARCH_URL", proxy.url())]);
    indexer.logged("partitions assigned").await;
    proxy.refuse();
    proxy.cut();
    server.create(TASKS).await;
    assert!(
        scene.outbox_is_empty(Duration::from_secs(30)).await,
        "everything is published"
    );

    let system = scene.system();
    comes_true(COMMITTED, || async { system.lag().await.unwrap() == 0 }).await;
    indexer.kill().await;
    let _successor = scene.start_indexer(&[]);
    let (findings, found) = judge(&system).await;
    assert_eq!(findings.rows, TASKS);
    found
}
