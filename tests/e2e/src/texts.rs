//! Real texts that nobody here wrote: the lines of the documents that come with our dependencies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// `count` different lines, always the same ones for the same lock file.
///
/// # Panics
/// When there are not so many.
pub fn real_texts(count: usize) -> Vec<String> {
    let lines: BTreeSet<String> = lines().into_iter().collect();
    some_of(lines.into_iter().collect(), count)
}

/// As [`real_texts`], for more than there are lines: two that follow one another count as a text, too.
///
/// # Panics
/// When there are still not so many.
pub fn many_real_texts(count: usize) -> Vec<String> {
    let lines = lines();
    let pairs = lines.windows(2).map(|pair| pair.join(" "));
    let texts: BTreeSet<String> = lines.iter().cloned().chain(pairs).collect();
    some_of(texts.into_iter().filter(|text| is_worthy(text)).collect(), count)
}

fn some_of(mut texts: Vec<String>, count: usize) -> Vec<String> {
    assert!(
        texts.len() >= count,
        "the dependencies' documents have only {} texts",
        texts.len()
    );
    fastrand::Rng::with_seed(7).shuffle(&mut texts);
    texts.truncate(count);
    texts
}

/// Every line that can be a task's description, document by document.
fn lines() -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output();
    let metadata: Value =
        serde_json::from_slice(&metadata.expect("cargo metadata runs").stdout).expect("it prints JSON");
    let packages = metadata["packages"].as_array().expect("metadata lists packages");
    let mut lines = Vec::new();
    for package in packages.iter().filter(|package| package["source"].is_string()) {
        let manifest = Path::new(
            package["manifest_path"]
                .as_str()
                .expect("a package has a manifest"),
        );
        collect_lines(
            manifest.parent().expect("a manifest stands in a folder"),
            &mut lines,
        );
    }
    lines
}

fn collect_lines(folder: &Path, lines: &mut Vec<String>) {
    let entries = std::fs::read_dir(folder).expect("a dependency's folder can be read");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let worthy = text.lines().map(str::trim).filter(|line| is_worthy(line));
        lines.extend(worthy.map(str::to_owned));
    }
}

fn is_worthy(text: &str) -> bool {
    (10..=4_096).contains(&text.chars().count()) && !text.contains('\0')
}
