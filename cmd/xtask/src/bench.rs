//! The benchmarks, of the binary that is released.

use anyhow::Result;

use crate::{cargo, checkout::Checkout};

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
}

impl Name {
    /// Its target in the package of benchmarks, and the package of the binary that it starts.
    fn packages(self) -> (&'static str, &'static str) {
        match self {
            Self::Standalone => ("standalone", "taskwire-standalone"),
        }
    }
}

/// Builds the binary and the benchmark, each by itself: built together, the binary would get the features that the
/// benchmark asks of their common dependencies.
pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> Result<()> {
    let (target, package) = arguments.name.packages();
    let mut build = cargo::command(checkout.root());
    cargo::succeed(build.args(["build", "--release", "--locked", "--package", package]))?;
    let mut bench = cargo::command(checkout.root());
    bench.args([
        "bench",
        "--locked",
        "--package",
        "taskwire-bench",
        "--bench",
        target,
    ]);
    cargo::succeed(bench.arg("--").args(&arguments.arguments))
}
