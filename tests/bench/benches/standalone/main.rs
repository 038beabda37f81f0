//! The one-process service beside a bare SQLite loop and a bare HTTP server: what it can write, how it starts, what it
//! needs in memory, and how long a search takes among 100,000 tasks.

mod bare_http;
mod bare_sqlite;
mod queries;
mod restart;
mod searches;
mod writes;

use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Parser;
use taskwire_bench::latencies::Latencies;
use taskwire_bench::machine;
use taskwire_bench::report::{self, Report, milliseconds};
use taskwire_bench::tasks;

/// Measures the one-process service
#[derive(Debug, Parser)]
struct Settings {
    /// Different tasks that are written in each round and searched in the end
    #[arg(long, default_value_t = 100_000)]
    tasks: usize,

    /// Callers at a time, each with a connection of its own that stays open
    #[arg(long, default_value_t = 64)]
    connections: usize,

    /// Rounds of writing, each of the service, then of the loops that it is compared with
    #[arg(long, default_value_t = 3)]
    rounds: usize,

    /// Searches a second
    #[arg(long, default_value_t = 20)]
    search_rate: u32,

    /// How long to search
    #[arg(long, default_value_t = 60)]
    search_seconds: u32,

    /// Serve what the bare HTTP server serves, for another process of this program
    #[arg(long, hide = true)]
    bare_http: bool,

    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let settings = Settings::parse();
    if settings.bare_http {
        return bare_http::serve();
    }
    // One thread: the service needs the processors more than its callers do.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&settings))
}

async fn run(settings: &Settings) -> Result<()> {
    ensure!(settings.rounds > 0, "at least one round");
    let folder = report::folder()?;
    let mut report = Report::new("The one-process service, measured");
    introduce(&mut report, &machine::sync_times(&folder)?)?;
    let texts = taskwire_e2e::many_real_texts(settings.tasks);
    let bodies: Arc<[Vec<u8>]> = tasks::bodies(&texts).into();
    let data = writes::measure(settings, &folder, &bodies, &mut report).await?;
    let service = restart::measure(data, settings.tasks as u64, &mut report).await?;
    searches::measure(settings, &texts, &service, &mut report).await?;
    let file = folder.join("standalone.md");
    report.write(&file)
}

fn introduce(report: &mut Report, syncs: &Latencies) -> Result<()> {
    report.paragraph(machine::description()?);
    report.paragraph(format!(
        "Load average before it began: {:.2}. Making 4 KiB durable: {} ms (p50), {} ms (p99).",
        machine::load_average()?,
        milliseconds(syncs.percentile(50.0)),
        milliseconds(syncs.percentile(99.0)),
    ));
    Ok(())
}
