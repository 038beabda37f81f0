//! What searches ask of Elasticsearch, counted in front of it.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use taskwire_e2e::{Api, Deployment, RestServer, until};
use taskwire_testkit::{Gateway, Process};

/// The least time between two refreshes that one server asks for.
const BETWEEN_REFRESHES: Duration = Duration::from_millis(50);

struct Scene {
    deployment: Deployment,
    gateway: Gateway,
    server: RestServer,
    _indexer: Process,
}

impl Scene {
    async fn start() -> Self {
        let deployment = Deployment::new().await;
        let gateway = Gateway::in_front_of(deployment.index.url()).await;
        let server = deployment
            .start_rest_with(&[("ELASTICSEARCH_URL", gateway.url())])
            .await;
        let indexer = deployment.start_indexer();
        indexer.logged("partitions assigned").await;
        Self {
            deployment,
            gateway,
            server,
            _indexer: indexer,
        }
    }

    fn api(&self) -> &Api {
        &self.server.api
    }

    /// What was asked of the search alias since the last call, as verb and query; the server's own work goes other ways.
    fn asked(&self) -> Vec<(String, String)> {
        let alias = format!("/{}/", self.deployment.index.name());
        let asked = self.gateway.take_targets().into_iter().filter_map(|target| {
            let (verb, query) = target.strip_prefix(&alias)?.split_once('?')?;
            Some((verb.to_owned(), query.to_owned()))
        });
        asked.collect()
    }

    /// Creates a task; its token.
    async fn create(&self, description: &str) -> String {
        let fields = json!({"description": description});
        let answer = self
            .api()
            .call(Method::POST, "/tasks", Some(&fields))
            .await
            .unwrap();
        answer.header("x-consistency-token").to_owned()
    }

    async fn search(&self, query: &Value) -> Value {
        let answer = self.api().call(Method::POST, "/tasks/search", Some(query)).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer.body
    }

    async fn search_after(&self, token: &str) {
        let found = self
            .search(&json!({"after": token, "timeout": "5s", "size": 0}))
            .await;
        assert_eq!(found["consistent"], true, "{found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_without_a_token_is_one_call_and_no_other() {
    let scene = Scene::start().await;
    let token = scene.create("known to somebody who waits").await;
    scene.search_after(&token).await;
    scene.asked();
    let all = ["priority", "isDone", "categories", "due"];
    let queries = [
        json!({}),
        json!({"description": "known"}),
        json!({"description": "\"to somebody\" -else", "facets": all, "highlight": true}),
        json!({"isDone": false, "sort": "-due", "from": 10, "size": 100}),
        json!({"after": [], "timeout": "5s", "strict": true}),
    ];
    for _ in 0..20 {
        join_all(queries.iter().map(|query| scene.search(query))).await;
        let by_query = scene.api().call(Method::GET, "/tasks/search?q=known", None).await;
        assert_eq!(by_query.unwrap().status, 200);
    }
    let asked = scene.asked();
    let is_plain = |(verb, query): &(String, String)| verb == "_search" && !query.contains("preference=");
    assert_eq!(asked.len(), 120, "{asked:?}");
    assert!(asked.iter().all(is_plain), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_after_writes_asks_the_copy_of_the_index_that_was_looked_at() {
    let scene = Scene::start().await;
    let token = scene.create("known to somebody who waits").await;
    scene.asked();
    scene.search_after(&token).await;
    let asked = scene.asked();
    let copies: Vec<_> = asked
        .iter()
        .filter(|(verb, _)| verb != "_refresh")
        .map(|(_, query)| {
            query
                .split('&')
                .find(|parameter| parameter.starts_with("preference="))
        })
        .collect();
    assert!(copies.len() > 1 && copies[0].is_some(), "{asked:?}");
    assert!(copies.iter().all(|copy| *copy == copies[0]), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_that_wait_at_once_share_few_refreshes() {
    const WAVES: usize = 5;
    let scene = Scene::start().await;
    // Nothing becomes searchable by itself.
    let generation = scene.deployment.index.generations().await.remove(0);
    let never = json!({"index": {"refresh_interval": "-1"}});
    let settings = format!("/{generation}/_settings");
    scene
        .deployment
        .index
        .request(Method::PUT, &settings, Some(never))
        .await;
    let mut refreshes = 0;
    for wave in 0..WAVES {
        let texts: Vec<_> = (0..50)
            .map(|number| format!("wave {wave} number {number}"))
            .collect();
        let tokens = join_all(texts.iter().map(|text| scene.create(text))).await;
        await_indexed(&scene, &generation, &tokens).await;
        scene.asked();
        join_all(tokens.iter().map(|token| scene.search_after(token))).await;
        let asked = scene.asked();
        let count = |verb: &str| asked.iter().filter(|(asked, _)| asked == verb).count();
        assert_eq!(count("_search"), 50, "{asked:?}");
        println!(
            "wave {wave}: {} refreshes, {} looks",
            count("_refresh"),
            count("_mget")
        );
        refreshes += count("_refresh");
    }
    // One for all of a wave; a second for those who came while the first was under way.
    assert!(
        (WAVES..=2 * WAVES + 1).contains(&refreshes),
        "{refreshes} for {WAVES} waves"
    );
}

/// Until the index has the documents, whether or not searches see them.
async fn await_indexed(scene: &Scene, generation: &str, tokens: &[String]) {
    let ids: Vec<_> = tokens
        .iter()
        .map(|token| token.split('@').next().unwrap())
        .collect();
    let path = format!("/{generation}/_mget?_source=false");
    let there = || async {
        let body = json!({ "ids": ids });
        let answer = scene
            .deployment
            .index
            .request(Method::POST, &path, Some(body))
            .await;
        let documents = answer["docs"].as_array().unwrap();
        documents
            .iter()
            .all(|document| document["found"] == true)
            .then_some(())
    };
    until("the documents are there", Duration::from_secs(60), there).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_two_refreshes_there_are_50_ms_however_many_wait() {
    let scene = Scene::start().await;
    let clients = (0..40).map(async |client| {
        for number in 0..10 {
            let token = scene.create(&format!("client {client} number {number}")).await;
            scene.search_after(&token).await;
        }
    });
    join_all(clients).await;
    let times = scene.gateway.times("/_refresh");
    let pauses = times.windows(2).map(|two| two[1] - two[0]);
    let shortest = pauses.min().expect("there was more than one refresh");
    println!(
        "{} refreshes for 400 searches, the shortest pause {shortest:?}",
        times.len()
    );
    assert!(shortest >= BETWEEN_REFRESHES, "{shortest:?}");
    assert!(times.len() < 400 / 4, "{} refreshes", times.len());
}
