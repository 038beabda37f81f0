//! The whole topic is read again from 0 when Elasticsearch no longer remembers what it deleted. Nothing may change by
//! it, at any moment: the index is looked at when the first batch, of creations alone, has been written again.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use taskwire_e2e::until;
use taskwire_testkit::{Process, Proxy, SearchIndex};

use crate::judge::judge;
use crate::scene::Scene;

/// Few enough that the first batch holds creations alone.
const BATCH: (&str, &str) = ("BATCH_RECORDS", "10");

const TASKS: usize = 40;
const DELETED: usize = TASKS / 2;

/// What a disk past its flood stage sets: documents are refused for a while.
const BLOCK: &str = "index.blocks.read_only_allow_delete";

pub(crate) async fn play(scene: Scene) -> Vec<String> {
    let server = scene.start_rest().await;
    let mut indexer = scene.start_indexer(&[BATCH]);
    let ids = server.create(TASKS).await;
    for id in &ids {
        server.replace(id, "replaced").await;
    }
    // Among the first that are read again are deleted tasks and others.
    for id in ids.iter().step_by(2) {
        server.delete(id).await;
    }
    let mut system = scene.system();
    system.settle(Duration::from_secs(60)).await.unwrap();
    indexer.terminate();
    assert_eq!(indexer.ended().await.code(), Some(0));
    let index = Generation::of(&scene.deployment.index).await;
    index.forget_deletions().await;

    // The first bulk is held up until it is certain that its answer will be.
    index.set(json!({BLOCK: true})).await;
    let proxy = Proxy::in_front_of(scene.deployment.index.url()).await;
    let group = format!("{}-again", scene.deployment.topics.group());
    let again = [
        BATCH,
        ("KAFKA_GROUP", group.as_str()),
        ("ELASTICSEARCH_URL", proxy.url()),
    ];
    let indexer = scene.start_indexer(&again);
    refused(&indexer).await;
    proxy.hold_answers();
    let before = index.writes().await;
    index.set(json!({BLOCK: null})).await;
    // The answer that is held may be the last refusal: without it the daemon tries again.
    proxy.cut();
    let written = || async { (index.writes().await > before).then_some(()) };
    until(
        "the first batch is written again",
        Duration::from_secs(30),
        written,
    )
    .await;
    let meanwhile = system.compare().await.expect("the engines answer");
    proxy.resume();

    system.group = group;
    let (findings, in_the_end) = judge(&system).await;
    assert_eq!(findings.rows, TASKS - DELETED);
    [meanwhile.differences, in_the_end].concat()
}

/// Returns when the daemon was told that documents are refused.
async fn refused(indexer: &Process) {
    let told = || async {
        let lines = indexer.log_lines();
        let told = lines.iter().any(|line| line.contains("cluster_block_exception"));
        told.then_some(())
    };
    until("a bulk is refused", Duration::from_secs(60), told).await;
}

/// The index behind the adapters' backs.
struct Generation<'a> {
    index: &'a SearchIndex,
    name: String,
    client: Client,
}

impl<'a> Generation<'a> {
    async fn of(index: &'a SearchIndex) -> Self {
        let name = index.generations().await.pop().expect("there is a generation");
        Self {
            index,
            name,
            client: Client::new(),
        }
    }

    async fn set(&self, settings: Value) {
        let path = format!("/{}/_settings", self.name);
        self.index.request(Method::PUT, &path, Some(settings)).await;
    }

    /// How many writes there were, refused ones of an old version included.
    async fn writes(&self) -> u64 {
        let path = format!("/{}/_stats/indexing", self.name);
        let stats = self.index.request(Method::GET, &path, None).await;
        let indexing = &stats["_all"]["primaries"]["indexing"];
        ["index_total", "index_failed"]
            .map(|name| indexing[name].as_u64().expect("a count"))
            .iter()
            .sum()
    }

    /// Elasticsearch remembers the version of what it deleted for a minute. Here for a second; returns when a deletion
    /// made later than all others is forgotten.
    async fn forget_deletions(&self) {
        self.set(json!({"index.gc_deletes": "1s"})).await;
        self.probe(Method::PUT, 2).await;
        self.probe(Method::DELETE, 3).await;
        let forgotten = || async { (self.probe(Method::PUT, 1).await != StatusCode::CONFLICT).then_some(()) };
        until("deletions are forgotten", Duration::from_secs(60), forgotten).await;
        self.probe(Method::DELETE, 4).await;
    }

    async fn probe(&self, method: Method, version: u64) -> StatusCode {
        let url = format!(
            "{}/{}/_doc/probe?version={version}&version_type=external&refresh=true",
            self.index.url(),
            self.name
        );
        let mut request = self.client.request(method.clone(), url);
        if method == Method::PUT {
            request = request.json(&json!({"id": "probe"}));
        }
        let status = request.send().await.expect("Elasticsearch answers").status();
        assert!(
            status.is_success() || status == StatusCode::CONFLICT,
            "{method} at version {version}: {status}"
        );
        status
    }
}
