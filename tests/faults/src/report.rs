//! What is said in the end: a table for people, a file for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::deck::{Card, Phase, table};
use crate::directed::Course;
use crate::finding::{Found, Kind};
use crate::history::Counts;
use crate::storm::Hit;

/// Kinds that are named even when there is none.
const HEADLINE: [Kind; 3] = [Kind::Lost, Kind::Stale, Kind::Resurrected];

/// A run and what was found.
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// The command that runs it again.
    pub(crate) again: String,
    /// For how long there was load.
    pub(crate) loaded: Duration,
    pub(crate) hits: Vec<Hit>,
    pub(crate) counts: Counts,
    pub(crate) refusals: BTreeMap<String, usize>,
    /// Writes not sent because too many waited for answers.
    pub(crate) shed: usize,
    /// Answers of a write that was repeated with its idempotency key.
    pub(crate) replayed: usize,
    /// Searches of which the versions were looked at.
    pub(crate) searches: usize,
    /// How often each program was started, and how often it gave up its drain.
    pub(crate) starts: Vec<(&'static str, usize, usize)>,
    pub(crate) judgement: Judgement,
    pub(crate) findings: BTreeMap<Kind, Found>,
}

/// What stood in the engines at rest.
pub(crate) struct Judgement {
    /// How long it took to come to rest.
    pub(crate) rest: Duration,
    pub(crate) rows: usize,
    pub(crate) tombstones: usize,
    pub(crate) events: usize,
    pub(crate) duplicates: usize,
    pub(crate) poison: usize,
    pub(crate) letters: usize,
    /// Writes of unknown outcome that turned out to be applied.
    pub(crate) unknown_applied: usize,
}

/// Percentiles of times, in seconds.
#[derive(Clone, Copy)]
struct Times {
    count: usize,
    p50: f64,
    p99: f64,
    max: f64,
}

impl Times {
    fn of(times: impl Iterator<Item = Duration>) -> Self {
        let mut seconds: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (seconds.len() as f64 * share).ceil() as usize;
            seconds.get(place.saturating_sub(1)).copied().unwrap_or(0.0)
        };
        Self {
            count: seconds.len(),
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
        }
    }

    fn line(self) -> String {
        let Self { count, p50, p99, max } = self;
        format!("p50 {p50:.2} s, p99 {p99:.2} s, longest {max:.2} s ({count} faults)")
    }

    fn to_json(self) -> Value {
        json!({"count": self.count, "p50": self.p50, "p99": self.p99, "max": self.max})
    }
}

impl Report {
    /// Prints the summary; whether nothing was found.
    pub(crate) fn print(&self) -> bool {
        println!("\n{}", self.table());
        let Counts {
            acknowledged,
            refused,
            unknown,
        } = self.counts;
        let judgement = &self.judgement;
        println!(
            "faults            {} in {:.0} s",
            self.hits.len(),
            self.loaded.as_secs_f64()
        );
        println!(
            "writes            {acknowledged} acknowledged, {refused} refused, {unknown} unknown ({} of them applied), \
             {} answers replayed, {} not sent",
            judgement.unknown_applied, self.replayed, self.shed
        );
        println!(
            "in the end        {} tasks, {} tombstones, {} events, {} duplicates",
            judgement.rows, judgement.tombstones, judgement.events, judgement.duplicates
        );
        println!(
            "dead letters      {} for {} records of poison",
            judgement.letters, judgement.poison
        );
        println!("searches watched  {}", self.searches);
        let starts: Vec<_> = self
            .starts
            .iter()
            .map(|(name, starts, cut_off)| format!("{name} {starts} ({cut_off} drains cut off)"))
            .collect();
        println!("starts            {}", starts.join(", "));
        println!("recovery          {}", self.recoveries(false).line());
        println!("  of single ones  {}", self.recoveries(true).line());
        println!("at rest after     {:.1} s", judgement.rest.as_secs_f64());
        for kind in HEADLINE {
            println!(
                "{:<17} {}",
                kind.name(),
                self.findings.get(&kind).map_or(0, |found| found.count)
            );
        }
        print_findings(&self.findings);
        let clean = self.findings.is_empty();
        println!(
            "\n{}: {}",
            if clean {
                "nothing was found"
            } else {
                "run it again with"
            },
            self.again
        );
        clean
    }

