//! The server is killed when its outbox is empty, or soon after a write when it is not.

use std::time::Duration;

use crate::judge::judge;
use crate::scene::Scene;

/// Shorter than a slow broker takes.
const SOON: Duration = Duration::from_millis(1_500);

/// Few enough that each difference is told.
const TASKS: usize = 8;

pub(crate) async fn play(scene: Scene) -> Vec<String> {
    let mut server = scene.start_rest().await;
    server.create(TASKS).await;
    scene.outbox_is_empty(SOON).await;
    server.process.kill().await;
    let _successor = scene.start_rest().await;
    let indexer = scene.start_indexer(&[]);
    // When all events are lost, the system is at rest before there is an index.
    indexer.logged("partitions assigned").await;
    let (findings, found) = judge(&scene.system()).await;
    assert_eq!(findings.rows, TASKS);
    found
}
