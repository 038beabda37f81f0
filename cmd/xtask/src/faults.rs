//! Faults in real processes, on engines of their own.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    cargo,
    checkout::{Checkout, STACK_FOLDER},
    own_program, stack,
};

/// The engines of a run, below the checkout's root.
const STACK: &str = "target/faults/stack";

/// Deals each engine, both indexers and both servers among the first twelve faults.
const BRIEF_SEED: u64 = 6;

/// `cargo xtask faults ...`
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// What decides on faults and writes; the same seed makes the same ones, if not at the same moments. A random one
    /// by default.
    #[arg(long)]
    seed: Option<u64>,
    /// For how long there is load, in minutes. 20 by default.
    #[arg(long, conflicts_with = "faults")]
    minutes: Option<f64>,
    /// After how many faults the load ends, instead of after a time.
    #[arg(long)]
    faults: Option<u32>,
    /// Writes a second, sent whether or not the ones before were answered. 60 by default.
    #[arg(long)]
    rate: Option<f64>,
    /// Instead: chosen courses of events, deletions older than Elasticsearch's memory of them among these. All of them,
    /// unless some are named.
    #[arg(long, value_name = "COURSE", num_args = 0.., conflicts_with_all = ["minutes", "faults"])]
    directed: Option<Vec<String>>,
    /// Instead: programs with a port that breaks a rule, each of which has to be caught.
    #[arg(long, conflicts_with_all = ["seed", "minutes", "faults", "rate", "directed", "release"])]
    mutations: bool,
    /// Leave the engines up in the end, for a look.
    #[arg(long)]
    keep: bool,
    /// Run the programs as they are released: slower to build, faster to run.
    #[arg(long)]
    release: bool,
    /// Run the programs as they were built before.
    #[arg(long)]
    no_build: bool,
    /// Another program instead of `rest-server`.
    #[arg(long, value_name = "PATH")]
    rest_server: Option<PathBuf>,
    /// Another program instead of `search-indexer`.
    #[arg(long, value_name = "PATH")]
    search_indexer: Option<PathBuf>,
    /// A further setting of both programs. May be given more than once.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
}

impl Arguments {
    /// What the harness is told.
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut option = |name: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("--{name}={value}")));
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        option("seed", self.seed.map(|seed| seed.to_string()));
        option("minutes", self.minutes.map(|minutes| minutes.to_string()));
        option("faults", self.faults.map(|faults| faults.to_string()));
        option("rate", self.rate.map(|rate| rate.to_string()));
        option("rest-server", path(&self.rest_server));
        option("search-indexer", path(&self.search_indexer));
        for setting in &self.env {
            option("env", Some(setting.clone()));
        }
        if let Some(courses) = &self.directed {
            words.push("--directed".to_owned());
            words.extend(courses.iter().cloned());
        }
        words
    }
}

/// Builds the programs and lets the harness loose on engines that nobody else uses.
pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> Result<()> {
    // Asked now: cargo may put another one in its place while this one runs.
    let xtask = own_program::path()?;
    if arguments.mutations {
        return mutations(checkout, arguments.keep);
    }
    if !arguments.no_build {
        build(checkout, arguments)?;
    }
    let programs = programs(&xtask, arguments.release)?;
    let checkout = checkout.with_stack(STACK);
    stack::while_alone(&checkout, arguments.keep, |variables| {
        let mut harness = Command::new(programs.join("faults"));
        harness
            .current_dir(checkout.root())
            .args(arguments.words())
            .envs(variables)
            .env(STACK_FOLDER, STACK)
            .env("TASKWIRE_XTASK", &xtask)
            .stdin(Stdio::null());
        let status = harness.status().context("cannot run the harness")?;
        if !status.success() {
            bail!("the harness ended with {status}");
        }
        Ok(())
    })
}

/// A minute of faults, always the same ones, with the programs that the tests have built.
pub(crate) fn run_briefly(checkout: &Checkout) -> Result<()> {
    let arguments = Arguments {
        seed: Some(BRIEF_SEED),
        faults: Some(12),
        rate: Some(40.0),
        no_build: true,
        ..Arguments::default()
    };
    run(checkout, &arguments)
}

/// The harness, and the programs that it starts unless others are named.
fn build(checkout: &Checkout, arguments: &Arguments) -> Result<()> {
    let mut build = cargo::command(checkout.root());
    build.args(["build", "--locked", "--package", "taskwire-faults"]);
    for (package, other) in [
        ("taskwire-rest-server", &arguments.rest_server),
        ("taskwire-search-indexer", &arguments.search_indexer),
    ] {
        if other.is_none() {
            build.args(["--package", package]);
        }
    }
    if arguments.release {
        build.arg("--release");
    }
    cargo::succeed(&mut build)
}

/// Builds the programs, those that break a rule among them, and runs each through the scenario in which it does harm.
fn mutations(checkout: &Checkout, keep: bool) -> Result<()> {
    let mut build = cargo::command(checkout.root());
    build.args(["build", "--locked", "--bins"]);
    for package in [
        "taskwire-mutants",
        "taskwire-rest-server",
        "taskwire-search-indexer",
    ] {
        build.args(["--package", package]);
    }
    cargo::succeed(&mut build)?;
    stack::while_alone(&checkout.with_stack(STACK), keep, |variables| {
        let mut tests = cargo::command(checkout.root());
        tests.args(["test", "--locked", "--package", "taskwire-mutants"]);
        tests.args(["--features", "engines", "--test", "mutations"]);
        cargo::succeed(tests.envs(variables))
    })
}

/// Where cargo puts what it builds: beside this program, which cargo built too.
fn programs(xtask: &Path, release: bool) -> Result<PathBuf> {
    let target = xtask
        .ancestors()
        .nth(2)
        .context("this program stands in no target folder")?;
    Ok(target.join(if release { "release" } else { "debug" }))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Arguments;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn words(line: &[&str]) -> String {
        let program = Program::try_parse_from([&["x"], line].concat()).unwrap();
        program.arguments.words().join(" ")
    }

    #[test]
    fn the_harness_is_told_what_was_asked_and_nothing_else() {
        assert_eq!(words(&[]), "");
        assert_eq!(
            words(&[
                "--seed", "7", "--faults", "12", "--keep", "--rate", "1.5", "--env", "A=b=c"
            ]),
            "--seed=7 --faults=12 --rate=1.5 --env=A=b=c"
        );
        assert_eq!(
            words(&["--directed", "late-commit", "power-failure"]),
            "--directed late-commit power-failure"
        );
        assert_eq!(words(&["--directed", "--seed", "1"]), "--seed=1 --directed");
    }
}
