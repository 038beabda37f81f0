//! The same searches through `rest-server` and straight at Elasticsearch, by turns.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use taskwire_bench::latencies::Latencies;
use taskwire_bench::report::{Report, whole};
use taskwire_bench::usage;

use crate::blocks::{Answered, Callers};
use crate::corpus::Corpus;
use crate::queries::{Kind, Queries};
use crate::recorder::{Recorder, SearchRequest};
use crate::system::System;

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Tasks in the index
    #[arg(long, default_value_t = 1_000_000)]
    tasks: usize,

    /// Different searches of each kind for each number of callers, at most
    #[arg(long, default_value_t = 1_000)]
    searches: usize,

    /// How long to search in each way, at most; a round that has begun is ended
    #[arg(long, default_value_t = 15)]
    seconds: u64,
}

/// Callers at a time.
const CONNECTIONS: [usize; 2] = [1, 4];

/// Searches that each caller sends before it is the other side's turn, on average.
const BLOCK: usize = 5;

/// A search, and what the service makes of it.
struct Search {
    ours: SearchRequest,
    raw: SearchRequest,
}

/// What both sides took for the same searches.
#[derive(Default)]
struct Compared {
    ours: Latencies,
    raw: Latencies,
    /// In all.
    took_ours: Duration,
    took_raw: Duration,
    found_something: usize,
    asked: usize,
    /// Of `rest-server`, for its share.
    processor_time: Duration,
}

pub(crate) async fn measure(settings: &Settings, report: &mut Report) -> Result<()> {
    let corpus = Corpus::of(settings.tasks);
    let mut system = System::start().await;
    report.paragraph(system.fill(&corpus).await?);
    system.stop_indexing().await;
    let mut recorder = Recorder::start(&system).await?;
    let queries = Queries::of(&corpus);
    report.paragraph(format!(
        "Each search is sent once to rest-server and once, as rest-server would send it, to Elasticsearch, by turns of \
         {BLOCK} for each caller; which side is first alternates. Up to {} different searches or {} s in each row.",
        whole(settings.searches as f64),
        settings.seconds,
    ));
    let mut rows = Vec::new();
    let mut totals = Vec::new();
    let mut seed = 0;
    for connections in CONNECTIONS {
        let mut all = Compared::default();
        for with_facets in [false, true] {
            for kind in Kind::ALL {
                seed += 1;
                let bodies = queries.bodies(kind, with_facets, settings.searches, seed);
                let searches = Search::all(&bodies, &mut recorder).await?;
                let limit = Duration::from_secs(settings.seconds);
                let compared = compare(&system, &searches, connections, limit).await?;
                rows.push(compared.row(kind, with_facets, connections));
                all.add(&compared);
            }
        }
        totals.push(all.told(connections));
    }
    let heads = [
        "search",
        "facets",
        "callers",
        "searches",
        "found something",
        "p50 ms",
        "raw p50 ms",
        "ratio",
        "p99 ms",
        "raw p99 ms",
        "ratio",
    ];
    report.table(heads, &rows);
    totals.iter().for_each(|told| report.paragraph(told));
    Ok(())
}

impl Search {
    async fn all(bodies: &[Value], recorder: &mut Recorder) -> Result<Vec<Self>> {
        let ours = bodies.iter().map(|body| SearchRequest {
            path: "/tasks/search".to_owned(),
            body: body.to_string().into_bytes(),
        });
        let ours: Vec<_> = ours.collect();
        let raw = recorder.record(&ours).await?;
        let both = ours.into_iter().zip(raw);
        Ok(both.map(|(ours, raw)| Self { ours, raw }).collect())
    }
}

