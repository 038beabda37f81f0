//! Fetching the engines that come from Maven Central. Downloads stay in Maven's own cache; what they were unpacked
//! to stays in `dist/`, which `down` leaves alone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{account::Account, packages::Missing, process::run_to_end};
use crate::progress;

const PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

/// One artifact to fetch.
pub(crate) struct Artifact {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// `jar` or `zip`
    pub(crate) kind: &'static str,
}

/// What is done with the artifacts once they are there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Every jar and what it needs, side by side in one folder.
    Jars,
    /// The one zip, unpacked. Maven does it: a bare machine has no `unzip`.
    Unpacked,
}

/// Returns `dist/<name>`, fetching the artifacts into it if that was not done before.
pub(crate) fn fetch(
    account: &Account,
    dist: &Path,
    name: &str,
    artifacts: &[Artifact],
    layout: Layout,
) -> Result<PathBuf> {
    let folder = dist.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let maven = find_on_path("mvn").context("no `mvn` on PATH: install Maven")?;
    // Filled under another name first: a run killed half-way leaves nothing that looks complete.
    let draft = dist.join(format!("{name}.partial"));
    if draft.exists() {
        fs::remove_dir_all(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    }
    fs::create_dir_all(&draft).with_context(|| format!("cannot create {}", draft.display()))?;
    // Inside the draft, because Maven keeps notes on what it has unpacked beside the project.
    let pom = draft.join("pom.xml");
    fs::write(&pom, project(name, artifacts)).with_context(|| format!("cannot write {}", pom.display()))?;
    let goal = match layout {
        Layout::Jars => "copy-dependencies",
        Layout::Unpacked => "unpack-dependencies",
    };
    progress::step(&format!("fetching {name} from Maven Central"), || {
        let mut command = Command::new(&maven);
        command
            .args(["-B", "-q", "-f"])
            .arg(&pom)
            .arg(format!("{PLUGIN}:{goal}"));
        command.arg(format!("-DoutputDirectory={}", draft.display()));
        if layout == Layout::Unpacked {
            command.arg("-DexcludeTransitive=true");
        }
        run_to_end("fetching from Maven Central", &mut command)
    })?;
    account.hand_over(&draft)?;
    fs::rename(&draft, &folder).with_context(|| format!("cannot put {} in place", folder.display()))?;
    Ok(folder)
}

/// What has to be installed before anything can be fetched.
pub(crate) fn missing() -> Option<Missing> {
    find_on_path("mvn").is_none().then_some(Missing {
        what: "Maven",
        package: "maven",
    })
}

/// The program of this name that a shell would run.
pub(crate) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

fn project(name: &str, artifacts: &[Artifact]) -> String {
    let dependency = |artifact: &Artifact| {
        format!(
            "    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version><type>{}</type></dependency>\n",
            artifact.group, artifact.name, artifact.version, artifact.kind
        )
    };
    let dependencies: String = artifacts.iter().map(dependency).collect();
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  \
         <groupId>taskwire.stack</groupId>\n  <artifactId>{name}</artifactId>\n  <version>1</version>\n  \
         <packaging>pom</packaging>\n  <dependencies>\n{dependencies}  </dependencies>\n</project>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{Artifact, project};

    #[test]
    fn the_project_names_every_artifact() {
        let artifact = |name| Artifact {
            group: "g",
            name,
            version: "1",
            kind: "zip",
        };
        let text = project("both", &[artifact("one"), artifact("two")]);
        assert_eq!(text.matches("<dependency>").count(), 2);
        assert!(
            text.contains("<artifactId>two</artifactId><version>1</version><type>zip</type>"),
            "{text}"
        );
    }
}
