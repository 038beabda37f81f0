//! A Taskwire of its own, one of whose programs may be mutated.

use std::net::TcpListener;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use taskwire_e2e::{Api, Deployment, until};
use taskwire_mutants::{MUTATION, rest_server, search_indexer};
use taskwire_oracle::System;
use taskwire_testkit::Process;

/// One partition: what was written first is read first.
const ONE_PARTITION: (&str, &str) = ("KAFKA_TOPIC_PARTITIONS", "1");

/// Private parts of the engines, and the mutation of the program that knows it.
pub(crate) struct Scene {
    pub(crate) deployment: Deployment,
    mutation: &'static str,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) api: Api,
}

impl Scene {
    /// Nothing is started.
    pub(crate) async fn new(mutation: &'static str) -> Self {
        Self {
            deployment: Deployment::new().await,
            mutation,
        }
    }

    /// The oracle's view of it.
    pub(crate) fn system(&self) -> System {
        self.deployment.system()
    }

    /// Starts the server, mutated if the mutation is one of its, and waits until its relay leads.
    pub(crate) async fn start_rest(&self) -> Server {
        let address = free_address();
        let mut settings = self.deployment.rest_settings();
        settings.extend([("LISTEN_ADDR", address.as_str()), ONE_PARTITION]);
        let mutated = rest_server::MUTATIONS
            .iter()
            .any(|(name, _)| *name == self.mutation);
        let process = self.start("rest-server", mutated, settings);
        let api = Api::new(format!("http://{address}"));
        process.logged("this relay leads").await;
        let ready = || async {
            let answer = api.call(Method::GET, "/healthz/ready", None).await.ok()?;
            answer.status.is_success().then_some(())
        };
        until("the server is ready", Duration::from_secs(60), ready).await;
        Server { process, api }
    }

    /// Starts the daemon, mutated if the mutation is one of its, with these settings on top.
    pub(crate) fn start_indexer(&self, more: &[(&str, &str)]) -> Process {
        let mut settings = self.deployment.indexer_settings();
        settings.extend_from_slice(more);
        let mutated = search_indexer::MUTATIONS
            .iter()
            .any(|(name, _)| *name == self.mutation);
        self.start("search-indexer", mutated, settings)
    }

    fn start(&self, program: &str, mutated: bool, mut settings: Vec<(&str, &str)>) -> Process {
        if mutated {
            settings.push((MUTATION, self.mutation));
            Process::start(&format!("mutant-{program}"), &settings)
        } else {
            Process::start(program, &settings)
        }
    }

    /// Waits until the topic has everything, or for so long; whether the outbox is empty.
    pub(crate) async fn outbox_is_empty(&self, limit: Duration) -> bool {
        let system = self.system();
        crate::judge::comes_true(limit, || async { system.outbox_length().await.unwrap() == 0 }).await
    }
}

impl Server {
    /// Creates so many tasks in one transaction; the ids.
    pub(crate) async fn create(&self, count: usize) -> Vec<String> {
        let operations = (0..count).map(|number| {
            let task = json!({"description": format!("task number {number}")});
            json!({"op": "create", "task": task})
        });
        let body = json!({"operations": operations.collect::<Vec<_>>()});
        let answer = self.succeed(Method::POST, "/tasks/bulk", Some(&body)).await;
        let results = answer["results"].as_array().expect("a bulk has results");
        let id = |result: &Value| result["task"]["id"].as_str().map(str::to_owned);
        results
            .iter()
            .map(|result| id(result).expect("every creation succeeds"))
            .collect()
    }

    /// Replaces a task's description.
    pub(crate) async fn replace(&self, id: &str, description: &str) {
        let body = json!({"description": description});
        self.succeed(Method::PUT, &format!("/tasks/{id}"), Some(&body))
            .await;
    }

    /// Deletes a task and all below it.
    pub(crate) async fn delete(&self, id: &str) {
        self.succeed(Method::DELETE, &format!("/tasks/{id}?cascade=true"), None)
            .await;
    }

    async fn succeed(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let answer = self.api.call(method, path, body).await;
        let answer = answer.expect("a complete answer");
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.body
    }
}

fn free_address() -> String {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.expect("a free port").to_string()
}

/// Both programs end with 2 and say what they know, rather than run as something else than was asked for.
pub(crate) async fn an_unknown_mutation_is_refused() {
    for (program, known) in [
        ("mutant-rest-server", "range-delete"),
        ("mutant-search-indexer", "item-429-ignored"),
    ] {
        for settings in [vec![], vec![(MUTATION, "no-such-mutation")]] {
            let mut process = Process::start(program, &settings);
            assert_eq!(process.ended().await.code(), Some(2), "{program} {settings:?}");
            let named = || async {
                let lines = process.log_lines();
                lines.iter().any(|line| line.contains(known)).then_some(())
            };
            until("it names what it knows", Duration::from_secs(10), named).await;
        }
    }
}
