//! Elasticsearch refuses single operations of a batch.

use crate::judge::judge;
use crate::scene::Scene;

const TASKS: usize = 200;

pub(crate) async fn play(scene: Scene) -> Vec<String> {
    let server = scene.start_rest().await;
    server.create(TASKS).await;
    let _indexer = scene.start_indexer(&[]);
    let (findings, found) = judge(&scene.system()).await;
    assert_eq!(findings.rows, TASKS);
    found
}
