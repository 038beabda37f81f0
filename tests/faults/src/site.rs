//! The Taskwire under test: two servers and two indexers, each with links of its own to the engines.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use sqlx::{Connection, Executor, PgConnection};
use taskwire_e2e::Api;
use taskwire_oracle::System;
use tokio::time::timeout;

use crate::arguments::Arguments;
use crate::engine::{Engine, Engines};
use crate::finding::Findings;
use crate::link::Link;
use crate::supervised::{Plan, Supervised};

/// The programs, in this order: two servers, two indexers.
pub(crate) const NAMES: [&str; 4] = [
    "rest-server-1",
    "rest-server-2",
    "search-indexer-1",
    "search-indexer-2",
];

/// Which connections hold the relay's lock, by the port that they come from.
const LEADERS: &str = "select activity.client_port from pg_locks join pg_stat_activity activity using (pid)
    where locktype = 'advisory' and granted and application_name = 'taskwire-relay'
    and activity.datname = current_database()";

/// Everything there is to break.
pub(crate) struct Site {
    pub(crate) engines: Engines,
    /// Straight to the engines.
    pub(crate) system: System,
    /// In the order of `NAMES`.
    pub(crate) nodes: Vec<Node>,
    /// Of the two servers.
    pub(crate) apis: [Api; 2],
}

/// One program and its links.
pub(crate) struct Node {
    pub(crate) process: Supervised,
    links: Vec<(Engine, Link)>,
}

impl Node {
    pub(crate) fn link(&self, engine: Engine) -> Option<&Link> {
        let mut links = self.links.iter();
        links.find(|(to, _)| *to == engine).map(|(_, link)| link)
    }

    pub(crate) fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().map(|(_, link)| link)
    }
}

impl Site {
    /// Makes a database and names of its own on the engines, and starts the programs; `folder` keeps them and gets their logs.
    pub(crate) async fn build(
        arguments: &Arguments,
        seed: u64,
        folder: &Path,
        findings: &Arc<Findings>,
    ) -> anyhow::Result<Self> {
        ensure!(
            arguments.kafka_ways.len() == NAMES.len(),
            "TASKWIRE_KAFKA_WAYS has to name {} ways into Kafka: run `cargo xtask faults`",
            NAMES.len()
        );
        let name = format!("faults-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let system = System {
            database_url: create_database(&arguments.database_url, &name.replace('-', "_")).await?,
            brokers: arguments.kafka_brokers.clone(),
            topic: name.clone(),
            dead_letter_topic: format!("{name}.dlq"),
            group: format!("{name}-indexer"),
            elasticsearch_url: arguments.elasticsearch_url.trim_end_matches('/').to_owned(),
            index: name,
        };
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let programs = folder.join("programs");
        let mut rng = fastrand::Rng::new();
        let addresses = [free_address(&mut rng)?, free_address(&mut rng)?];
        let mut nodes = Vec::new();
        for (number, name) in NAMES.into_iter().enumerate() {
            let links = links(&system, number < 2, arguments.kafka_ways[number]).await?;
            let mut settings = settings(&system, &links)?;
            settings.extend(arguments.env.iter().cloned());
            let program = if let Some(address) = addresses.get(number) {
                settings.push(("LISTEN_ADDR".to_owned(), address.clone()));
                kept(
                    &program(arguments.rest_server.as_deref(), "rest-server")?,
                    &programs,
                )?
            } else {
                kept(
                    &program(arguments.search_indexer.as_deref(), "search-indexer")?,
                    &programs,
                )?
            };
            let plan = Plan {
                name,
                program,
                settings,
                logs: logs.clone(),
            };
            let process = Supervised::start(plan, findings.clone(), seed.wrapping_add(number as u64));
            nodes.push(Node { process, links });
        }
        Ok(Self {
            engines: Engines::new(&kept(&arguments.xtask, &programs)?),
            system,
            nodes,
            apis: addresses.map(|address| Api::new(format!("http://{address}"))),
        })
    }

    pub(crate) fn servers(&self) -> &[Node] {
        &self.nodes[..2]
    }

    pub(crate) fn indexers(&self) -> &[Node] {
        &self.nodes[2..]
    }

