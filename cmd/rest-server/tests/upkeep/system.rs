//! Private parts of every engine, both programs on them, and the adapters that look at the same.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use taskwire_elasticsearch::{ElasticsearchSettings, ElasticsearchUpkeep};
use taskwire_kafka::{KafkaExtent, KafkaSettings};
use taskwire_postgres::{PostgresPool, PostgresSettings};
use taskwire_testkit::{Database, Process, SearchIndex, Topics};

pub(crate) struct System {
    pub(crate) database: Database,
    pub(crate) topics: Topics,
    pub(crate) index: SearchIndex,
    address: String,
    client: Client,
}

#[derive(Debug, Parser)]
struct Settings {
    #[command(flatten)]
    postgres: PostgresSettings,
    #[command(flatten)]
    kafka: KafkaSettings,
    #[command(flatten)]
    elasticsearch: ElasticsearchSettings,
}

impl System {
    pub(crate) async fn new() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        Self {
            database: Database::create().await,
            topics: Topics::named(),
            index: SearchIndex::named(),
            address: address.unwrap().to_string(),
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub(crate) async fn start_rest(&self) -> Process {
        self.start_rest_on(&self.topics).await
    }

    pub(crate) async fn start_rest_on(&self, topics: &Topics) -> Process {
        let process = Process::start(
            "rest-server",
            &[
                ("DATABASE_URL", self.database.url()),
                ("KAFKA_BROKERS", topics.brokers()),
                ("KAFKA_TOPIC", topics.tasks()),
                ("KAFKA_TOPIC_PARTITIONS", "2"),
                ("ELASTICSEARCH_URL", self.index.url()),
                ("ELASTICSEARCH_INDEX", self.index.name()),
                ("LISTEN_ADDR", &self.address),
            ],
        );
        process.logged("listening").await;
        until("rest-server is ready", || async {
            let ready = self
                .client
                .get(format!("http://{}/healthz/ready", self.address))
                .send()
                .await;
            ready
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(())
        })
        .await;
        process
    }

    pub(crate) async fn start_indexer(&self) -> Process {
        self.start_indexer_on(&self.topics).await
    }

    pub(crate) async fn start_indexer_on(&self, topics: &Topics) -> Process {
        let process = Process::start(
            "search-indexer",
            &[
                ("KAFKA_BROKERS", topics.brokers()),
                ("KAFKA_TOPIC", topics.tasks()),
                ("KAFKA_DLQ_TOPIC", topics.dead_letters()),
                ("KAFKA_GROUP", topics.group()),
                ("ELASTICSEARCH_URL", self.index.url()),
                ("ELASTICSEARCH_INDEX", self.index.name()),
            ],
        );
        process.logged("partitions assigned").await;
        process
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self
            .client
            .request(method, format!("http://{}{path}", self.address));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn create(&self, description: &str) -> String {
        let (status, answer) = self
            .call(
                Method::POST,
                "/tasks",
                Some(json!({ "description": description })),
            )
            .await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer["task"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn replace(&self, id: &str, description: &str) {
        let body = Some(json!({ "description": description }));
        let (status, answer) = self.call(Method::PUT, &format!("/tasks/{id}"), body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    pub(crate) async fn delete(&self, id: &str) {
        let (status, answer) = self.call(Method::DELETE, &format!("/tasks/{id}"), None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    fn settings(&self) -> Settings {
        let arguments = [
            "upkeep",
            "--database-url",
            self.database.url(),
            "--kafka-brokers",
            self.topics.brokers(),
            "--kafka-topic",
            self.topics.tasks(),
            "--elasticsearch-url",
            self.index.url(),
            "--elasticsearch-index",
            self.index.name(),
        ];
        Settings::parse_from(arguments)
    }

    pub(crate) fn pool(&self) -> PostgresPool {
        PostgresPool::new(&self.settings().postgres)
    }

    pub(crate) fn topic(&self) -> Arc<KafkaExtent> {
        Arc::new(KafkaExtent::new(&self.settings().kafka).unwrap())
    }

    pub(crate) fn documents(&self) -> Arc<ElasticsearchUpkeep> {
        let settings = self.settings().elasticsearch;
        let client = taskwire_elasticsearch::Client::new(&settings).unwrap();
        Arc::new(ElasticsearchUpkeep::new(client, &settings))
    }

    /// How many documents there are as of now: live ones and tombstones.
    pub(crate) async fn count(&self) -> (u64, u64) {
        let path = format!("/{}-v1-000001-write", self.index.name());
        self.index
            .request(Method::POST, &format!("{path}/_refresh"), None)
            .await;
        let mut counts = [0; 2];
        for (count, deleted) in counts.iter_mut().zip([false, true]) {
            let body = json!({ "query": { "term": { "deleted": deleted } } });
            let answer = self
                .index
                .request(Method::POST, &format!("{path}/_count"), Some(body))
                .await;
            *count = answer["count"].as_u64().unwrap();
        }
        (counts[0], counts[1])
    }

    pub(crate) async fn await_count(&self, live: u64, tombstones: u64) {
        until(
            &format!("{live} documents and {tombstones} tombstones"),
            || async { (self.count().await == (live, tombstones)).then_some(()) },
        )
        .await;
    }
}

/// Asks until there is an answer.
pub(crate) async fn until<T, F>(what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let began = Instant::now();
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
