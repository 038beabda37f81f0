//! The committed descriptions of what others see: the OpenAPI document and the schema of the events. The code is what
//! says them, so this tool asks the code: examples of the HTTP crate, because it may depend on none of our crates.

use std::{fs, process::Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{cargo, checkout::Checkout};

/// An example of `taskwire-rest`, the file that holds what it prints, and a member that is never empty.
const DOCUMENTS: [(&str, &str, &str); 2] = [
    ("openapi", "docs/openapi.json", "paths"),
    ("events_schema", "docs/events.schema.json", "$defs"),
];

/// Writes both, and a file not at all when its content could not be made.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    DOCUMENTS
        .iter()
        .try_for_each(|(example, file, member)| write(checkout, example, file, member))
}

fn write(checkout: &Checkout, example: &str, file: &str, member: &str) -> Result<()> {
    let mut command = cargo::command(checkout.root());
    command.args([
        "run",
        "--quiet",
        "--package",
        "taskwire-rest",
        "--example",
        example,
    ]);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "the example {example} ended with {}",
        output.status
    );
    let document: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("the example {example} did not print JSON"))?;
    let count = document[member].as_object().map_or(0, |members| members.len());
    ensure!(
        count > 0,
        "the example {example} printed a document without {member}"
    );
    let target = checkout.root().join(file);
    let before = fs::read(&target).unwrap_or_default();
    fs::write(&target, &output.stdout).with_context(|| format!("cannot write {}", target.display()))?;
    let change = if before == output.stdout {
        "as it was"
    } else {
        "changed"
    };
    println!("{file}: {count} {member}, {change}");
    Ok(())
}
