//! A private index with the adapter's parts around it.

#![allow(dead_code, reason = "each test target uses what it needs")]
#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

pub(crate) mod fake_server;
pub(crate) mod stopped_clock;

use reqwest::Method;
use serde_json::{Value, json};
#[allow(unused_imports, reason = "not every test binary uses each of them")]
pub(crate) use taskwire_conformance::index::{id, live, task, tombstone};
use taskwire_domain::{Document, IndexOperation, TaskId, Version};
use taskwire_elasticsearch::{
    AnalysisSettings, Client, ElasticsearchIndex, ElasticsearchSearch, ElasticsearchSettings, Generation,
    IndexName, IndexSettings, SearchSettings, ensure_generation,
};
use taskwire_testkit::SearchIndex;

pub(crate) fn index_settings() -> IndexSettings {
    IndexSettings {
        shards: 1,
        replicas: 0,
        refresh_ms: 500,
        write_limit_ms: 30_000,
        bulk_bytes: 2 * 1024 * 1024,
        in_flight_bytes: 8 * 1024 * 1024,
        analysis: AnalysisSettings::default(),
    }
}

/// An index on a server that need not be one.
pub(crate) fn index_at(url: &str, settings: &IndexSettings) -> ElasticsearchIndex {
    let generation = Generation {
        name: "t-v1-000001".into(),
        write_alias: "t-v1-000001-write".into(),
        group: "g".into(),
    };
    ElasticsearchIndex::new(client(url), &generation, settings)
}

pub(crate) fn client(url: &str) -> Client {
    let settings = ElasticsearchSettings {
        url: url.parse().unwrap(),
        index: "tasks".parse().unwrap(),
    };
    Client::new(&settings).unwrap()
}

pub(crate) fn search(url: &str, name: &IndexName) -> ElasticsearchSearch {
    // Generous: the machine may be building beside the tests.
    ElasticsearchSearch::new(
        client(url),
        name.clone(),
        &SearchSettings {
            search_limit_ms: 20_000,
        },
    )
}

/// A generation of its own.
pub(crate) struct Fixture {
    pub(crate) server: SearchIndex,
    pub(crate) name: IndexName,
    pub(crate) client: Client,
    pub(crate) generation: Generation,
    pub(crate) index: ElasticsearchIndex,
    pub(crate) search: ElasticsearchSearch,
}

impl Fixture {
    pub(crate) async fn create() -> Self {
        let server = SearchIndex::named();
        let name: IndexName = server.name().parse().unwrap();
        let client = client(server.url());
        let generation = ensure_generation(&client, &name, &index_settings())
            .await
            .unwrap();
        let index = ElasticsearchIndex::new(client.clone(), &generation, &index_settings());
        let search = search(server.url(), &name);
        Self {
            server,
            name,
            client,
            generation,
            index,
            search,
        }
    }

    /// Makes what was written searchable.
    pub(crate) async fn refresh(&self) {
        self.server
            .request(Method::POST, &format!("/{}/_refresh", self.generation.name), None)
            .await;
    }

    /// A document as it is stored.
    pub(crate) async fn document(&self, id: TaskId) -> Value {
        self.server
            .request(Method::GET, &format!("/{}/_doc/{id}", self.generation.name), None)
            .await
    }

    pub(crate) async fn put_settings(&self, settings: Value) {
        let path = format!("/{}/_settings", self.generation.name);
        self.server.request(Method::PUT, &path, Some(settings)).await;
    }
}

pub(crate) fn version(n: i64) -> Version {
    Version::new(n).unwrap()
}

/// A document that no task of ours could be.
pub(crate) fn raw(n: u32, at: i64, source: &Value) -> IndexOperation {
    let document = Document::Live {
        source: source.to_string().into(),
        priority_rank: 0,
    };
    IndexOperation {
        id: id(n),
        version: version(at),
        document,
    }
}

pub(crate) fn plain(n: u32, at: i64) -> IndexOperation {
    raw(
        n,
        at,
        &json!({ "id": id(n), "version": at, "description": format!("plain {n}") }),
    )
}
