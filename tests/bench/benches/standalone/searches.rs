//! How long a search takes, and the memory meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use taskwire_bench::latencies::Latencies;
use taskwire_bench::machine::Others;
use taskwire_bench::open_loop::post_on_time;
use taskwire_bench::report::{Report, megabytes, milliseconds, whole};
use taskwire_bench::searchable::total;
use taskwire_bench::usage::{self, Resident};

use crate::Settings;
use crate::queries::{Kind, queries};
use crate::restart::Running;

/// How often the memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Answers of one kind, or of all.
#[derive(Default)]
struct Answers {
    latencies: Latencies,
    count: usize,
    with_hits: usize,
}

impl Answers {
    fn add(&mut self, latency: Duration, total: u64) {
        self.latencies.push(latency);
        self.count += 1;
        self.with_hits += usize::from(total > 0);
    }

    fn row(&self, name: &str) -> [String; 6] {
        [
            name.to_owned(),
            whole(self.count as f64),
            format!(
                "{:.0} %",
                100.0 * self.with_hits as f64 / self.count.max(1) as f64
            ),
            milliseconds(self.latencies.percentile(50.0)),
            milliseconds(self.latencies.percentile(99.0)),
            milliseconds(self.latencies.max()),
        ]
    }
}

/// Searches for as long as the settings say.
pub(crate) async fn measure(
    settings: &Settings,
    texts: &[String],
    running: &Running,
    report: &mut Report,
) -> Result<()> {
    let service = &running.service;
    report.section("Searching");
    report.paragraph(format!(
        "{} searches a second for {} s among {} tasks, each sent when it is due; its time counts from then. The words \
         are drawn from the texts.",
        settings.search_rate,
        settings.search_seconds,
        whole(settings.tasks as f64),
    ));
    let (kinds, bodies): (Vec<Kind>, Vec<Vec<u8>>) =
        queries(texts, (settings.search_rate * settings.search_seconds) as usize)
            .into_iter()
            .unzip();
    let memory = Memory::watch(service.id());
    let others = Others::watch(&[service.id()])?;
    let answers = post_on_time(service.address, "/tasks/search", bodies, settings.search_rate).await?;
    let others = others.share()?;
    let highest = memory.highest()?;

    let mut all = Answers::default();
    let mut by_kind = Kind::ALL.map(|kind| (kind, Answers::default()));
    for (kind, answer) in kinds.iter().zip(&answers) {
        let total = total(&answer.body)?;
        all.add(answer.latency, total);
        let of_kind = by_kind.iter_mut().find(|(it, _)| it == kind);
        of_kind
            .into_iter()
            .for_each(|(_, answers)| answers.add(answer.latency, total));
    }
    let mut rows = vec![all.row("all")];
    rows.extend(by_kind.iter().map(|(kind, answers)| answers.row(kind.name())));
    report.table(
        ["search", "count", "found something", "p50 ms", "p99 ms", "max ms"],
        &rows,
    );
    report.paragraph(format!(
        "Memory meanwhile: VmRSS at most {} MB, of which at most {} MB belong to no file; {} MB is the most since the \
         start (VmHWM). Others took {:.0} % of the processors.",
        megabytes(highest.all),
        megabytes(highest.anonymous),
        megabytes(highest.peak),
        100.0 * others,
    ));
    Ok(())
}

/// A look at a process's memory again and again.
struct Memory {
    enough: Arc<AtomicBool>,
    looking: thread::JoinHandle<Result<Resident>>,
}

impl Memory {
    fn watch(process: u32) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&enough);
        let looking = thread::spawn(move || {
            let mut highest = usage::resident(process)?;
            while !told.load(Ordering::Relaxed) {
                thread::sleep(LOOK_EVERY);
                let now = usage::resident(process)?;
                highest.all = highest.all.max(now.all);
                highest.anonymous = highest.anonymous.max(now.anonymous);
                highest.peak = now.peak;
            }
            Ok(highest)
        });
        Self { enough, looking }
    }

    /// The most there was of each; the watch ends.
    fn highest(self) -> Result<Resident> {
        self.enough.store(true, Ordering::Relaxed);
        let looked = self.looking.join();
        looked.map_err(|_| anyhow!("the memory could not be watched"))?
    }
}
