//! A whole Taskwire of its own: private database, topics and index, and our binaries on them.

use std::net::TcpListener;
use std::time::Duration;

use reqwest::Method;
use taskwire_oracle::System;
use taskwire_testkit::{Database, Process, SearchIndex, Topics};

use crate::{Api, until};

/// Private parts of the engines, for any number of our binaries.
pub struct Deployment {
    /// Its database.
    pub database: Database,
    /// Its topics and group.
    pub topics: Topics,
    /// Its index.
    pub index: SearchIndex,
}

/// A running `rest-server`.
pub struct RestServer {
    /// The process.
    pub process: Process,
    /// Its API.
    pub api: Api,
    address: String,
}

impl Deployment {
    /// Private names on every engine; nothing is started.
    pub async fn new() -> Self {
        Self {
            database: Database::create().await,
            topics: Topics::named(),
            index: SearchIndex::named(),
        }
    }

    /// The oracle's view of it.
    pub fn system(&self) -> System {
        System {
            database_url: self.database.url().to_owned(),
            brokers: self.topics.brokers().to_owned(),
            topic: self.topics.tasks().to_owned(),
            dead_letter_topic: self.topics.dead_letters().to_owned(),
            group: self.topics.group().to_owned(),
            elasticsearch_url: self.index.url().to_owned(),
            index: self.index.name().to_owned(),
        }
    }

    /// The settings that `rest-server` is given, besides its address.
    pub fn rest_settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("DATABASE_URL", self.database.url()),
            ("KAFKA_BROKERS", self.topics.brokers()),
            ("KAFKA_TOPIC", self.topics.tasks()),
            ("ELASTICSEARCH_URL", self.index.url()),
            ("ELASTICSEARCH_INDEX", self.index.name()),
            // A hundred searches at once on a machine that is busy: what is found is looked at here, not how soon.
            ("ELASTICSEARCH_SEARCH_LIMIT_MS", "8000"),
        ]
    }

    /// The settings that `search-indexer` needs.
    pub fn indexer_settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("KAFKA_BROKERS", self.topics.brokers()),
            ("KAFKA_TOPIC", self.topics.tasks()),
            ("KAFKA_DLQ_TOPIC", self.topics.dead_letters()),
            ("KAFKA_GROUP", self.topics.group()),
            ("ELASTICSEARCH_URL", self.index.url()),
            ("ELASTICSEARCH_INDEX", self.index.name()),
        ]
    }

    /// Starts `rest-server` on a free port and waits until it is ready.
    pub async fn start_rest(&self) -> RestServer {
        self.start_rest_with(&[]).await
    }

    /// As [`start_rest`](Self::start_rest), with settings that come on top or instead.
    pub async fn start_rest_with(&self, settings: &[(&str, &str)]) -> RestServer {
        self.start_rest_at(&free_address(), settings).await
    }

    async fn start_rest_at(&self, address: &str, settings: &[(&str, &str)]) -> RestServer {
        let server = self.listen_at(address, settings).await;
        let ready = || async {
            let answer = server.api.call(Method::GET, "/healthz/ready", None).await.ok()?;
            answer.status.is_success().then_some(())
        };
        until("rest-server is ready", Duration::from_secs(60), ready).await;
        server
    }

    /// Starts `rest-server` on a free port and waits only until it listens.
    pub async fn listen_with(&self, settings: &[(&str, &str)]) -> RestServer {
        self.listen_at(&free_address(), settings).await
    }

    async fn listen_at(&self, address: &str, settings: &[(&str, &str)]) -> RestServer {
        let mut all = self.rest_settings();
        all.push(("LISTEN_ADDR", address));
        all.extend_from_slice(settings);
        let process = Process::start("rest-server", &all);
        process.logged("listening").await;
        RestServer {
            process,
            api: Api::new(format!("http://{address}")),
            address: address.to_owned(),
        }
    }

    /// Starts a server that was killed again, at its address.
    pub async fn restart_rest(&self, server: &RestServer) -> RestServer {
        self.start_rest_at(&server.address, &[]).await
    }

    /// Starts `search-indexer`.
    pub fn start_indexer(&self) -> Process {
        Process::start("search-indexer", &self.indexer_settings())
    }

    /// Waits until the system is at rest and asserts that database, topic and index agree.
    pub async fn assert_equal(&self) -> taskwire_oracle::Findings {
        let system = self.system();
        system
            .settle(Duration::from_secs(90))
            .await
            .unwrap_or_else(|error| panic!("{error:#}"));
        let findings = system.compare().await.expect("the engines answer");
        findings.assert_equal();
        findings
    }

    /// Waits until a search for this text finds exactly these descriptions; how long it took.
    pub async fn await_search(&self, api: &Api, text: &str, wanted: &[&str]) -> Duration {
        let what = format!("a search for {text:?} finds {wanted:?}");
        let found = until(&what, Duration::from_secs(30), || async {
            (api.search(text).await == wanted).then_some(())
        });
        found.await.1
    }
}

/// Known before the start, so that a server can be started again at the same address.
fn free_address() -> String {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.expect("a free port").to_string()
}
