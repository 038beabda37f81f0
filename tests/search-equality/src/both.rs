//! The two engines, side by side.

use reqwest::Method;
use serde_json::json;
use taskwire_conformance::index::live;
use taskwire_domain::{
    ItemOutcome, MistypedText, SearchFilter, SearchPage, SearchQuery, SearchWindow, Task, TaskId, TaskIndex,
    TaskSearch, WalkPage, WalkStep,
};
use taskwire_elasticsearch::{
    AnalysisSettings, Client, ElasticsearchIndex, ElasticsearchSearch, ElasticsearchSettings, IndexSettings,
    SearchSettings, ensure_generation,
};
use taskwire_tantivy::TantivyIndex;
use taskwire_testkit::SearchIndex;
use tempfile::TempDir;

/// The same tasks in both.
pub struct Both {
    tantivy: TantivyIndex,
    elasticsearch: ElasticsearchSearch,
    _folder: TempDir,
    _server: SearchIndex,
}

/// Everything that a query finds.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// In the engine's order.
    pub ids: Vec<TaskId>,
    /// How many it said there are.
    pub total: u64,
}

impl Both {
    /// Puts the tasks into a fresh index of either engine.
    pub async fn with(tasks: &[Task]) -> Self {
        Self::comparing_by(AnalysisSettings::default(), tasks).await
    }

    /// The same, with settings that tantivy does not have.
    pub async fn comparing_by(analysis: AnalysisSettings, tasks: &[Task]) -> Self {
        let folder = TempDir::new().unwrap();
        let tantivy = TantivyIndex::open(folder.path()).await.unwrap().index;
        tantivy.rebuild().await.unwrap().finish().await.unwrap();

        let server = SearchIndex::named();
        let settings = ElasticsearchSettings {
            url: server.url().parse().unwrap(),
            index: server.name().parse().unwrap(),
        };
        let index_settings = IndexSettings {
            shards: 1,
            replicas: 0,
            refresh_ms: 500,
            write_limit_ms: 30_000,
            bulk_bytes: 2 * 1024 * 1024,
            in_flight_bytes: 8 * 1024 * 1024,
            analysis,
        };
        let search_settings = SearchSettings {
            search_limit_ms: 20_000,
        };
        let client = Client::new(&settings).unwrap();
        let generation = ensure_generation(&client, &settings.index, &index_settings)
            .await
            .unwrap();
        let index = ElasticsearchIndex::new(client.clone(), &generation, &index_settings);

        let operations: Vec<_> = tasks.iter().map(live).collect();
        for batch in operations.chunks(500) {
            for index in [&tantivy as &dyn TaskIndex, &index] {
                let outcomes = index.apply(batch).await.unwrap();
                assert_eq!(outcomes, vec![ItemOutcome::Done; batch.len()]);
            }
        }
        server
            .request(Method::POST, &format!("/{}/_refresh", generation.name), None)
            .await;
        let elasticsearch = ElasticsearchSearch::new(client, settings.index, &search_settings);
        Self {
            tantivy,
            elasticsearch,
            _folder: folder,
            _server: server,
        }
    }

    /// One page of either, as it is answered: tantivy, then Elasticsearch.
    pub async fn page(&self, query: &SearchQuery) -> [SearchPage; 2] {
        [
            self.tantivy.search(query).await.unwrap(),
            self.elasticsearch.search(query).await.unwrap(),
        ]
    }

    /// What either would have us suggest instead of a text: tantivy, then Elasticsearch.
    pub async fn suggested(&self, text: &MistypedText, filter: &SearchFilter) -> [Option<String>; 2] {
        let corrected = async |engine: &dyn TaskSearch| {
            let likest = engine.likest(text, filter).await.unwrap();
            text.corrected(likest.iter().map(|task| task.fields.description.as_str()))
        };
        [
            corrected(&self.tantivy).await,
            corrected(&self.elasticsearch).await,
        ]
    }

    /// What either shows in a walk: tantivy, then Elasticsearch.
    pub async fn walk(&self, query: &SearchQuery) -> (Found, Found) {
        (
            walked(&self.tantivy, query).await,
            walked(&self.elasticsearch, query).await,
        )
    }

    /// What either finds, all pages: tantivy, then Elasticsearch.
    pub async fn find(&self, query: &SearchQuery) -> (Found, Found) {
        (
            all_pages(&self.tantivy, query).await,
            all_pages(&self.elasticsearch, query).await,
        )
    }
}

async fn walked(engine: &dyn TaskSearch, query: &SearchQuery) -> Found {
    let window = SearchWindow {
        from: 0,
        size: SearchWindow::MAX_SIZE,
    };
    let query = SearchQuery {
        window,
        ..query.clone()
    };
    let mut ids = Vec::new();
    let mut step = WalkStep::Begin;
    loop {
        let WalkPage { page, next } = engine.walk(&query, &step).await.unwrap();
        ids.extend(page.tasks.iter().map(|task| task.id));
        match next {
            Some(position) => step = WalkStep::Continue(position),
            None => {
                return Found {
                    ids,
                    total: page.total,
                };
            }
        }
    }
}

async fn all_pages(engine: &dyn TaskSearch, query: &SearchQuery) -> Found {
    let mut ids = Vec::new();
    loop {
        let window = SearchWindow {
            from: u32::try_from(ids.len()).unwrap(),
            size: SearchWindow::MAX_SIZE,
        };
        let query = SearchQuery {
            window,
            ..query.clone()
        };
        let page = engine.search(&query).await.unwrap();
        let before = ids.len();
        ids.extend(page.tasks.iter().map(|task| task.id));
        if ids.len() as u64 >= page.total || ids.len() == before {
            return Found {
                ids,
                total: page.total,
            };
        }
    }
}

/// Whether the server has the filters that [`AnalysisSettings`] need, asked behind the adapter's back. Where
/// `TASKWIRE_SEARCH_ANALYSIS` says `true` or `false`, it has to be so.
pub async fn is_analysis_offered() -> bool {
    let server = SearchIndex::named();
    let question = json!({ "tokenizer": "standard", "filter": ["asciifolding"], "text": "word" });
    let asked = reqwest::Client::new().post(format!("{}/_analyze", server.url()));
    let answer = asked.json(&question).send().await.unwrap();
    let offered = answer.status().is_success();
    if let Ok(said) = std::env::var("TASKWIRE_SEARCH_ANALYSIS") {
        assert_eq!(said, offered.to_string(), "the server is not as was said");
    }
    offered
}
