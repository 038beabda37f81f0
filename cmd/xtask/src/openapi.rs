//! The committed OpenAPI document. The code is what says it, so this tool asks the code: an example of the HTTP crate,
//! because it may depend on none of our crates.

use std::{fs, process::Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{cargo, checkout::Checkout};

const DOCUMENT: &str = "docs/openapi.json";

/// Writes the document, and nothing when it could not be made.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    let mut command = cargo::command(checkout.root());
    command.args([
        "run",
        "--quiet",
        "--package",
        "taskwire-rest",
        "--example",
        "openapi",
    ]);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "the example that prints the document ended with {}",
        output.status
    );
    let document: Value =
        serde_json::from_slice(&output.stdout).context("the example did not print a document")?;
    let paths = document["paths"].as_object().map_or(0, |paths| paths.len());
    ensure!(paths > 0, "the example printed a document without a path");
    let target = checkout.root().join(DOCUMENT);
    let before = fs::read(&target).unwrap_or_default();
    fs::write(&target, &output.stdout).with_context(|| format!("cannot write {}", target.display()))?;
    let change = if before == output.stdout {
        "as it was"
    } else {
        "changed"
    };
    println!("{DOCUMENT}: {paths} paths, {change}");
    Ok(())
}
