//! Real texts, many clients: afterwards database, topic and index agree record by record.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use taskwire_e2e::{Deployment, Ledger, Size, Traffic};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_wrote_is_what_searches_see() {
    let size = Size::of(3_000);
    let deployment = Deployment::new().await;
    let servers = [deployment.start_rest().await, deployment.start_rest().await];
    let _indexers = [deployment.start_indexer(), deployment.start_indexer()];
    let apis = servers.map(|server| (server.api.clone(), server));
    let apis_only = [apis[0].0.clone(), apis[1].0.clone()];

    let (ledger, traffic) = (Ledger::default(), Traffic::new(1, size));
    traffic.create(&apis_only, &ledger).await;
    traffic.change(&apis_only, &ledger).await;

    let findings = deployment.assert_equal().await;
    ledger.assert_kept(&deployment.system()).await;
    assert_eq!(
        (findings.rows, findings.tombstones),
        (size.creates - size.deletes, size.deletes)
    );
    assert_eq!(
        (findings.documents, findings.duplicates),
        (size.creates - size.deletes, 0)
    );
    let dead_letters = deployment.system().dead_letters().await.unwrap();
    assert!(dead_letters.is_empty(), "{dead_letters:?}");
    println!("equal: {findings:?}");
}
