//! How many tasks a second are written, in rounds of the service and of the two bare loops, one after the other, so that
//! what else goes on on the machine strikes all of them alike.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use taskwire_bench::closed_loop::{Load, post_all};
use taskwire_bench::latencies::median;
use taskwire_bench::machine::Others;
use taskwire_bench::report::{Report, milliseconds, whole};
use taskwire_bench::searchable::await_searchable;
use taskwire_bench::standalone::Service;
use taskwire_bench::usage;
use tempfile::TempDir;

use crate::bare_sqlite::Written;
use crate::{Settings, bare_http};

/// One round.
struct Round {
    /// What others took of the processors while the service was posted to.
    others: f64,
    service: Load,
    /// Of the service, while it was posted to.
    processor_time: Duration,
    /// From the last answer until everything could be searched.
    indexed_after: Duration,
    /// Tasks a second.
    bare_sqlite: f64,
    bare_http: Load,
}

/// Writes in rounds; the data folder of the last one.
pub(crate) async fn measure(
    settings: &Settings,
    folder: &Path,
    bodies: &Arc<[Vec<u8>]>,
    report: &mut Report,
) -> Result<TempDir> {
    report.section("Writing");
    report.paragraph(format!(
        "{} different tasks in each round, posted by {} connections that stay open, each answered 201 after its commit \
         (`synchronous=FULL`). The bare SQLite loop writes the same rows, {} to a transaction; the bare HTTP server \
         stores nothing.",
        whole(settings.tasks as f64),
        settings.connections,
        settings.connections,
    ));
    let mut rounds = Vec::with_capacity(settings.rounds);
    let mut data = None;
    for _ in 0..settings.rounds {
        let (round, written) = measure_round(settings, folder, bodies).await?;
        rounds.push(round);
        data = Some(written);
    }
    tell(&rounds, report);
    data.ok_or_else(|| anyhow::anyhow!("no round was measured"))
}

async fn measure_round(
    settings: &Settings,
    folder: &Path,
    bodies: &Arc<[Vec<u8>]>,
) -> Result<(Round, TempDir)> {
    let data = tempfile::tempdir_in(folder)?;
    let service = Service::start(data.path()).await?;
    let others = Others::watch(&[service.id()])?;
    let before = usage::processor_time(service.id())?;
    let load = post_all(service.address, "/tasks", bodies, settings.connections, 201).await?;
    let processor_time = usage::processor_time(service.id())? - before;
    let others = others.share()?;
    let written = Instant::now();
    await_searchable(service.address, bodies.len() as u64).await?;
    let indexed_after = written.elapsed();
    service.stop().await?;

    let written = Written::read(&data.path().join("taskwire.db"))?;
    ensure!(
        written.count() == bodies.len(),
        "{} tasks were acknowledged and {} are there",
        bodies.len(),
        written.count()
    );
    let scratch = tempfile::tempdir_in(folder)?;
    let took = written.write_again(scratch.path(), settings.connections)?;
    let round = Round {
        others,
        service: load,
        processor_time,
        indexed_after,
        bare_sqlite: bodies.len() as f64 / took.as_secs_f64(),
        bare_http: bare_http::measure(bodies, settings.connections).await?,
    };
    Ok((round, data))
}

fn tell(rounds: &[Round], report: &mut Report) {
    let heads = [
        "round",
        "POST/s",
        "p50 ms",
        "p99 ms",
        "µs of processor each",
        "all searchable after s",
        "bare SQLite/s",
        "ratio",
        "bare HTTP/s",
        "others' share of the processors",
    ];
    let mut rows: Vec<_> = rounds
        .iter()
        .enumerate()
        .map(|(index, round)| row(&(index + 1).to_string(), |figure| figure(round)))
        .collect();
    rows.push(row("median", |figure| median(rounds.iter().map(figure))));
    report.table(heads, &rows);
}

fn row(name: &str, of: impl Fn(fn(&Round) -> f64) -> f64) -> [String; 10] {
    let time = |seconds: f64| milliseconds(Duration::from_secs_f64(seconds));
    [
        name.to_owned(),
        whole(of(|round| round.service.rate())),
        time(of(|round| round.service.latencies.percentile(50.0).as_secs_f64())),
        time(of(|round| round.service.latencies.percentile(99.0).as_secs_f64())),
        whole(of(|round| {
            round.processor_time.as_secs_f64() * 1e6 / round.service.answered as f64
        })),
        format!("{:.2}", of(|round| round.indexed_after.as_secs_f64())),
        whole(of(|round| round.bare_sqlite)),
        format!("{:.2}", of(|round| round.service.rate() / round.bare_sqlite)),
        whole(of(|round| round.bare_http.rate())),
        format!("{:.0} %", 100.0 * of(|round| round.others)),
    ]
}
