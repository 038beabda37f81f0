//! `rest-server` and `search-indexer` on engines that others may use too, under names that nobody else has.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Map, Value, json};
use taskwire_bench::http::Connection;
use taskwire_bench::searchable::await_searchable;
use taskwire_e2e::{Deployment, RestServer};
use taskwire_testkit::Process;

use crate::corpus::{Corpus, samples};
use crate::load::load;

/// What a server is given that is asked in the measurement: the default, which tests exceed.
const SEARCH_LIMIT: (&str, &str) = ("ELASTICSEARCH_SEARCH_LIMIT_MS", "2000");

/// How long no merge may go on before the index counts as at rest.
const AT_REST: Duration = Duration::from_secs(3);

/// One of each, running.
pub(crate) struct System {
    pub(crate) server: RestServer,
    indexer: Process,
    pub(crate) deployment: Deployment,
}

impl System {
    pub(crate) async fn start() -> Self {
        let deployment = Deployment::new().await;
        let server = deployment.start_rest_with(&[SEARCH_LIMIT]).await;
        let indexer = deployment.start_indexer();
        indexer.logged("partitions assigned").await;
        Self {
            server,
            indexer,
            deployment,
        }
    }

    /// Another server of the same tasks that takes this for Elasticsearch.
    pub(crate) async fn server_before(&self, elasticsearch: SocketAddr) -> RestServer {
        let url = format!("http://{elasticsearch}");
        let settings = [SEARCH_LIMIT, ("ELASTICSEARCH_URL", url.as_str())];
        self.deployment.start_rest_with(&settings).await
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
        address(self.server.api.base())
    }

    pub(crate) fn elasticsearch(&self) -> Result<SocketAddr> {
        address(self.deployment.index.url())
    }

    /// Puts the tasks into its index, and waits until it has come to rest; a sentence about it. The service itself writes
    /// one task of each priority, after which the others are made.
    pub(crate) async fn fill(&self, corpus: &Corpus) -> Result<String> {
        let samples = samples();
        for sample in &samples {
            self.server.api.create(sample).await;
        }
        await_searchable(self.address()?, samples.len() as u64).await?;
        let index = &self.deployment.index;
        let found = index
            .request(Method::GET, &format!("/{}/_search", index.name()), None)
            .await;
        let hits = found["hits"]["hits"].as_array().into_iter().flatten();
        let likes: Vec<_> = hits
            .filter_map(|hit| hit["_source"].as_object().cloned())
            .collect();
        let began = Instant::now();
        let write_alias = self.write_alias().await?;
        load(self.elasticsearch()?, &write_alias, corpus.documents(&likes)).await?;
        let loaded = began.elapsed();
        self.remove(&likes).await?;
        index
            .request(Method::POST, &format!("/{}/_refresh", index.name()), None)
            .await;
        await_searchable(self.address()?, corpus.tasks as u64).await?;
        let shape = self.at_rest().await?;
        Ok(format!(
            "{} tasks, loaded in {:.0} s; {shape}.",
            corpus.tasks,
            loaded.as_secs_f64()
        ))
    }

    /// Ends the indexer: nothing is to be indexed any more.
    pub(crate) async fn stop_indexing(&mut self) {
        self.indexer.terminate();
        self.indexer.ended().await;
    }

    async fn write_alias(&self) -> Result<String> {
        let index = &self.deployment.index;
        let generations = index.generations().await;
        let generation = generations.first().context("search-indexer made no index")?;
        let aliases = index
            .request(Method::GET, &format!("/{generation}/_alias"), None)
            .await;
        let aliases = aliases[generation]["aliases"].as_object();
        let mut names = aliases.into_iter().flat_map(Map::keys);
        let write_alias = names.find(|name| *name != index.name());
        write_alias.cloned().context("the index has no write alias")
    }

    /// The samples stand for nothing once they were seen.
    async fn remove(&self, samples: &[Map<String, Value>]) -> Result<()> {
        let write_alias = self.write_alias().await?;
        for sample in samples {
            let id = sample["id"].as_str().context("a document has an id")?;
            let path = format!("/{write_alias}/_doc/{id}");
            self.deployment.index.request(Method::DELETE, &path, None).await;
        }
        Ok(())
    }

    /// Waits until no segments are merged any more; what the index is like then.
    async fn at_rest(&self) -> Result<String> {
        let mut connection = Connection::open(self.elasticsearch()?).await?;
        let path = format!(
            "/{}/_stats/merge,segments,store?filter_path=_all.total",
            self.deployment.index.name()
        );
        let mut since = Instant::now();
        loop {
            let answer = connection.get(&path).await?;
            answer.expect(200)?;
            let stats: Value = serde_json::from_slice(answer.body)?;
            let stats = &stats["_all"]["total"];
            if stats["merges"]["current"] != json!(0) {
                since = Instant::now();
            }
            if since.elapsed() > AT_REST {
                let bytes = stats["store"]["size_in_bytes"].as_u64().unwrap_or_default();
                return Ok(format!(
                    "{} segments, {:.0} MB",
                    stats["segments"]["count"],
                    bytes as f64 / 1e6
                ));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Where a URL leads.
pub(crate) fn address(url: &str) -> Result<SocketAddr> {
    let address = url
        .strip_prefix("http://")
        .unwrap_or(url)
        .trim_end_matches('/')
        .parse();
    address.with_context(|| format!("this benchmark speaks plain HTTP to an IP address, not to {url}"))
}
