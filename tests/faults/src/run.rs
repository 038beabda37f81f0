//! A whole run: load and faults, rest, judgement.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use serde_json::{Value, json};
use taskwire_oracle::{Difference, System};
use tokio::time::Instant;

use crate::arguments::Arguments;
use crate::directed::{self, Course};
use crate::finding::{Findings, Kind};
use crate::history::History;
use crate::judge::judge;
use crate::load::Load;
use crate::report::{CourseReport, Judgement, Report};
use crate::site::Site;
use crate::storm::{ending, storm};
use crate::{letters, poison, watch};

/// How long the system may take to come to rest once nothing is broken any more.
const REST_LIMIT: Duration = Duration::from_secs(60);
/// How long it is waited for all the same, so that the rest can be judged.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs, prints the summary and writes the report; whether nothing was found.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let folder = arguments.folder.join(seed.to_string());
    // What an earlier run with this seed left.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    println!("seed {seed}; report and logs go to {}", folder.display());
    let findings = Arc::new(Findings::default());
    let site = Arc::new(Site::build(&arguments, seed, &folder, &findings).await?);
    let (clean, report) = match &arguments.directed {
        Some(courses) => directed(&arguments, courses, seed, &site, &findings).await?,
        None => {
            let report = random(&arguments, seed, &site, &findings).await?;
            (report.print(), report.to_json())
        }
    };
    let path = folder.join("report.json");
    std::fs::write(&path, format!("{report:#}\n"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    end(site).await;
    // They are large, and what they said is in the logs.
    let _ = std::fs::remove_dir_all(folder.join("programs"));
    Ok(clean)
}

async fn end(site: Arc<Site>) {
    if let Ok(site) = Arc::try_unwrap(site) {
        site.end().await;
    }
}

/// Load and random faults.
async fn random(
    arguments: &Arguments,
    seed: u64,
    site: &Arc<Site>,
    findings: &Arc<Findings>,
) -> anyhow::Result<Report> {
    let history = Arc::new(History::default());
    let load = Load::prepare(site.clone(), history.clone(), findings.clone()).await?;
    let load = Arc::new(load);
    let (stop, stopped) = ending();
    let began = Instant::now();
    let faults = async {
        let most = arguments.faults.unwrap_or(usize::MAX);
        let hits = storm(&load, seed, most, began + arguments.load_time()).await;
        stop.send_replace(true);
        hits
    };
    let (hits, (), (), searches, poisoned) = tokio::join!(
        faults,
        load.run(arguments.rate, seed ^ 0x10ad, stopped.clone()),
        load.tell(stopped.clone()),
        watch::watch(&load, stopped.clone()),
        poison::inject(&site.system, seed ^ 0xdead, stopped.clone()),
    );
    poisoned?;
    let loaded = began.elapsed();
    eprintln!(
        "the load ends after {:.0} s; waiting for rest",
        loaded.as_secs_f64()
    );
    let judgement = judge_all(&site.system, &history, findings).await?;
    Ok(Report {
        seed,
        again: again(arguments, seed),
        loaded,
        hits,
        counts: history.counts(),
        refusals: history.refusals(),
        shed: load.shed.load(Ordering::Relaxed),
        replayed: load.replayed.load(Ordering::Relaxed),
        searches,
        starts: site
            .nodes
            .iter()
            .map(|node| (node.process.name(), node.process.starts(), node.process.cut_off()))
            .collect(),
        judgement,
        findings: findings.all(),
    })
}

/// The chosen courses, one after the other, each judged by itself.
async fn directed(
    arguments: &Arguments,
    courses: &[Course],
    seed: u64,
    site: &Arc<Site>,
    findings: &Arc<Findings>,
) -> anyhow::Result<(bool, Value)> {
    let history = Arc::new(History::default());
    let load = Load::prepare(site.clone(), history.clone(), findings.clone()).await?;
    let load = Arc::new(load);
    let courses = if courses.is_empty() {
        Course::value_variants()
    } else {
        courses
    };
    let (mut clean, mut report) = (true, Vec::new());
    for course in courses {
        let began = Instant::now();
        if let Err(error) = directed::carry_out(&load, *course, arguments.rate, seed).await {
            findings.add(Kind::NotAtRest, format!("{error:#}"));
        }
        let judgement = judge_all(&site.system, &history, findings).await?;
        let found = findings.take();
        clean &= found.is_empty();
        let course = CourseReport {
            course: *course,
            took: began.elapsed(),
            judgement,
            found,
        };
        course.print();
        report.push(course.to_json());
    }
    Ok((clean, json!({"seed": seed, "courses": report})))
}

fn again(arguments: &Arguments, seed: u64) -> String {
    let length = match arguments.faults {
        Some(faults) => format!("--faults {faults}"),
        None => format!("--minutes {}", arguments.minutes),
    };
    format!(
        "cargo xtask faults --seed {seed} {length} --rate {}",
        arguments.rate
    )
}

/// Waits for rest and compares everything with everything.
async fn judge_all(system: &System, history: &History, findings: &Findings) -> anyhow::Result<Judgement> {
    let began = Instant::now();
    if let Err(error) = system.settle(REST_LIMIT).await {
        findings.add(Kind::NotAtRest, format!("{error:#}"));
        if let Err(error) = system.settle(PATIENCE).await {
            findings.add(Kind::NotAtRest, format!("{error:#}"));
        }
    }
    let rest = began.elapsed();
    let compared = compare(system, findings).await?;
    let records = system.records().await?;
    let letters = system.dead_letters().await?;
    let (poison, letters) = letters::judge(&records, &letters, findings);
    let events: BTreeMap<_, _> = taskwire_oracle::events(&records);
    let applied = judge(&history.writes(), &events, findings);
    Ok(Judgement {
        rest,
        rows: compared.rows,
        tombstones: compared.tombstones,
        events: compared.events,
        duplicates: compared.duplicates,
        poison,
        letters,
        unknown_applied: applied,
    })
}

/// Compares database, topic and index with one another.
pub(crate) async fn compare(
    system: &System,
    findings: &Findings,
) -> anyhow::Result<taskwire_oracle::Findings> {
    let compared = system.compare().await.context("the engines cannot be compared")?;
    for (difference, text) in &compared.kinds {
        findings.add(kind_of(*difference), text.clone());
    }
    Ok(compared)
}

fn kind_of(difference: Difference) -> Kind {
    match difference {
        Difference::Lost => Kind::Lost,
        Difference::Stale => Kind::Stale,
        Difference::Resurrected => Kind::Resurrected,
        Difference::Invented => Kind::Invented,
        Difference::OutOfOrder => Kind::OutOfOrder,
    }
}
