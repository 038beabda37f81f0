//! The search on every server that it is meant for, one after the other: the same tests, and a table of what came of them.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{
    cargo::{self, Package},
    checkout::Checkout,
    progress,
    stack::{self, Release, Serving},
};

/// Whose tests with engines need a search server and nothing else.
const PACKAGES: [&str; 2] = ["taskwire-elasticsearch", "taskwire-search-equality"];
const ENGINES: &str = "engines";
/// Every release.
pub(crate) const ALL: &str = "all";
/// Tells the tests whether the server has what the settings of the language need, so that they expect the settings to work
/// or to be refused.
const HAS_ANALYSIS: &str = "TASKWIRE_SEARCH_ANALYSIS";
/// Tells them by which Unicode the server splits texts into words.
const UNICODE: &str = "TASKWIRE_SEARCH_UNICODE";

/// Runs the tests on all releases, or on the one that is named.
pub(crate) fn run(checkout: &Checkout, wanted: &str) -> Result<()> {
    let known = Release::supported();
    let releases: Vec<&Release> = known
        .iter()
        .filter(|release| wanted == ALL || release.label() == wanted)
        .collect();
    ensure!(
        !releases.is_empty(),
        "no search engine {wanted}: there are {}",
        known.each_ref().map(Release::label).join(", ")
    );
    let suite = progress::step("building the tests of the search", || build(checkout))?;
    let rows: Vec<Row> = releases
        .into_iter()
        .map(|release| Row::of(checkout, release, &suite))
        .collect();
    println!("\n{HEAD}");
    for row in &rows {
        println!("{row}");
    }
    let failed: usize = rows.iter().map(|row| row.failed).sum();
    ensure!(
        failed == 0,
        "{failed} tests failed or were not run: what they printed is in target/search-engines"
    );
    Ok(())
}

/// A built test target.
struct Binary {
    name: String,
    path: PathBuf,
    /// Its package's folder, where cargo would run it.
    folder: PathBuf,
    tests: usize,
}

fn build(checkout: &Checkout) -> Result<Vec<Binary>> {
    let packages = cargo::packages(checkout.root())?;
    let packages = packages
        .iter()
        .filter(|package| PACKAGES.contains(&package.name.as_str()));
    let mut command = cargo::command(checkout.root());
    command.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    for package in packages {
        let features = format!("{}/{ENGINES}", package.name);
        command.args(["--package", &package.name, "--features", &features]);
        for test in engine_tests(package) {
            command.args(["--test", test]);
        }
    }
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "the tests cannot be built");
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut suite = Vec::new();
    for (name, path, folder) in messages.lines().filter_map(built) {
        let tests = list(&path, &folder)?;
        suite.push(Binary {
            name,
            path,
            folder,
            tests,
        });
    }
    suite.sort_by(|one, other| (&one.folder, &one.name).cmp(&(&other.folder, &other.name)));
    ensure!(!suite.is_empty(), "cargo built no tests");
    Ok(suite)
}

fn engine_tests(package: &Package) -> impl Iterator<Item = &str> {
    let needs_engines = |features: &[String]| features.iter().any(|feature| feature == ENGINES);
    package
        .tests
        .iter()
        .filter(move |test| needs_engines(&test.required_features))
        .map(|test| test.name.as_str())
}

/// Target, program and folder in one of cargo's messages, if it tells of a built test.
fn built(message: &str) -> Option<(String, PathBuf, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    if message["profile"]["test"] != true {
        return None;
    }
    let manifest = Path::new(message.get("manifest_path")?.as_str()?);
    let name = message["target"]["name"].as_str()?.to_owned();
    Some((name, path.into(), manifest.parent()?.to_owned()))
}

/// How many tests there are in it.
fn list(path: &Path, folder: &Path) -> Result<usize> {
    let mut command = Command::new(path);
    command.args(["--list", "--format=terse"]).current_dir(folder);
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", path.display()))?;
    let listed = String::from_utf8_lossy(&output.stdout);
    let tests = listed.lines().filter(|line| line.ends_with(": test")).count();
    ensure!(tests > 0, "{} lists no tests", path.display());
    Ok(tests)
}

/// What came of one server.
struct Row {
    engine: &'static str,
    version: String,
    /// `None` when the server was never up.
    java: Option<u32>,
    /// Whether the settings of the language have to work, rather than to be refused.
    analysis: bool,
    passed: usize,
    /// Those that were not run among them.
    failed: usize,
    took: Duration,
}

const HEAD: &str = "| engine | version | Java | language settings | tests | passed | failed | time |\n\
                    |---|---|---|---|---|---|---|---|";

