//! What the rules look at: every text file that is or could be committed, and every package.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::cargo::{self, Package};

/// The repository as the rules see it.
#[derive(Debug, Default)]
pub(crate) struct Repository {
    root: PathBuf,
    pub(crate) files: Vec<TextFile>,
    pub(crate) packages: Vec<Package>,
}

/// A text file, with its path relative to the repository.
#[derive(Debug)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    /// Whether all of it is test code, judged by where it is.
    pub(crate) fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs")
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }
}

impl Repository {
    /// The checkout's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Reads what git tracks, and what it would track if it were added. Files of other kinds than text are left out.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut list = Command::new("git");
        list.current_dir(root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let output = list.output().context("cannot run git")?;
        ensure!(
            output.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let paths = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
        let read = |path: &str| {
            Some(TextFile {
                path: path.to_owned(),
                text: fs::read_to_string(root.join(path)).ok()?,
            })
        };
        let files = paths
            .split('\0')
            .filter_map(read)
            .filter(|file| !file.text.contains('\0'))
            .collect();
        Ok(Self {
            root: root.to_owned(),
            files,
            packages: cargo::packages(root)?,
        })
    }

    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| file.is_rust())
    }

    /// The path as the repository spells it.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned()
    }

    pub(crate) fn has(&self, path: &Path) -> bool {
        self.root.join(path).exists()
    }
}

/// A repository made of these files, for a rule's tests.
#[cfg(test)]
pub(crate) fn of_files(files: &[(&str, &str)]) -> Repository {
    let files = files.iter().map(|(path, text)| TextFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    });
    Repository {
        files: files.collect(),
        ..Repository::default()
    }
}

/// A repository of packages by folder, each with its dependencies; a leading `dev:` makes one the tests' own.
#[cfg(test)]
pub(crate) fn of_packages(packages: &[(&str, &[&str])]) -> Repository {
    let dependency = |name: &&str| cargo::Dependency {
        name: name.trim_start_matches("dev:").to_owned(),
        dev: name.starts_with("dev:"),
    };
    let package = |(folder, dependencies): &(&str, &[&str])| Package {
        name: format!("taskwire-{}", folder.rsplit('/').next().unwrap_or(folder)),
        manifest: format!("{folder}/Cargo.toml").into(),
        dependencies: dependencies.iter().map(dependency).collect(),
        ..Package::default()
    };
    Repository {
        packages: packages.iter().map(package).collect(),
        ..Repository::default()
    }
}

#[cfg(test)]
mod tests {
    use super::of_files;

    #[test]
    fn test_code_is_known_by_its_place() {
        let places = [
            "a/tests/one.rs",
            "a/src/b/tests.rs",
            "tests/e2e/src/lib.rs",
            "a/src/attests.rs",
        ];
        let repository = of_files(&places.map(|place| (place, "")));
        let found: Vec<bool> = repository.files.iter().map(super::TextFile::is_test).collect();
        assert_eq!(found, [true, true, true, false]);
    }
}