    /// Everything.
    pub(crate) fn to_json(&self) -> Value {
        let hits: Vec<Value> = self
            .hits
            .iter()
            .map(|hit| {
                json!({
                    "target": hit.card.target.name(), "means": hit.card.means.name(), "phase": hit.card.phase.name(),
                    "began": hit.began.as_secs_f64(), "lasted": hit.lasted.as_secs_f64(),
                    "recovered": hit.recovered.map(|time| time.as_secs_f64()), "undisturbed": hit.undisturbed,
                })
            })
            .collect();
        let judgement = &self.judgement;
        json!({
            "seed": self.seed, "again": self.again, "seconds": self.loaded.as_secs_f64(), "faults": hits,
            "writes": {"acknowledged": self.counts.acknowledged, "refused": self.counts.refused,
                "unknown": self.counts.unknown, "unknownApplied": judgement.unknown_applied,
                "replayed": self.replayed, "notSent": self.shed},
            "refusals": self.refusals,
            "tasks": judgement.rows, "tombstones": judgement.tombstones, "events": judgement.events,
            "duplicates": judgement.duplicates, "poison": judgement.poison, "deadLetters": judgement.letters,
            "searches": self.searches, "restSeconds": judgement.rest.as_secs_f64(),
            "recovery": self.recoveries(false).to_json(), "recoveryOfSingleFaults": self.recoveries(true).to_json(),
            "findings": findings_to_json(&self.findings),
        })
    }

    fn recoveries(&self, undisturbed: bool) -> Times {
        let hits = self.hits.iter().filter(|hit| hit.undisturbed || !undisturbed);
        Times::of(hits.filter_map(|hit| hit.recovered))
    }

    /// How often each row came up: a line for target and means, a column a phase.
    fn table(&self) -> String {
        let mut counts: BTreeMap<Card, usize> = table().into_iter().map(|card| (card, 0)).collect();
        for hit in &self.hits {
            *counts.entry(hit.card).or_default() += 1;
        }
        let heads = Phase::ALL.map(|phase| format!("{:>11}", phase.name()));
        let mut lines = vec![format!("{:<28}{}", "", heads.concat())];
        for card in counts.keys().filter(|card| card.phase == Phase::Steady) {
            let cells = Phase::ALL.map(|phase| format!("{:>11}", counts[&Card { phase, ..*card }]));
            let name = format!("{:<14}{:<14}", card.target.name(), card.means.name());
            lines.push(format!("{name}{}", cells.concat()));
        }
        lines.join("\n") + "\n"
    }
}

/// What came of one chosen course of events.
pub(crate) struct CourseReport {
    pub(crate) course: Course,
    pub(crate) took: Duration,
    pub(crate) judgement: Judgement,
    pub(crate) found: BTreeMap<Kind, Found>,
}

impl CourseReport {
    fn name(&self) -> String {
        let value = self.course.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(crate) fn print(&self) {
        let Judgement {
            rest,
            events,
            duplicates,
            ..
        } = self.judgement;
        println!(
            "{:<24} {:>5.0} s, at rest after {:.1} s, {events} events and {duplicates} duplicates so far: {}",
            self.name(),
            self.took.as_secs_f64(),
            rest.as_secs_f64(),
            if self.found.is_empty() {
                "nothing was found"
            } else {
                "FOUND"
            }
        );
        print_findings(&self.found);
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "course": self.name(), "seconds": self.took.as_secs_f64(),
            "restSeconds": self.judgement.rest.as_secs_f64(), "events": self.judgement.events,
            "duplicates": self.judgement.duplicates, "findings": findings_to_json(&self.found),
        })
    }
}

fn print_findings(findings: &BTreeMap<Kind, Found>) {
    for (kind, found) in findings {
        println!("\nFOUND {kind}: {}", found.count);
        for example in &found.examples {
            println!("  {}", example.chars().take(2_000).collect::<String>());
        }
    }
}

fn findings_to_json(findings: &BTreeMap<Kind, Found>) -> Value {
    let findings = findings.iter();
    findings
        .map(|(kind, found)| {
            let found = json!({"count": found.count, "examples": found.examples});
            (kind.name().to_owned(), found)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}
