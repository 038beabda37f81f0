//! Installing what is missing, where that is ours to do: as root on Debian and its descendants.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::{account::is_root, process::run_to_end};
use crate::progress;

/// A file that keeps Debian's PostgreSQL packages from starting a server of their own, while it exists.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/taskwire-stack.conf";

/// Installs a package, or says what to install and how.
///
/// `what` is what a person calls the thing; `package` is Debian's name for it.
pub(crate) fn install(what: &str, package: &str) -> Result<()> {
    if !has_apt() {
        bail!("{what} is missing: install it with your system's package manager, or start Docker");
    }
    if !is_root() {
        bail!("{what} is missing: `sudo apt-get install --no-install-recommends {package}`, or start Docker");
    }
    progress::step(
        &format!("{what} is missing: installing {package} with apt-get"),
        || {
            if !is_known(package) {
                apt_get(&["update"])?;
            }
            apt_get(&["install", "--no-install-recommends", package]).or_else(|_| {
                apt_get(&["update"]).and_then(|()| apt_get(&["install", "--no-install-recommends", package]))
            })
        },
    )
}

/// Installs PostgreSQL's server programs without the server that Debian would start with them.
pub(crate) fn install_postgres() -> Result<()> {
    let switch = Path::new(NO_CLUSTER);
    let guarded = is_root() && has_apt();
    if guarded {
        let folder = switch.parent().context("the file has a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(switch, "create_main_cluster = false\n")
            .with_context(|| format!("cannot write {NO_CLUSTER}"))?;
    }
    let outcome = install("the PostgreSQL server", "postgresql");
    if guarded {
        fs::remove_file(switch).with_context(|| format!("cannot remove {NO_CLUSTER}"))?;
    }
    outcome
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
