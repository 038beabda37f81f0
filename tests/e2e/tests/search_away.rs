//! Elasticsearch away from `rest-server`, in each way that it can be: searches are refused at once, everything else goes on.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::time::{Duration, Instant};

use futures::future::join;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use taskwire_e2e::{Answer, Api, Deployment, RestServer, until};
use taskwire_testkit::{Process, Proxy};

/// Searches in a row while it is away.
const SEARCHES: usize = 20;

/// What all of them may take together. Each waiting for as long as a search may take would be forty seconds.
const AT_MOST: Duration = Duration::from_secs(10);

/// What the first of them may take on a machine that does other things. That it is told in under a second is held where the
/// time is the test's own: by `internal/elasticsearch/tests/absence.rs`, and beside the limits in `src/absence.rs`.
const FIRST_AT_MOST: Duration = Duration::from_secs(5);

const SILENT: &str = "elasticsearch is silent; searches are refused until it answers";
const BACK: &str = "elasticsearch is silent no longer";

struct Scene {
    _deployment: Deployment,
    proxy: Proxy,
    server: RestServer,
    _indexer: Process,
}

impl Scene {
    async fn start() -> Self {
        let deployment = Deployment::new().await;
        let proxy = Proxy::in_front_of(deployment.index.url()).await;
        let settings = [
            ("ELASTICSEARCH_URL", proxy.url()),
            ("ELASTICSEARCH_SEARCH_LIMIT_MS", "2000"),
        ];
        let server = deployment.start_rest_with(&settings).await;
        let indexer = deployment.start_indexer();
        indexer.logged("partitions assigned").await;
        let scene = Self {
            _deployment: deployment,
            proxy,
            server,
            _indexer: indexer,
        };
        scene.await_searches().await;
        scene
    }

    fn api(&self) -> &Api {
        &self.server.api
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.api()
            .call(method, path, body)
            .await
            .expect("a complete answer")
    }

    async fn await_searches(&self) {
        let found = || async {
            let answer = self.call(Method::GET, "/tasks/search?q=a", None).await;
            (answer.status == StatusCode::OK).then_some(())
        };
        until("searches are answered", Duration::from_secs(30), found).await;
    }

    /// Searches one after the other while somebody else creates, reads, changes, lists and deletes tasks.
    async fn is_away(&self, how: &str) {
        let searches = async {
            let began = Instant::now();
            let mut first = None;
            for number in 0..SEARCHES {
                let query = match number % 3 {
                    0 => json!({"after": "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10@1", "timeout": "5s"}),
                    _ => json!({"description": "a", "facets": ["priority"]}),
                };
                let answer = self.call(Method::POST, "/tasks/search", Some(&query)).await;
                assert_eq!(
                    answer.status,
                    StatusCode::SERVICE_UNAVAILABLE,
                    "{how}: {answer:?}"
                );
                assert_eq!(answer.body["code"], "unavailable", "{answer:?}");
                assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
                first.get_or_insert(began.elapsed());
            }
            let (first, took) = (first.unwrap(), began.elapsed());
            println!("{how}: the first search took {first:?}, {SEARCHES} took {took:?}");
            assert!(
                first < FIRST_AT_MOST && took < AT_MOST,
                "{how}: {first:?}, {took:?}"
            );
        };
        join(searches, self.write()).await;
        let degraded = || async {
            let report = self.call(Method::GET, "/healthz/ready", None).await;
            assert_eq!(report.status, StatusCode::OK, "CRUD goes on: {report:?}");
            (report.body["checks"]["elasticsearch"]["status"] == "unavailable").then_some(())
        };
        until("readiness says so", Duration::from_secs(10), degraded).await;
        self.write().await;
    }

    async fn write(&self) {
        for number in 0..10 {
            let task = self
                .api()
                .create(&json!({"description": format!("meanwhile {number}")}))
                .await;
            let path = format!("/tasks/{}", task["id"].as_str().unwrap());
            let changed = json!({"isDone": true});
            for (method, path, body) in [
                (Method::GET, path.as_str(), None),
                (Method::PATCH, &path, Some(&changed)),
                (Method::GET, "/tasks?limit=1", None),
                (Method::DELETE, &path, None),
            ] {
                let answer = self.call(method.clone(), path, body).await;
                assert_eq!(answer.status, StatusCode::OK, "{method} {path}: {answer:?}");
            }
        }
    }

    /// How often it was said that Elasticsearch is silent, and that it is back. A busy machine can make it silent for a
    /// moment before a test does.
    fn said(&self) -> [usize; 2] {
        let lines = self.server.process.log_lines();
        [SILENT, BACK].map(|message| lines.iter().filter(|line| line.contains(message)).count())
    }

    async fn await_back(&self, wanted: [usize; 2]) {
        self.await_searches().await;
        let said = || async { (self.said() == wanted).then_some(()) };
        until("it is said once that it is back", Duration::from_secs(30), said).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_is_known_to_be_away_until_it_does() {
    let scene = Scene::start().await;
    let [silent, back] = scene.said();
    scene.proxy.hold_answers();
    scene.is_away("never answers").await;
    assert_eq!(scene.said(), [silent + 1, back], "it is said once");
    scene.proxy.resume();
    scene.await_back([silent + 1, back + 1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_dead_line_it_is_known_to_be_away_until_the_line_is_good() {
    let scene = Scene::start().await;
    let [silent, back] = scene.said();
    scene.proxy.hold_everything();
    scene.is_away("dead line").await;
    scene.proxy.resume();
    scene.await_back([silent + 1, back + 1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_closes_every_connection_is_told_at_once() {
    let scene = Scene::start().await;
    let before = scene.said();
    scene.proxy.refuse();
    scene.proxy.cut();
    scene.is_away("closes connections").await;
    assert_eq!(scene.said(), before, "it is not silent");
    scene.proxy.resume();
    scene.await_searches().await;
}