impl Row {
    fn of(checkout: &Checkout, release: &Release, suite: &[Binary]) -> Self {
        println!("\n{}", release.label());
        let started = Instant::now();
        let mut row = Self {
            engine: release.product.name(),
            version: release.version.to_owned(),
            java: None,
            analysis: release.analysis,
            passed: 0,
            failed: suite.iter().map(|binary| binary.tests).sum(),
            took: Duration::ZERO,
        };
        let ran = stack::while_serving(checkout, release, |serving| {
            row.java = Some(serving.java);
            row.try_all(checkout, release, serving, suite)
        });
        if let Err(error) = ran {
            eprintln!("error: {}: {error:#}", release.label());
            // Should the server have failed when all was done, that is a failure too.
            row.failed = row.failed.max(1);
        }
        row.took = started.elapsed();
        row
    }

    fn try_all(
        &mut self,
        checkout: &Checkout,
        release: &Release,
        serving: &Serving,
        suite: &[Binary],
    ) -> Result<()> {
        if serving.version != release.version {
            bail!("{} says that it is {}", serving.url, serving.version);
        }
        let logs = checkout
            .root()
            .join("target/search-engines")
            .join(release.label())
            .join("tests");
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        for binary in suite {
            let passed = binary.run(release, serving, &logs)?;
            self.passed += passed;
            self.failed -= passed;
        }
        Ok(())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let java = self.java.map_or_else(|| "-".to_owned(), |java| java.to_string());
        let language = if self.analysis { "work" } else { "refused" };
        write!(
            f,
            "| {} | {} | {java} | {language} | {} | {} | {} | {:.0} s |",
            self.engine,
            self.version,
            self.passed + self.failed,
            self.passed,
            self.failed,
            self.took.as_secs_f32()
        )
    }
}

impl Binary {
    /// Returns how many of its tests passed; what they printed is kept.
    fn run(&self, release: &Release, serving: &Serving, logs: &Path) -> Result<usize> {
        let mut command = Command::new(&self.path);
        command
            // Some print tables, which are worth a look when they pass, too.
            .arg("--show-output")
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("ELASTICSEARCH_URL", &serving.url)
            .env(HAS_ANALYSIS, release.analysis.to_string())
            .env(UNICODE, release.unicode)
            // A test that needs these belongs to another suite.
            .env_remove("DATABASE_URL")
            .env_remove("KAFKA_BROKERS")
            .env("RUST_BACKTRACE", "0");
        let started = Instant::now();
        let output = command
            .output()
            .with_context(|| format!("cannot run {}", self.path.display()))?;
        let took = started.elapsed().as_secs_f32();
        let printed = String::from_utf8_lossy(&output.stdout);
        let package = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let log = logs.join(format!("{package}-{}.log", self.name));
        let all = [&*printed, &*String::from_utf8_lossy(&output.stderr)].concat();
        fs::write(&log, all).with_context(|| format!("cannot write {}", log.display()))?;
        let passed = passed(&printed).min(self.tests);
        println!(
            "  {package} {:<14} {passed} of {} passed in {took:.1} s",
            self.name, self.tests
        );
        for line in failures(&printed) {
            println!("    {line}");
        }
        Ok(passed)
    }
}

/// The number in `test result: ok. 12 passed; ...`; none when the program ended before it came to that.
fn passed(printed: &str) -> usize {
    let results = printed.lines().filter(|line| line.starts_with("test result: "));
    let counts = results.filter_map(|line| {
        line.split_once(" passed")?
            .0
            .rsplit(' ')
            .next()?
            .parse::<usize>()
            .ok()
    });
    counts.sum()
}

/// The tests that failed, as they were told while they ran.
fn failures(printed: &str) -> impl Iterator<Item = &str> {
    printed
        .lines()
        .filter(|line| line.starts_with("test ") && line.ends_with(" ... FAILED"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{built, failures, passed};

    #[test]
    fn only_what_passed_is_counted_as_passed() {
        let printed = "test a ... ok\ntest b ... FAILED\n\ntest result: FAILED. 12 passed; 1 failed; 3 ignored; 0 measured";
        assert_eq!(passed(printed), 12);
        assert_eq!(failures(printed).collect::<Vec<_>>(), ["test b ... FAILED"]);
        assert_eq!(passed("test a ... ok\nthread panicked"), 0);
    }

    #[test]
    fn only_test_programs_are_taken_from_what_cargo_built() {
        let message = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/p/Cargo.toml","target":{{"name":"bulk"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let found = built(&message(true, "\"/t/bulk-1\"")).unwrap();
        assert_eq!(found.0, "bulk");
        assert_eq!(
            (found.1.as_path(), found.2.as_path()),
            (Path::new("/t/bulk-1"), Path::new("/w/p"))
        );
        assert!(built(&message(false, "\"/t/server\"")).is_none());
        assert!(built(&message(true, "null")).is_none());
        assert!(built("Compiling").is_none());
    }
}
