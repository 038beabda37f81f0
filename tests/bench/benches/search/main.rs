//! Searching, measured: what the service adds to the engine's own answer, what hostile queries cost, and how long one waits
//! for one's own writes.

mod blocks;
mod corpus;
mod hostile;
mod load;
mod one_process;
mod overhead;
mod own_writes;
mod queries;
mod recorder;
mod system;

use anyhow::Result;
use clap::{Parser, Subcommand};
use taskwire_bench::machine;
use taskwire_bench::report::{self, Report};

/// Measures searching
#[derive(Debug, Parser)]
struct Settings {
    #[command(subcommand)]
    part: Part,

    /// Given by cargo
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Searches of Elasticsearch through rest-server beside the same queries sent straight to Elasticsearch
    Overhead(overhead::Settings),
    /// Queries that mean harm, in both families
    Hostile(hostile::Settings),
    /// Searches that wait for a write, in both families
    OwnWrites(own_writes::Settings),
}

fn main() -> Result<()> {
    let settings = Settings::parse();
    // One thread: the service and the engines need the processors more than their callers do.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&settings.part))
}

async fn run(part: &Part) -> Result<()> {
    match part {
        Part::Overhead(settings) => {
            let mut report = introduced("What the service adds to a search of Elasticsearch")?;
            overhead::measure(settings, &mut report).await?;
            report.write(&report::folder()?.join("search-overhead.md"))
        }
        Part::Hostile(settings) => {
            let mut report = introduced("Queries that mean harm, measured")?;
            hostile::measure(settings, &mut report).await?;
            report.write(&report::folder()?.join("hostile.md"))
        }
        Part::OwnWrites(settings) => {
            let mut report = introduced("Waiting for one's own writes, measured")?;
            own_writes::measure(settings, &mut report).await?;
            report.write(&report::folder()?.join("own-writes.md"))
        }
    }
}

fn introduced(title: &str) -> Result<Report> {
    let mut report = Report::new(title);
    let called: Vec<_> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    report.paragraph(format!(
        "`{}`. {}. Load average before it began: {:.2}.",
        called.join(" "),
        machine::description()?,
        machine::load_average()?,
    ));
    Ok(report)
}
