//! How long the searches take that nobody means well with, one at a time, among many tasks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use taskwire_bench::http::Connection;
use taskwire_bench::latencies::Latencies;
use taskwire_bench::report::{Report, milliseconds, whole};
use taskwire_testkit::{HostileSearch, hostile_searches};

use crate::corpus::Corpus;
use crate::one_process::OneProcess;
use crate::system::System;

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Tasks to search among
    #[arg(long, default_value_t = 100_000)]
    tasks: usize,

    /// How often each is sent
    #[arg(long, default_value_t = 3)]
    times: usize,
}

/// How many of the slowest are named.
const NAMED: usize = 5;

/// All answers of one family.
#[derive(Default)]
struct Answers {
    all: Latencies,
    statuses: BTreeMap<u16, usize>,
    /// Of each search its slowest answer.
    slowest: Vec<(Duration, String)>,
}

pub(crate) async fn measure(settings: &Settings, report: &mut Report) -> Result<()> {
    let searches = hostile_searches();
    let corpus = Corpus::of(settings.tasks);
    report.paragraph(format!(
        "{} searches, each sent {} times, one at a time.",
        searches.len(),
        settings.times
    ));

    let mut system = System::start().await;
    report.paragraph(format!("Elasticsearch: {}", system.fill(&corpus).await?));
    system.stop_indexing().await;
    let by_engines = ask(system.address()?, &searches, settings.times).await?;
    drop(system);

    let one_process = OneProcess::filled(&corpus).await?;
    let by_one_process = ask(one_process.address(), &searches, settings.times).await?;

    let families = [("rest-server", by_engines), ("taskwire", by_one_process)];
    let heads = ["family", "answers", "statuses", "p50 ms", "p99 ms", "slowest ms"];
    report.table(
        heads,
        &families.each_ref().map(|(name, answers)| answers.row(name)),
    );
    let named = families
        .iter()
        .flat_map(|(name, answers)| answers.named(name))
        .collect::<Vec<_>>();
    report.table(["slowest of", "search", "ms"], &named);
    for (name, answers) in &families {
        let failed = answers.statuses.range(500..).next();
        ensure!(failed.is_none(), "{name} failed (status, how often): {failed:?}");
    }
    Ok(())
}

async fn ask(address: SocketAddr, searches: &[HostileSearch], times: usize) -> Result<Answers> {
    let mut connection = Connection::open(address).await?;
    let mut answers = Answers::default();
    for search in searches {
        let body = search.body.to_string();
        let mut slowest = Duration::ZERO;
        for _ in 0..times {
            let sent = Instant::now();
            let answer = connection.post("/tasks/search", body.as_bytes()).await?;
            let took = sent.elapsed();
            *answers.statuses.entry(answer.status).or_default() += 1;
            answers.all.push(took);
            slowest = slowest.max(took);
            if answer.header("connection") == Some("close") {
                connection = Connection::open(address).await?;
            }
        }
        answers.slowest.push((slowest, search.name.clone()));
    }
    answers.slowest.sort_by(|one, other| other.cmp(one));
    Ok(answers)
}

impl Answers {
    fn row(&self, family: &str) -> [String; 6] {
        let statuses = self
            .statuses
            .iter()
            .map(|(status, count)| format!("{status}: {}", whole(*count as f64)));
        [
            family.to_owned(),
            whole(self.statuses.values().sum::<usize>() as f64),
            statuses.collect::<Vec<_>>().join(", "),
            milliseconds(self.all.percentile(50.0)),
            milliseconds(self.all.percentile(99.0)),
            milliseconds(self.all.max()),
        ]
    }

    fn named(&self, family: &str) -> Vec<[String; 3]> {
        let named = self.slowest.iter().take(NAMED);
        named
            .map(|(took, name)| [family.to_owned(), name.clone(), milliseconds(*took)])
            .collect()
    }
}
