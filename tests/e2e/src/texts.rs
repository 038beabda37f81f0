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

/// Sentences of a novel in five languages that write with accents.
///
/// # Panics
/// When the dependency that brings them no longer does.
pub fn accented_texts() -> Vec<String> {
    let folder = packages()
        .into_iter()
        .map(|folder| folder.join("benches/data"))
        .find(|folder| folder.join("Carroll-11-fr.txt").exists());
    let folder = folder.expect("icu_normalizer comes with the texts that it is measured by");
    let mut sentences = BTreeSet::new();
    for language in ["de", "es", "fr", "pl", "tr"] {
        let file = folder.join(format!("Carroll-11-{language}.txt"));
        let text = std::fs::read_to_string(file).expect("a text can be read");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let parts = lines.flat_map(|line| line.split(['.', '!', '?', ';', ':']));
        sentences.extend(
            parts
                .map(str::trim)
                .filter(|part| is_worthy(part))
                .map(str::to_owned),
        );
    }
    sentences.into_iter().collect()
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
    let mut lines = Vec::new();
    for folder in packages() {
        collect_lines(&folder, &mut lines);
    }
    lines
}

/// The folders of our dependencies.
fn packages() -> Vec<PathBuf> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output();
    let metadata: Value =
        serde_json::from_slice(&metadata.expect("cargo metadata runs").stdout).expect("it prints JSON");
    let packages = metadata["packages"].as_array().expect("metadata lists packages");
    let foreign = packages.iter().filter(|package| package["source"].is_string());
    let folders = foreign.map(|package| {
        let manifest = package["manifest_path"]
            .as_str()
            .expect("a package has a manifest");
        let folder = Path::new(manifest).parent();
        folder.expect("a manifest stands in a folder").to_owned()
    });
    folders.collect()
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