    /// Which server's relay leads; `None` when that cannot be told now.
    pub(crate) async fn leader(&self) -> Option<usize> {
        let ask = async {
            let mut connection = PgConnection::connect(&self.system.database_url).await?;
            let ports: Vec<(i32,)> = sqlx::query_as(LEADERS).fetch_all(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(ports)
        };
        let ports = timeout(Duration::from_secs(2), ask).await.ok()?.ok()?;
        let port = u16::try_from(ports.first()?.0).ok()?;
        self.servers().iter().position(|server| {
            server
                .link(Engine::Postgres)
                .is_some_and(|link| link.goes_out_by(port))
        })
    }

    /// Ends the programs, all at once.
    pub(crate) async fn end(self) {
        futures::future::join_all(self.nodes.into_iter().map(|node| node.process.end())).await;
    }
}

async fn create_database(server_url: &str, name: &str) -> anyhow::Result<String> {
    let mut server = PgConnection::connect(server_url)
        .await
        .context("DATABASE_URL does not answer")?;
    let statement = sqlx::AssertSqlSafe(format!("create database {name}"));
    server.execute(statement).await?;
    server.close().await?;
    let mut url = reqwest::Url::parse(server_url)?;
    url.set_path(name);
    Ok(url.into())
}

async fn links(
    system: &System,
    is_server: bool,
    (listener, advertised): (u16, u16),
) -> anyhow::Result<Vec<(Engine, Link)>> {
    let mut links = vec![
        (
            Engine::Kafka,
            Link::open(advertised, format!("127.0.0.1:{listener}")).await?,
        ),
        (
            Engine::Elasticsearch,
            Link::open(0, host_and_port(&system.elasticsearch_url)?).await?,
        ),
    ];
    if is_server {
        let link = Link::open(0, host_and_port(&system.database_url)?).await?;
        links.push((Engine::Postgres, link));
    }
    Ok(links)
}

fn settings(system: &System, links: &[(Engine, Link)]) -> anyhow::Result<Vec<(String, String)>> {
    let mut settings = vec![
        ("KAFKA_TOPIC", system.topic.clone()),
        ("ELASTICSEARCH_INDEX", system.index.clone()),
    ];
    for (engine, link) in links {
        settings.push(match engine {
            Engine::Postgres => ("DATABASE_URL", through(&system.database_url, link)?),
            Engine::Kafka => ("KAFKA_BROKERS", link.address().to_owned()),
            Engine::Elasticsearch => ("ELASTICSEARCH_URL", through(&system.elasticsearch_url, link)?),
        });
    }
    if links.iter().all(|(engine, _)| *engine != Engine::Postgres) {
        settings.push(("KAFKA_DLQ_TOPIC", system.dead_letter_topic.clone()));
        settings.push(("KAFKA_GROUP", system.group.clone()));
    }
    let owned = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(owned.collect())
}

/// The same URL by way of the link.
fn through(url: &str, link: &Link) -> anyhow::Result<String> {
    Ok(url.replacen(&host_and_port(url)?, link.address(), 1))
}

fn host_and_port(url: &str) -> anyhow::Result<String> {
    let url = reqwest::Url::parse(url)?;
    let host = url.host_str().context("an engine's URL names no host")?;
    let port = url
        .port_or_known_default()
        .context("an engine's URL names no port")?;
    Ok(format!("{host}:{port}"))
}

fn program(given: Option<&Path>, name: &str) -> anyhow::Result<PathBuf> {
    match given {
        Some(path) => Ok(path.to_owned()),
        None => Ok(std::env::current_exe()?.with_file_name(name)),
    }
}

/// The program under another name, so that it is the same one to the end, whatever is built meanwhile.
fn kept(program: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let name = program.file_name().context("a program has a name")?;
    let kept = folder.join(name);
    if !kept.exists() {
        std::fs::create_dir_all(folder)?;
        std::fs::hard_link(program, &kept)
            .or_else(|_| std::fs::copy(program, &kept).map(drop))
            .with_context(|| format!("{} cannot be used: is it built?", program.display()))?;
    }
    Ok(kept)
}

/// Below the range of outgoing connections, so that nobody takes it while the server is away.
fn free_address(rng: &mut fastrand::Rng) -> anyhow::Result<String> {
    let addresses = std::iter::repeat_with(|| format!("127.0.0.1:{}", rng.u16(16_000..32_000)));
    addresses
        .take(100)
        .find(|address| TcpListener::bind(address).is_ok())
        .context("no port is free")
}
