//! A private index with the adapter's parts around it.

#![allow(dead_code, reason = "each test target uses what it needs")]
#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use reqwest::Method;
use serde_json::{Value, json};
use taskwire_domain::{
    Description, Document, IndexOperation, ItemOutcome, Priority, SearchPage, SearchQuery, Task, TaskFields,
    TaskId, TaskIndex, TaskSearch, Version,
};
use taskwire_elasticsearch::{
    Client, ElasticsearchIndex, ElasticsearchSearch, ElasticsearchSettings, Generation, IndexName,
    IndexSettings, SearchSettings, ensure_generation,
};
use taskwire_testkit::SearchIndex;

pub(crate) fn index_settings() -> IndexSettings {
    IndexSettings {
        shards: 1,
        replicas: 0,
        refresh_ms: 500,
        write_limit_ms: 30_000,
        bulk_bytes: 8 * 1024 * 1024,
    }
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

    /// Indexes the tasks and makes them searchable.
    pub(crate) async fn hold(&self, tasks: &[Task]) {
        let operations: Vec<_> = tasks.iter().map(live).collect();
        let outcomes = self.index.apply(&operations).await.unwrap();
        assert_eq!(outcomes, vec![ItemOutcome::Done; tasks.len()]);
        self.refresh().await;
    }

    pub(crate) async fn find(&self, query: &SearchQuery) -> SearchPage {
        self.search.search(query).await.unwrap()
    }

    /// The descriptions found, best first.
    pub(crate) async fn find_text(&self, text: &str) -> Vec<String> {
        let page = self.find(&text_query(text)).await;
        assert_eq!(page.total, page.tasks.len() as u64);
        page.tasks
            .iter()
            .map(|task| task.fields.description.as_str().to_owned())
            .collect()
    }
}

pub(crate) fn text_query(text: &str) -> SearchQuery {
    SearchQuery {
        text: Some(text.to_owned()),
        ..SearchQuery::default()
    }
}

pub(crate) fn id(n: u32) -> TaskId {
    format!("0199c5a0-7d9f-7cc1-a3c8-{n:012}").parse().unwrap()
}

pub(crate) fn version(n: i64) -> Version {
    Version::new(n).unwrap()
}

/// The task number `n`, created in the `n`th minute of an hour.
pub(crate) fn task(n: u32, description: &str) -> Task {
    let fields = TaskFields {
        external_id: None,
        description: Description::parse(description.to_owned()).unwrap(),
        priority: Priority::None,
        dates: Default::default(),
        is_done: false,
        parent_id: None,
        categories: Default::default(),
    };
    let at = format!("2026-05-01T{:02}:{:02}:00Z", n / 60, n % 60);
    Task::create(id(n), fields, at.parse().unwrap())
}

pub(crate) fn tasks(descriptions: &[&str]) -> Vec<Task> {
    (1..)
        .zip(descriptions)
        .map(|(n, description)| task(n, description))
        .collect()
}

pub(crate) fn live(task: &Task) -> IndexOperation {
    let document = Document::Live {
        source: serde_json::to_vec(task).unwrap().into(),
        priority_rank: task.fields.priority.rank(),
    };
    IndexOperation {
        id: task.id,
        version: task.version,
        document,
    }
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

pub(crate) fn tombstone(n: u32, at: i64) -> IndexOperation {
    let document = Document::Tombstone {
        deleted_at: "2026-06-01T00:00:00Z".parse().unwrap(),
    };
    IndexOperation {
        id: id(n),
        version: version(at),
        document,
    }
}
