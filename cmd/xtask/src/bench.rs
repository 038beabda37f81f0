//! The benchmarks, of the binaries that are released.

use anyhow::Result;

use crate::{cargo, checkout::Checkout, stack};

/// `cargo xtask bench ...`
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which one.
    #[arg(value_enum, default_value_t = Name::Standalone)]
    name: Name,
    /// What the benchmark gets: `-- --help` shows what there is.
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Name {
    /// The one-process service: writing, starting, searching, memory.
    Standalone,
    /// What rest-server adds to Elasticsearch's own answer, among 1,000,000 tasks.
    SearchOverhead,
    /// Searches that nobody means well with, among 100,000 tasks, in both families.
    Hostile,
    /// Waiting for one's own writes, in both families.
    OwnWrites,
}

/// The one-process service, which needs no engines.
const STANDALONE: &str = "taskwire-standalone";
/// What runs on engines.
const DISTRIBUTED: [&str; 2] = ["taskwire-rest-server", "taskwire-search-indexer"];

impl Name {
    /// Its target in the package of benchmarks, and what that is to be told.
    fn target(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Standalone => ("standalone", &[]),
            Self::SearchOverhead => ("search", &["overhead"]),
            Self::Hostile => ("search", &["hostile"]),
            Self::OwnWrites => ("search", &["own-writes"]),
        }
    }

    /// The packages of the binaries that it starts.
    fn packages(self) -> Vec<&'static str> {
        match self {
            Self::Standalone => vec![STANDALONE],
            Self::SearchOverhead => DISTRIBUTED.to_vec(),
            Self::Hostile | Self::OwnWrites => [&DISTRIBUTED[..], &[STANDALONE]].concat(),
        }
    }
}

/// Builds the binaries and the benchmark, each by itself: built together, a binary would get the features that others ask
/// of their common dependencies. Engines are brought up for those that need them.
pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> Result<()> {
    let name = arguments.name;
    for package in name.packages() {
        let mut build = cargo::command(checkout.root());
        cargo::succeed(build.args(["build", "--release", "--locked", "--package", package]))?;
    }
    match name {
        Name::Standalone => measure(checkout, arguments, Vec::new()),
        _ => stack::while_up(checkout, |variables| measure(checkout, arguments, variables)),
    }
}

fn measure(checkout: &Checkout, arguments: &Arguments, variables: stack::Variables) -> Result<()> {
    let (target, told) = arguments.name.target();
    let mut bench = cargo::command(checkout.root());
    bench.args([
        "bench",
        "--locked",
        "--package",
        "taskwire-bench",
        "--bench",
        target,
    ]);
    bench.arg("--").args(told).args(&arguments.arguments);
    cargo::succeed(bench.envs(variables))
}
