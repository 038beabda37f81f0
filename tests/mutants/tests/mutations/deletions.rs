//! Tasks deleted one by one and in a cascade: what is left of each has to be known to the database, or an index that is
//! built from it would lack the tombstones that keep old events out.

use serde_json::json;

use crate::judge::judge;
use crate::scene::Scene;

pub(crate) async fn play(scene: Scene) -> Vec<String> {
    let server = scene.start_rest().await;
    let _indexer = scene.start_indexer(&[]);
    let ids = server.create(4).await;
    let [alone, root, ..] = ids.as_slice() else {
        panic!("four tasks were created");
    };
    let child = json!({"description": "below", "parentId": root});
    server.api.create(&child).await;
    server.delete(alone).await;
    server.delete(root).await;
    let (findings, found) = judge(&scene.system()).await;
    assert_eq!(
        (findings.rows, findings.tombstones),
        (2, 3),
        "both deletions happened: {findings:?}"
    );
    found
}
