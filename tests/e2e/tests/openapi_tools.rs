//! The OpenAPI document in the hands of tools that nobody here wrote: two linters, a client generator, and a property
//! tester that sends what the document allows and what it does not. `cargo xtask contract` brings them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "everything here runs inside a test, and what the tools say is worth reading"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use taskwire_e2e::contract::Family;
use taskwire_e2e::{Distributed, Standalone};

#[test]
fn the_linters_find_nothing() {
    let tools = Tools::find();
    let work = tempfile::tempdir().unwrap();
    tools.node("spectral", work.path(), |spectral| {
        spectral
            .args(["lint", "--fail-severity", "hint", "--ruleset"])
            .arg(source(".spectral.yaml"))
            .arg(document());
    });
    tools.node("redocly", work.path(), |redocly| {
        redocly
            .args(["lint", "--max-problems", "100", "--config"])
            .arg(source("redocly.yaml"))
            .arg(document());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_on_with_one_process() {
    strangers_get_on_with::<Standalone>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_on_with_programs_on_engines() {
    strangers_get_on_with::<Distributed>().await;
}

/// A generated client compiles and does its round; the property tester finds nothing; and after all that it sent,
/// searches still answer what the database has.
async fn strangers_get_on_with<F: Family>() {
    let tools = Tools::find();
    let service = F::start().await;
    let url = service.api().base().to_owned();
    generated_client(&tools, &url);
    property_tester(&tools, &url);
    service.check_equality().await;
}

fn generated_client(tools: &Tools, url: &str) {
    let work = tempfile::tempdir().unwrap();
    for name in ["round.ts", "tsconfig.json"] {
        fs::copy(source(name), work.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink(tools.0.join("node_modules"), work.path().join("node_modules")).unwrap();
    tools.node("openapi-ts", work.path(), |generator| {
        generator
            .args(["--output", "generated", "--silent", "--input"])
            .arg(document());
    });
    tools.node("tsc", work.path(), |_| {});
    succeed(
        tools
            .command("node")
            .arg("compiled/round.js")
            .arg(url)
            .current_dir(work.path()),
    );
}

fn property_tester(tools: &Tools, url: &str) {
    let work = tempfile::tempdir().unwrap();
    fs::copy(source("schemathesis.toml"), work.path().join("schemathesis.toml")).unwrap();
    let mut tester = tools.command("schemathesis");
    tester.env("SCHEMATHESIS_HOOKS", source("hooks.py"));
    tester
        .args([
            "run",
            "--url",
            url,
            "--no-color",
            "--continue-on-failure",
            "--checks",
            "all",
        ])
        .args(["--max-examples", &setting("TASKWIRE_OPENAPI_EXAMPLES")])
        .args(["--seed", &setting("TASKWIRE_OPENAPI_SEED")])
        .arg(document());
    succeed(tester.current_dir(work.path()));
}

/// The folder with the installed tools.
struct Tools(PathBuf);

impl Tools {
    fn find() -> Self {
        Self(setting("TASKWIRE_OPENAPI_TOOLS").into())
    }

    /// One of the programs that stand beside Python, Node.js among them.
    fn command(&self, program: &str) -> Command {
        let programs = self.0.join("python/bin");
        let mut command = Command::new(programs.join(program));
        let before = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(programs).chain(env::split_paths(&before));
        command.env("PATH", env::join_paths(folders).unwrap());
        command
    }

    /// Runs one of the programs that npm brought.
    fn node(&self, program: &str, folder: &Path, arguments: impl FnOnce(&mut Command)) {
        let mut command = self.command("node");
        command
            .arg(self.0.join("node_modules/.bin").join(program))
            .current_dir(folder);
        arguments(&mut command);
        succeed(&mut command);
    }
}

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this by `cargo xtask contract`"))
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn document() -> PathBuf {
    checkout().join("docs/openapi.json")
}

fn source(name: &str) -> PathBuf {
    checkout().join("tests/openapi").join(name)
}

fn succeed(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{out}\n{err}",
        output.status
    );
    println!("{out}");
}
