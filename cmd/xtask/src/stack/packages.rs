//! Installing what is missing, where that is ours to do: as root on Debian and its descendants.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::{account::is_root, process::run_to_end};
use crate::progress;

/// A file that keeps Debian's PostgreSQL packages from starting a server of their own, while it exists.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/taskwire-stack.conf";
const NO_CLUSTER_LINE: &str = "create_main_cluster = false";
/// The package that would start one.
pub(crate) const POSTGRES: &str = "postgresql";

/// A program this machine lacks.
#[derive(Clone, Copy)]
pub(crate) struct Missing {
    /// What a person calls it.
    pub(crate) what: &'static str,
    /// Debian's package.
    pub(crate) package: &'static str,
}

/// Installs all that is missing, or says what to install and how.
pub(crate) fn install(missing: &[Missing]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !has_apt() {
        bail!(advice(missing, has_apt()));
    }
    let packages: Vec<&str> = missing.iter().map(|missing| missing.package).collect();
    let arguments = [&["install", "--no-install-recommends"], packages.as_slice()].concat();
    let install = || {
        if !packages.iter().all(|package| is_known(package)) {
            apt_get(&["update"])?;
        }
        apt_get(&arguments).or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&arguments)))
    };
    let what = format!("installing {} with apt-get", packages.join(", "));
    progress::step(&what, || {
        if packages.contains(&POSTGRES) {
            without_cluster(install)
        } else {
            install()
        }
    })
}

/// Everything that is missing at once, and the lines that install it.
fn advice(missing: &[Missing], apt: bool) -> String {
    let join = |part: fn(&Missing) -> &'static str, between| {
        missing.iter().map(part).collect::<Vec<_>>().join(between)
    };
    let what = join(|missing| missing.what, ", ");
    if !apt {
        return format!("missing: {what}. Install with your system's package manager, or start Docker");
    }
    let packages = join(|missing| missing.package, " ");
    let mut advice = format!("missing: {what}. Start Docker, or install with\n");
    if missing.iter().any(|missing| missing.package == POSTGRES) {
        advice += &format!(
            "  # keeps Debian from starting a PostgreSQL of its own\n  \
             echo '{NO_CLUSTER_LINE}' | sudo install -D -m 644 /dev/stdin {NO_CLUSTER}\n"
        );
    }
    advice + "  sudo apt-get install --no-install-recommends " + &packages
}

/// Keeps Debian from starting a PostgreSQL server while `install` runs.
fn without_cluster(install: impl FnOnce() -> Result<()>) -> Result<()> {
    let switch = Path::new(NO_CLUSTER);
    let folder = switch.parent().context("the file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(switch, format!("{NO_CLUSTER_LINE}\n"))
        .with_context(|| format!("cannot write {NO_CLUSTER}"))?;
    let outcome = install();
    let removed = fs::remove_file(switch).with_context(|| format!("cannot remove {NO_CLUSTER}"));
    outcome.and(removed)
}

/// Whether the package lists at hand know this package; lists that were never fetched know none.
pub(crate) fn is_known(package: &str) -> bool {
    let output = Command::new("apt-cache").args(["show", package]).output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

/// Fetches the package lists, where that is ours to do.
pub(crate) fn refresh() -> Result<()> {
    if is_root() && has_apt() {
        apt_get(&["update"])
    } else {
        Ok(())
    }
}

fn has_apt() -> bool {
    Path::new("/usr/bin/apt-get").exists()
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["-q", "-y", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    run_to_end(&format!("apt-get {}", arguments.join(" ")), &mut command).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Missing, POSTGRES, advice};

    const DATABASE: Missing = Missing {
        what: "PostgreSQL",
        package: POSTGRES,
    };
    const MAVEN: Missing = Missing {
        what: "Maven",
        package: "maven",
    };

    #[test]
    fn all_that_is_missing_is_named_at_once_with_one_line_to_install_it() {
        let advice = advice(&[DATABASE, MAVEN], true);
        assert!(advice.starts_with("missing: PostgreSQL, Maven."), "{advice}");
        assert!(
            advice.ends_with("install --no-install-recommends postgresql maven"),
            "{advice}"
        );
    }

    #[test]
    fn only_who_installs_postgresql_is_told_how_to_keep_it_from_starting() {
        assert!(advice(&[DATABASE], true).contains("create_main_cluster = false"));
        assert!(!advice(&[MAVEN], true).contains("create_main_cluster"));
        assert!(!advice(&[DATABASE], false).contains("apt-get"));
    }
}
