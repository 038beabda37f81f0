//! Starting on a folder where everything is in order, and the memory of a service that nobody asks anything.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use taskwire_bench::report::{Report, megabytes, milliseconds};
use taskwire_bench::searchable::await_searchable;
use taskwire_bench::standalone::Service;
use taskwire_bench::{machine, usage};
use tempfile::TempDir;

/// How often it is started.
const STARTS: usize = 5;
/// What was begun at the start has ended by then.
const REST: Duration = Duration::from_secs(5);

/// The service, ready, and the folder it runs in.
pub(crate) struct Running {
    pub(crate) service: Service,
    _data: TempDir,
}

/// Starts the service a few times on this folder and leaves it running.
pub(crate) async fn measure(data: TempDir, tasks: u64, report: &mut Report) -> Result<Running> {
    report.section("Starting with a healthy index");
    report.paragraph(format!("Load average before: {:.2}.", machine::load_average()?));
    let mut rows = Vec::with_capacity(STARTS);
    for start in 1..STARTS {
        let (service, row) = measure_start(data.path(), tasks, start).await?;
        rows.push(row);
        service.stop().await?;
    }
    let (service, row) = measure_start(data.path(), tasks, STARTS).await?;
    rows.push(row);
    let heads = ["start", "ready after ms", "all searchable after ms", "VmHWM MB"];
    report.table(heads, &rows);

    tokio::time::sleep(REST).await;
    let idle = usage::resident(service.id())?;
    report.paragraph(format!(
        "Idle, {} s after the last start: VmRSS {} MB, of which {} MB belong to no file.",
        REST.as_secs(),
        megabytes(idle.all),
        megabytes(idle.anonymous),
    ));
    Ok(Running { service, _data: data })
}

async fn measure_start(folder: &Path, tasks: u64, start: usize) -> Result<(Service, [String; 4])> {
    let began = Instant::now();
    let service = Service::start(folder).await?;
    let ready = began.elapsed();
    await_searchable(service.address, tasks).await?;
    let searchable = began.elapsed();
    let peak = usage::resident(service.id())?.peak;
    let row = [
        start.to_string(),
        milliseconds(ready),
        milliseconds(searchable),
        megabytes(peak),
    ];
    Ok((service, row))
}
