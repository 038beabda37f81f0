//! Writes that come when they are due, each followed at once by a search that has to include it, and by the same search
//! that has not.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use taskwire_bench::http::Connection;
use taskwire_bench::latencies::Latencies;
use taskwire_bench::open_loop::on_time;
use taskwire_bench::report::{Report, milliseconds, whole};

use crate::corpus::Corpus;
use crate::one_process::OneProcess;
use crate::system::System;

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Tasks that are there before
    #[arg(long, default_value_t = 100_000)]
    tasks: usize,

    /// Writes a second, one after the other
    #[arg(long, value_delimiter = ',', default_value = "100,300")]
    rates: Vec<u32>,

    /// How long each rate lasts
    #[arg(long, default_value_t = 20)]
    seconds: u32,
}

/// Seconds at each rate before those that count.
const WARMING: u32 = 3;

/// One write and its two searches.
struct Followed {
    /// From the search that names the write to its answer.
    with_token: Duration,
    /// Of the same search that names none, right after it.
    without: Duration,
    /// What the answer said.
    is_consistent: bool,
}

pub(crate) async fn measure(settings: &Settings, report: &mut Report) -> Result<()> {
    let corpus = Corpus::of(settings.tasks);
    report.paragraph(format!(
        "After each write, one search by its externalId that names its token, then the same without. {} s at each rate, \
         {WARMING} s before it not counted; {} tasks are there before. Every search that says it is consistent was \
         seen to find the write.",
        settings.seconds,
        whole(settings.tasks as f64),
    ));
    let mut rows = Vec::new();

    let system = System::start().await;
    system.fill(&corpus).await?;
    for &rate in &settings.rates {
        let followed = follow(system.address()?, &corpus, rate, settings.seconds).await?;
        rows.push(row("rest-server", rate, &followed));
    }
    drop(system);

    let one_process = OneProcess::filled(&corpus).await?;
    for &rate in &settings.rates {
        let followed = follow(one_process.address(), &corpus, rate, settings.seconds).await?;
        rows.push(row("taskwire", rate, &followed));
    }
    let heads = [
        "family",
        "writes/s",
        "writes",
        "consistent: false",
        "with token p50 ms",
        "p99 ms",
        "without p50 ms",
        "p99 ms",
        "added p50 ms",
        "added p99 ms",
        "added at most ms",
    ];
    report.table(heads, &rows);
    Ok(())
}

/// Writes at this rate; what is measured once it is warm.
async fn follow(address: SocketAddr, corpus: &Corpus, rate: u32, seconds: u32) -> Result<Vec<Followed>> {
    let count = rate * (WARMING + seconds);
    let texts = corpus.texts.iter().cycle().take(count as usize);
    let writes = texts.enumerate().map(|(number, text)| {
        let name = format!("own-write-{rate}-{number}");
        (json!({"description": text, "externalId": name}), name)
    });
    let mut followed = on_time(
        address,
        writes.collect(),
        rate,
        async |connection, _due, (task, name)| write_and_search(connection, &task, &name).await,
    )
    .await?;
    Ok(followed.split_off((rate * WARMING) as usize))
}

async fn write_and_search(connection: &mut Connection, task: &Value, name: &str) -> Result<Followed> {
    let answer = connection.post("/tasks", task.to_string().as_bytes()).await?;
    answer.expect(201)?;
    let token = answer.header("x-consistency-token");
    let token = token.context("a write has no token")?.to_owned();
    let naming = json!({"externalId": name, "size": 1, "after": [token]});
    let (with_token, found) = search(connection, &naming).await?;
    let (without, _) = search(connection, &json!({"externalId": name, "size": 1})).await?;
    let is_consistent = found["consistent"] == true;
    ensure!(
        !is_consistent || found["tasks"][0]["externalId"] == *name,
        "a search said that it includes {token}, and does not: {found}"
    );
    Ok(Followed {
        with_token,
        without,
        is_consistent,
    })
}

async fn search(connection: &mut Connection, body: &Value) -> Result<(Duration, Value)> {
    let body = body.to_string();
    let sent = Instant::now();
    let answer = connection.post("/tasks/search", body.as_bytes()).await?;
    let took = sent.elapsed();
    answer.expect(200)?;
    Ok((took, serde_json::from_slice(answer.body)?))
}

fn row(family: &str, rate: u32, followed: &[Followed]) -> [String; 11] {
    let of = |time: fn(&Followed) -> Duration| followed.iter().map(time).collect::<Latencies>();
    let (with_token, without) = (of(|it| it.with_token), of(|it| it.without));
    // A search that by chance took less time with its token added nothing.
    let added = of(|it| it.with_token.saturating_sub(it.without));
    let inconsistent = followed.iter().filter(|it| !it.is_consistent).count();
    [
        family.to_owned(),
        rate.to_string(),
        whole(followed.len() as f64),
        format!(
            "{inconsistent} ({:.2} %)",
            100.0 * inconsistent as f64 / followed.len().max(1) as f64
        ),
        milliseconds(with_token.percentile(50.0)),
        milliseconds(with_token.percentile(99.0)),
        milliseconds(without.percentile(50.0)),
        milliseconds(without.percentile(99.0)),
        milliseconds(added.percentile(50.0)),
        milliseconds(added.percentile(99.0)),
        milliseconds(added.max()),
    ]
}
