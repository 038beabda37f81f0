//! Lints and versions are decided once, for the whole workspace. A crate that spells out a version brings a second copy of
//! a library sooner or later, and one that leaves the lints out is the one that would have needed them.

use toml::{Table, Value};

use super::{Violation, repository::Repository};

const TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Manifests that decide for themselves.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let manifests = repository
        .files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"));
    let reasons =
        manifests.flat_map(|file| reasons(&file.text).into_iter().map(move |reason| (file, reason)));
    reasons
        .map(|(file, reason)| Violation::in_file(&file.path, reason))
        .collect()
}

fn reasons(manifest: &str) -> Vec<String> {
    let manifest: Table = match manifest.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("cannot be read: {error}")],
    };
    let mut reasons = Vec::new();
    if !manifest.get("lints").is_some_and(is_inherited) {
        reasons.push("the workspace's lints are missing: `[lints]` with `workspace = true`".to_owned());
    }
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    let targets = targets.filter_map(|(_, target)| target.as_table());
    for owner in std::iter::once(&manifest).chain(targets) {
        let tables = TABLES.iter().filter_map(|name| owner.get(*name)?.as_table());
        let dependencies = tables
            .flatten()
            .filter(|(_, dependency)| !is_inherited(dependency));
        reasons.extend(dependencies.map(|(name, _)| {
            format!(
                "the version of {name} belongs in [workspace.dependencies]: `{name}.workspace = true` here"
            )
        }));
    }
    reasons
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::{super::repository::of_files, check, reasons};

    const LINTS: &str = "[lints]\nworkspace = true\n";

    #[test]
    fn a_version_of_its_own_is_refused_in_every_kind_of_table() {
        let dependencies = "[dependencies]\na.workspace = true\nb = { workspace = true, features = [\n\"x\",\n] }\n\
                            c = \"1\"\n[dev-dependencies]\nd = { path = \"../d\" }\n[dependencies.e]\nworkspace = true\n\
                            [target.'cfg(unix)'.dependencies]\nf = \"2\"\n";
        let found = reasons(&format!("{dependencies}{LINTS}"));
        let named: Vec<&str> = found
            .iter()
            .filter_map(|reason| reason.split(' ').nth(3))
            .collect();
        assert_eq!(named, ["c", "d", "f"], "{found:?}");
    }

    #[test]
    fn lints_of_its_own_are_refused() {
        assert!(reasons(LINTS).is_empty());
        assert_eq!(reasons("[package]\nname = \"a\"\n").len(), 1);
        assert_eq!(reasons("[lints.rust]\nunsafe_code = \"allow\"\n").len(), 1);
    }

    #[test]
    fn the_workspaces_own_manifest_is_where_versions_are() {
        let repository = of_files(&[
            ("Cargo.toml", "[workspace.dependencies]\na = \"1\"\n"),
            ("a/Cargo.toml", ""),
        ]);
        let found: Vec<String> = check(&repository)
            .into_iter()
            .map(|violation| violation.file)
            .collect();
        assert_eq!(found, ["a/Cargo.toml"]);
    }
}
