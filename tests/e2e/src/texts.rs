//! Real texts that nobody here wrote: the lines of the documents that come with our dependencies.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// `count` different lines, always the same ones for the same lock file.
///
/// # Panics
/// When there are not so many.
pub fn real_texts(count: usize) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output();
    let metadata: Value =
        serde_json::from_slice(&metadata.expect("cargo metadata runs").stdout).expect("it prints JSON");
    let packages = metadata["packages"].as_array().expect("metadata lists packages");
    let mut lines = BTreeSet::new();
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
    let mut lines: Vec<String> = lines.into_iter().collect();
    assert!(
        lines.len() >= count,
        "the dependencies' documents have only {} lines",
        lines.len()
    );
    fastrand::Rng::with_seed(7).shuffle(&mut lines);
    lines.truncate(count);
    lines
}

fn collect_lines(folder: &Path, lines: &mut BTreeSet<String>) {
    let entries = std::fs::read_dir(folder).expect("a dependency's folder can be read");
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let worthy = text
            .lines()
            .map(str::trim)
            .filter(|line| (10..=4_096).contains(&line.chars().count()));
        lines.extend(worthy.filter(|line| !line.contains('\0')).map(str::to_owned));
    }
}
