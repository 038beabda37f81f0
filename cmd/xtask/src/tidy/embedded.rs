//! `cargo run` needs Rust and a C compiler, nothing else. One dependency that brings a build tool or another engine's
//! client would end that, and whoever adds it has everything installed and does not notice.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::{Violation, repository::Repository};
use crate::cargo;

/// The package behind `cargo run`, and where its dependencies are named.
const PACKAGE: &str = "taskwire-standalone";
const MANIFEST: &str = "cmd/standalone/Cargo.toml";

/// What must not be built for it, and why.
const UNWANTED: &[(&str, &str)] = &[
    ("rdkafka-sys", "it builds librdkafka"),
    ("sqlx", "the embedded family has no server to talk to"),
    ("elasticsearch", "the embedded family has no server to talk to"),
    ("cmake", "it needs cmake"),
    ("bindgen", "it needs libclang"),
    ("openssl-sys", "it needs OpenSSL's headers"),
    ("aws-lc-sys", "it needs cmake on some machines"),
];

/// Unwanted packages in the dependency tree.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    if !repository.packages.iter().any(|package| package.name == PACKAGE) {
        return Vec::new();
    }
    match tree(repository.root()) {
        Ok(tree) => unwanted(&tree),
        Err(error) => vec![Violation::in_file(
            MANIFEST,
            format!("its dependencies cannot be listed: {error:#}"),
        )],
    }
}

/// One package a line, name first.
fn tree(root: &Path) -> Result<String> {
    let mut command = cargo::command(root);
    command.args([
        "tree",
        "--locked",
        "--package",
        PACKAGE,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]);
    let output = command.output().context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).context("cargo tree speaks no UTF-8")
}

fn unwanted(tree: &str) -> Vec<Violation> {
    let names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let found = UNWANTED.iter().filter(|(name, _)| names.contains(name));
    found
        .map(|(name, why)| Violation::in_file(MANIFEST, format!("brings {name} into `cargo run`: {why}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::unwanted;

    #[test]
    fn a_build_tool_or_another_engine_is_refused_and_a_similar_name_is_not() {
        let tree =
            "taskwire-standalone v0.1.0 (/x)\nrdkafka-sys v4.10.0+2.12.1\nsqlx-core v0.9.0\ncc v1.2.0\n";
        let reasons: Vec<_> = unwanted(tree)
            .into_iter()
            .map(|violation| violation.reason)
            .collect();
        assert_eq!(
            reasons,
            ["brings rdkafka-sys into `cargo run`: it builds librdkafka"]
        );
    }
}
