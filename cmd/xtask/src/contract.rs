//! What strangers' tools make of the OpenAPI document: linters, a client generator and a property tester, against the
//! live service in both families.
//!
//! The tools come from PyPI (Node.js itself among them) and npm, in the exact versions that `tests/openapi` names, into
//! `target/openapi-tools`. What runs them is a test of the end-to-end suite, which knows how to start the service.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{cargo, checkout::Checkout, progress, stack};

/// Tells the tests where the tools are.
const TOOLS: &str = "TASKWIRE_OPENAPI_TOOLS";
/// Tells the tests how many cases the property tester makes for each operation and phase.
const EXAMPLES: &str = "TASKWIRE_OPENAPI_EXAMPLES";
/// Tells the tests where the property tester begins.
const SEED: &str = "TASKWIRE_OPENAPI_SEED";

/// `cargo xtask contract ...`
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many cases the property tester makes for each operation, and how many walks along the links.
    #[arg(long, default_value_t = 40)]
    examples: u32,
    /// Where the property tester's random choices begin; what it finds it finds again with the same.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// What the test program gets besides: the name of one of its tests.
    #[arg(last = true)]
    test: Vec<String>,
}

/// Runs all of it. A stack that was up before stays up.
pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> Result<()> {
    let tools = install(checkout)?;
    stack::while_up(checkout, |variables| {
        let mut build = cargo::command(checkout.root());
        cargo::succeed(build.args(["build", "--bins", "--workspace"]))?;
        let mut tests = cargo::command(checkout.root());
        tests.args([
            "test",
            "--package",
            "taskwire-e2e",
            "--features",
            "tools",
            "--test",
            "openapi_tools",
            "--",
            "--nocapture",
        ]);
        tests
            .args(&arguments.test)
            .envs(variables)
            .env(TOOLS, &tools)
            .env(EXAMPLES, arguments.examples.to_string())
            .env(SEED, arguments.seed.to_string());
        cargo::succeed(&mut tests)
    })
}

/// Brings the tools to where they run, unless they are there in the wanted versions.
fn install(checkout: &Checkout) -> Result<PathBuf> {
    let source = checkout.root().join("tests/openapi");
    let folder = checkout.root().join("target/openapi-tools");
    let wanted = [
        read(&source.join("requirements.txt"))?,
        read(&source.join("package-lock.json"))?,
    ]
    .concat();
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    progress::step("installing the OpenAPI tools", || {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for name in ["package.json", "package-lock.json"] {
            fs::copy(source.join(name), folder.join(name)).with_context(|| format!("cannot copy {name}"))?;
        }
        let python = folder.join("python");
        succeed(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&python),
        )?;
        let mut pip = Command::new(python.join("bin/pip"));
        pip.args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ]);
        succeed(pip.arg(source.join("requirements.txt")))?;
        let mut npm = Command::new(python.join("bin/npm"));
        npm.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        succeed(
            npm.env("PATH", path_with(&python.join("bin"))?)
                .current_dir(&folder),
        )?;
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
    })?;
    Ok(folder)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The search path with this folder in front: npm's own programs look for `node` there.
fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let before = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&before));
    std::env::join_paths(folders).context("the search path cannot be extended")
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| {
        format!("cannot run {program}: on Debian, python3 and python3-venv are what is needed")
    })?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(())
}