/// Two blocks a round, each asked by both sides, which change places: neither always asks what the other just made warm.
async fn compare(
    system: &System,
    searches: &[Search],
    connections: usize,
    limit: Duration,
) -> Result<Compared> {
    let mut ours = Callers::connect(system.address()?, connections).await?;
    let mut raw = Callers::connect(system.elasticsearch()?, connections).await?;
    let process = system.server.process.id();
    let mut compared = Compared::default();
    let began = Instant::now();
    for round in searches.chunks(2 * BLOCK * connections) {
        if began.elapsed() > limit {
            break;
        }
        let (first, second) = round.split_at(round.len() / 2);
        let mut by_us = Vec::new();
        let mut by_engine = Vec::new();
        for (mine, theirs) in [(first, second), (second, first)] {
            let (mine, theirs): (Vec<_>, Vec<_>) = (
                mine.iter().map(|search| &search.ours).collect(),
                theirs.iter().map(|search| &search.raw).collect(),
            );
            let before = usage::processor_time(process)?;
            by_us.extend(ours.send(&mine).await?);
            compared.processor_time += usage::processor_time(process)? - before;
            by_engine.splice(0..0, raw.send(&theirs).await?);
        }
        for ((search, ours), raw) in round.iter().zip(by_us).zip(by_engine) {
            compared.note(search, &ours, &raw)?;
        }
    }
    Ok(compared)
}

impl Compared {
    fn note(&mut self, search: &Search, ours: &Answered, raw: &Answered) -> Result<()> {
        let (found, by_engine) = (found_by_us(&ours.body)?, found_by_engine(&raw.body)?);
        ensure!(
            found == by_engine,
            "{} finds {found:?} and raw {by_engine:?}",
            String::from_utf8_lossy(&search.ours.body)
        );
        self.asked += 1;
        self.found_something += usize::from(found.0 > 0);
        self.ours.push(ours.latency);
        self.raw.push(raw.latency);
        self.took_ours += ours.latency;
        self.took_raw += raw.latency;
        Ok(())
    }

    fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.took_ours += other.took_ours;
        self.took_raw += other.took_raw;
        self.processor_time += other.processor_time;
    }

    fn row(&self, kind: Kind, with_facets: bool, connections: usize) -> [String; 11] {
        let time = |latencies: &Latencies, percent| latencies.percentile(percent).as_secs_f64() * 1e3;
        let [p50, raw_p50] = [&self.ours, &self.raw].map(|it| time(it, 50.0));
        let [p99, raw_p99] = [&self.ours, &self.raw].map(|it| time(it, 99.0));
        [
            kind.name().to_owned(),
            if with_facets { "all four" } else { "none" }.to_owned(),
            connections.to_string(),
            whole(self.asked as f64),
            format!(
                "{:.0} %",
                100.0 * self.found_something as f64 / self.asked.max(1) as f64
            ),
            format!("{p50:.2}"),
            format!("{raw_p50:.2}"),
            format!("{:.2}", p50 / raw_p50),
            format!("{p99:.2}"),
            format!("{raw_p99:.2}"),
            format!("{:.2}", p99 / raw_p99),
        ]
    }

    fn told(&self, connections: usize) -> String {
        let searches = self.asked.max(1) as f64;
        format!(
            "All {} searches by {connections} {}: {:.2} ms on average, raw {:.2} ms, ratio {:.3}; {:.0} µs of processor \
             time in rest-server for each.",
            whole(searches),
            if connections == 1 { "caller" } else { "callers" },
            self.took_ours.as_secs_f64() * 1e3 / searches,
            self.took_raw.as_secs_f64() * 1e3 / searches,
            self.took_ours.as_secs_f64() / self.took_raw.as_secs_f64(),
            self.processor_time.as_secs_f64() * 1e6 / searches,
        )
    }
}

type Found = (u64, Vec<String>);

fn found_by_us(answer: &[u8]) -> Result<Found> {
    let answer: Value = serde_json::from_slice(answer)?;
    let total = answer["total"].as_u64().context("no total")?;
    Ok((total, ids(&answer["tasks"], "id")))
}

fn found_by_engine(answer: &[u8]) -> Result<Found> {
    let answer: Value = serde_json::from_slice(answer)?;
    let total = answer["hits"]["total"]["value"].as_u64().context("no total")?;
    Ok((total, ids(&answer["hits"]["hits"], "_id")))
}

fn ids(found: &Value, name: &str) -> Vec<String> {
    let found = found.as_array().into_iter().flatten();
    found
        .map(|one| one[name].as_str().unwrap_or_default().to_owned())
        .collect()
}
