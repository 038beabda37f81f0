//! Finding a Java that the engines' account can run, and is new enough.

use std::{
    env, fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{
    account::Account,
    packages::{self, Missing},
};

/// Elasticsearch 9 needs this one or newer.
const PREFERRED: u32 = 21;
/// Kafka 4 and Elasticsearch 8 are content with this one.
const SUFFICIENT: u32 = 17;

/// A Java installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Java {
    /// The folder that holds `bin/java`.
    pub(crate) home: PathBuf,
    /// The feature release: 17, 21, 25...
    pub(crate) release: u32,
}

impl Java {
    pub(crate) fn program(&self) -> PathBuf {
        self.home.join("bin/java")
    }
}

/// What has to be installed first, if anything.
pub(crate) fn missing(account: &Account) -> Result<Option<Missing>> {
    if find(account).is_some() {
        return Ok(None);
    }
    let preferred = "openjdk-21-jre-headless";
    if !packages::is_known(preferred) {
        packages::refresh()?;
    }
    Ok(Some(Missing {
        what: "Java 21 or newer (17 will do)",
        package: if packages::is_known(preferred) {
            preferred
        } else {
            "openjdk-17-jre-headless"
        },
    }))
}

/// The first Java of release 21 or newer, else the first of 17 or newer.
///
/// Looked for in `ES_JAVA_HOME`, `JAVA_HOME`, `/usr/lib/jvm` and `PATH`, in this order.
pub(crate) fn find(account: &Account) -> Option<Java> {
    let found: Vec<Java> = homes()
        .into_iter()
        .filter_map(|home| probe(account, home))
        .collect();
    choose(&found).cloned()
}

/// The first Java of one of these releases, looked for in the same places.
pub(crate) fn find_among(account: &Account, releases: &RangeInclusive<u32>) -> Option<Java> {
    let mut found = homes().into_iter().filter_map(|home| probe(account, home));
    found.find(|java| releases.contains(&java.release))
}

/// What can be installed to have a Java of one of these releases, if anything can.
pub(crate) fn installable_among(releases: &RangeInclusive<u32>) -> Option<Missing> {
    let known = [
        (SUFFICIENT, "Java 17", "openjdk-17-jre-headless"),
        (PREFERRED, "Java 21", "openjdk-21-jre-headless"),
    ];
    known
        .into_iter()
        .filter(|(release, _, package)| releases.contains(release) && packages::is_known(package))
        .map(|(_, what, package)| Missing { what, package })
        .next()
}

fn choose(found: &[Java]) -> Option<&Java> {
    let at_least = |release| found.iter().find(move |java| java.release >= release);
    at_least(PREFERRED).or_else(|| at_least(SUFFICIENT))
}

fn homes() -> Vec<PathBuf> {
    let named = ["ES_JAVA_HOME", "JAVA_HOME"]
        .into_iter()
        .filter_map(env::var_os)
        .map(PathBuf::from);
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/jvm")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    installed.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path)
        .filter_map(|folder| folder.join("java").canonicalize().ok())
        .filter_map(|program| Some(program.parent()?.parent()?.to_owned()));
    named.chain(installed).chain(on_path).collect()
}

/// Asks a Java for its release, as the account that will run it: one inside root's home would be of no use.
fn probe(account: &Account, home: PathBuf) -> Option<Java> {
    let program = home.join("bin/java");
    if !Path::new(&program).exists() {
        return None;
    }
    let output = account
        .command(&program)
        .arg("-version")
        .current_dir("/")
        .output()
        .ok()?;
    let release = parse_release(&String::from_utf8_lossy(&output.stderr))?;
    Some(Java { home, release })
}

/// The release in `openjdk version "21.0.3" 2024-04-16`; up to Java 8 it stood behind a `1.`.
fn parse_release(answer: &str) -> Option<u32> {
    let (_, rest) = answer.split_once("version \"")?;
    let version = rest.split('"').next()?;
    let version = version.strip_prefix("1.").unwrap_or(version);
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Java, choose, parse_release};

    #[test]
    fn a_release_is_read_from_every_style_of_version() {
        assert_eq!(
            parse_release("openjdk version \"25.0.3\" 2026-04-21 LTS\n"),
            Some(25)
        );
        assert_eq!(parse_release("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(parse_release("openjdk version \"24-ea\" 2025-03-18"), Some(24));
        assert_eq!(parse_release("java version \"1.8.0_392\""), Some(8));
        assert_eq!(
            parse_release("Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version \"17.0.15\" 2025-04-15"),
            Some(17)
        );
        assert_eq!(parse_release("sh: java: not found"), None);
    }

    #[test]
    fn a_new_enough_java_comes_before_an_older_one_found_earlier() {
        let java = |release| Java {
            home: format!("/jvm/{release}").into(),
            release,
        };
        assert_eq!(choose(&[java(11), java(17), java(25)]), Some(&java(25)));
        assert_eq!(choose(&[java(11), java(17)]), Some(&java(17)));
        assert_eq!(choose(&[java(11)]), None);
    }
}
