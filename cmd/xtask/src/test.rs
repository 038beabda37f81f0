//! Every test, against the real engines: none may be skipped without somebody noticing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::{
    cargo::{self, Package},
    checkout::Checkout,
    faults, search_engines,
    stack::{self, EngineName, Variables},
};

/// The feature that turns on the tests that need engines.
const ENGINES: &str = "engines";
/// The feature that turns on the tests that stop an engine and start it again.
const OUTAGES: &str = "outages";
/// Names the file to which the testkit adds a line each time a test takes an engine.
const ENGINE_USE: &str = "TASKWIRE_ENGINE_USE";

/// `cargo xtask test ...`
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Instead of all that, the tests of the search on every search server they are meant for, one after the other; or on
    /// one, as `--search-engines=opensearch-3.4.0`.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = search_engines::ALL)]
    search_engines: Option<String>,
    /// What `cargo test` gets besides, for a part of the suite: `-- --test outbox`, `-- -p taskwire-kafka`.
    #[arg(last = true, conflicts_with = "search_engines")]
    cargo: Vec<String>,
}

/// Runs the tests. A stack that was up before stays up; one that was not is taken down again, whatever happens.
pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> Result<()> {
    if let Some(wanted) = &arguments.search_engines {
        return search_engines::run(checkout, wanted);
    }
    let faults_can_run = stack::can_be_native(checkout)?;
    stack::while_up(checkout, |variables| test(checkout, variables, arguments))?;
    if !arguments.cargo.is_empty() {
        return Ok(());
    }
    if faults_can_run {
        return faults::run_briefly(checkout);
    }
    println!("NOT RUN: faults in real processes, because the engines are not processes of this machine");
    Ok(())
}

fn test(checkout: &Checkout, variables: Variables, arguments: &Arguments) -> Result<()> {
    let mut wanted = vec![ENGINES];
    if stack::is_ours(checkout)? {
        wanted.push(OUTAGES);
    } else {
        println!(
            "NOT RUN: the tests that stop an engine, because the environment names engines that are not ours"
        );
    }
    let selection = Selection::new(&cargo::packages(checkout.root())?, &arguments.cargo, &wanted);
    let record = checkout.root().join("target/engine-use.tsv");
    fs::write(&record, "").with_context(|| format!("cannot write {}", record.display()))?;
    // The tests start our binaries. Built together with them, nothing is compiled twice.
    let mut build = cargo::command(checkout.root());
    cargo::succeed(build.args(["build", "--bins", "--tests"]).args(&selection.build))?;
    let mut tests = cargo::command(checkout.root());
    tests.arg("test").args(&selection.test).args(&arguments.cargo);
    if arguments.cargo.is_empty() {
        tests.arg("--no-fail-fast");
    }
    tests.envs(variables).env(ENGINE_USE, &record);
    let outcome = cargo::succeed(&mut tests);
    let counted = count(checkout, &record, arguments.cargo.is_empty());
    outcome.and(counted)
}

/// Which packages are built and tested, and with which features.
#[derive(Debug, PartialEq, Eq)]
struct Selection {
    build: Vec<String>,
    test: Vec<String>,
}

impl Selection {
    /// Everything with every wanted feature, unless the extra arguments name packages: then `cargo test` runs those
    /// alone, for `--workspace` would overrule them.
    fn new(packages: &[Package], extra: &[String], wanted: &[&str]) -> Self {
        let features = |packages: &[&Package]| {
            let features = packages.iter().flat_map(|package| {
                let has = package
                    .features
                    .iter()
                    .filter(|feature| wanted.contains(&feature.as_str()));
                has.map(|feature| format!("{}/{feature}", package.name))
            });
            let names: Vec<String> = features.collect();
            if names.is_empty() {
                Vec::new()
            } else {
                vec!["--features".to_owned(), names.join(",")]
            }
        };
        let all: Vec<&Package> = packages.iter().collect();
        let whole = [vec!["--workspace".to_owned()], features(&all)].concat();
        let named = named_packages(extra);
        if named.is_empty() {
            return Self {
                build: whole.clone(),
                test: whole,
            };
        }
        let chosen: Vec<&Package> = all
            .into_iter()
            .filter(|package| named.contains(&package.name.as_str()))
            .collect();
        Self {
            build: whole,
            test: features(&chosen),
        }
    }
}

/// The packages that `-p` and `--package` name, before the tests' own arguments begin.
fn named_packages(extra: &[String]) -> Vec<&str> {
    let own = extra
        .iter()
        .take_while(|argument| *argument != "--")
        .map(String::as_str);
    let mut named = Vec::new();
    let mut follows = false;
    for argument in own {
        if follows {
            named.push(argument);
        } else if let Some(name) = argument.strip_prefix("--package=") {
            named.push(name);
        }
        follows = argument == "-p" || argument == "--package";
    }
    named
}

/// Prints each engine's release and how many tests took it. In a whole run, an engine no test took is a failure.
fn count(checkout: &Checkout, record: &Path, whole: bool) -> Result<()> {
    let text = fs::read_to_string(record).with_context(|| format!("cannot read {}", record.display()))?;
    let tests = tests_by_engine(&text);
    println!("\nengines the tests ran against:");
    let mut unused = Vec::new();
    for (name, version) in EngineName::ALL
        .map(EngineName::name)
        .iter()
        .zip(stack::versions(checkout)?)
    {
        let count = tests.get(name).map_or(0, BTreeSet::len);
        println!(
            "  {name:<14} {version:<24} {count} test{}",
            if count == 1 { "" } else { "s" }
        );
        if count == 0 {
            unused.push(*name);
        }
    }
    if whole && !unused.is_empty() {
        bail!("no test ran against {}", unused.join(" and "));
    }
    Ok(())
}

/// The distinct tests of each engine, from lines of `<engine>\t<binary>::<test>`.
fn tests_by_engine(record: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut tests: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (engine, test) in record.lines().filter_map(|line| line.split_once('\t')) {
        tests.entry(engine).or_default().insert(test);
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::{Package, Selection, named_packages, tests_by_engine};

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn packages() -> Vec<Package> {
        let package = |name: &str, features: &str| Package {
            name: name.to_owned(),
            features: words(features),
            ..Package::default()
        };
        vec![
            package("plain", ""),
            package("kafka", "engines"),
            package("e2e", "default engines outages"),
        ]
    }

    #[test]
    fn every_wanted_feature_of_the_workspace_is_turned_on() {
        let selection = Selection::new(&packages(), &[], &["engines", "outages"]);
        assert_eq!(
            selection.test,
            words("--workspace --features kafka/engines,e2e/engines,e2e/outages")
        );
        assert_eq!(selection.build, selection.test);
    }

    #[test]
    fn a_named_package_is_tested_alone_but_all_binaries_are_built() {
        let selection = Selection::new(&packages(), &words("-p kafka --test outbox"), &["engines"]);
        assert_eq!(selection.test, words("--features kafka/engines"));
        assert_eq!(
            selection.build,
            words("--workspace --features kafka/engines,e2e/engines")
        );
    }

    #[test]
    fn only_arguments_meant_for_cargo_name_packages() {
        assert_eq!(
            named_packages(&words("-p a --package b --package=c -- -p d")),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn a_test_that_takes_an_engine_twice_counts_once() {
        let record = "kafka\tt::one\nkafka\tt::one\nkafka\tt::two\npostgres\tt::one\nhalf a li";
        let tests = tests_by_engine(record);
        assert_eq!(tests["kafka"].len(), 2);
        assert_eq!(tests["postgres"].len(), 1);
        assert_eq!(tests.get("elasticsearch"), None);
    }
}
