//! Running cargo from a tool that cargo runs.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A cargo command in the checkout's root.
///
/// Cargo tells the program it runs which package that is. Handed on, those variables would make build scripts that
/// watch them run again each time they are reached by another way.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_this_package) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_this_package(variable: &str) -> bool {
    let own = [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_CRATE_NAME",
        "CARGO_BIN_NAME",
        "CARGO_PRIMARY_PACKAGE",
    ];
    variable.starts_with("CARGO_PKG_") || own.contains(&variable)
}

/// Runs a cargo command whose failure is ours.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        let arguments: Vec<_> = command
            .get_args()
            .map(|argument| argument.to_string_lossy())
            .collect();
        bail!("cargo {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// What `cargo metadata` says of our own packages.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>> {
    let mut command = command(root);
    command.args(["metadata", "--format-version", "1", "--no-deps"]);
    let output = command.output().context("cannot run cargo")?;
    anyhow::ensure!(
        output.status.success(),
        "cargo metadata:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata speaks no JSON")?;
    packages_in(&metadata).context("cargo metadata has another shape than expected")
}

/// One package of the workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
    /// Root files of its library and its binaries.
    pub(crate) roots: Vec<PathBuf>,
    /// Its test targets.
    pub(crate) tests: Vec<TestTarget>,
}

/// A file below `tests/`.
#[derive(Clone, Debug)]
pub(crate) struct TestTarget {
    pub(crate) name: String,
    /// Without these it is not built.
    pub(crate) required_features: Vec<String>,
}

/// One line of a package's dependency tables.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Used by the package's tests alone.
    pub(crate) dev: bool,
}

fn packages_in(metadata: &Value) -> Option<Vec<Package>> {
    metadata
        .get("packages")?
        .as_array()?
        .iter()
        .map(package)
        .collect()
}

fn package(value: &Value) -> Option<Package> {
    let dependency = |value: &Value| {
        Some(Dependency {
            name: value.get("name")?.as_str()?.to_owned(),
            dev: value.get("kind")? == "dev",
        })
    };
    let is = |target: &Value, wanted: &[&str]| {
        let kinds = target["kind"].as_array();
        kinds.is_some_and(|kinds| {
            kinds
                .iter()
                .any(|kind| wanted.iter().any(|wanted| kind == wanted))
        })
    };
    let targets = value.get("targets")?.as_array()?;
    let roots = targets.iter().filter(|target| is(target, &["lib", "bin"]));
    let tests = targets.iter().filter(|target| is(target, &["test"]));
    Some(Package {
        name: value.get("name")?.as_str()?.to_owned(),
        manifest: value.get("manifest_path")?.as_str()?.into(),
        features: value.get("features")?.as_object()?.keys().cloned().collect(),
        dependencies: value
            .get("dependencies")?
            .as_array()?
            .iter()
            .map(dependency)
            .collect::<Option<_>>()?,
        roots: roots
            .filter_map(|target| Some(target["src_path"].as_str()?.into()))
            .collect(),
        tests: tests.filter_map(test_target).collect(),
    })
}

fn test_target(value: &Value) -> Option<TestTarget> {
    let required = value["required-features"].as_array().into_iter().flatten();
    Some(TestTarget {
        name: value["name"].as_str()?.to_owned(),
        required_features: required
            .filter_map(|feature| feature.as_str().map(str::to_owned))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{describes_this_package, packages_in};

    #[test]
    fn a_package_is_read_from_cargos_words() {
        let metadata = json!({ "packages": [{
            "name": "one",
            "manifest_path": "/w/one/Cargo.toml",
            "features": { "engines": [] },
            "dependencies": [{ "name": "a", "kind": null }, { "name": "b", "kind": "dev" }],
            "targets": [
                { "kind": ["lib"], "src_path": "/w/one/src/lib.rs" },
                { "kind": ["test"], "name": "t", "src_path": "/w/one/tests/t.rs", "required-features": ["engines"] },
            ],
        }] });
        let packages = packages_in(&metadata).unwrap();
        assert_eq!(packages[0].features, ["engines"]);
        assert_eq!(packages[0].roots, [std::path::Path::new("/w/one/src/lib.rs")]);
        let tests = &packages[0].tests;
        assert_eq!((tests.len(), tests[0].name.as_str()), (1, "t"));
        assert_eq!(tests[0].required_features, ["engines"]);
        let dev: Vec<bool> = packages[0]
            .dependencies
            .iter()
            .map(|dependency| dependency.dev)
            .collect();
        assert_eq!(dev, [false, true]);
    }

    #[test]
    fn settings_of_the_users_cargo_are_handed_on() {
        assert!(describes_this_package("CARGO_PKG_VERSION_MAJOR"));
        assert!(!describes_this_package("CARGO_TARGET_DIR"));
        assert!(!describes_this_package("CARGO_HOME"));
    }
}
