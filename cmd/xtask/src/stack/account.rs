//! Who the engines run as, and where that account can reach.
//!
//! PostgreSQL and Elasticsearch refuse to run as root. Root therefore starts every engine as `nobody`; an ordinary
//! user starts them as itself.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{MetadataExt, PermissionsExt, lchown},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::checkout::Checkout;

/// The account engines run under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    /// Present when this tool runs as root and the engines must not.
    lowered: Option<Ids>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ids {
    user: u32,
    group: u32,
}

impl Account {
    /// The caller's own account, or `nobody` when the caller is root.
    pub(crate) fn choose() -> Result<Self> {
        if !is_root() {
            return Ok(Self { lowered: None });
        }
        let accounts = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let nobody = find_account(&accounts, "nobody")
            .context("running as root, and there is no account `nobody` for the engines to run as")?;
        Ok(Self {
            lowered: Some(nobody),
        })
    }

    /// A command that will run under this account.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        if let Some(ids) = self.lowered {
            command.uid(ids.user).gid(ids.group);
        }
        command
    }

    /// Gives a folder and all in it to this account.
    pub(crate) fn hand_over(&self, path: &Path) -> Result<()> {
        let Some(ids) = self.lowered else {
            return Ok(());
        };
        lchown(path, Some(ids.user), Some(ids.group))
            .with_context(|| format!("cannot give {} to the engines' account", path.display()))?;
        if path.is_dir() && !path.is_symlink() {
            for entry in fs::read_dir(path)? {
                self.hand_over(&entry?.path())?;
            }
        }
        Ok(())
    }

    /// The folder for programs, data and logs: `target/stack` where this account can get there, else one of this
    /// checkout's own under `/var/tmp`, which may not be there yet: `claim` makes it.
    pub(crate) fn engine_folder(&self, checkout: &Checkout) -> Result<PathBuf> {
        let inside = checkout.stack_folder();
        fs::create_dir_all(&inside).with_context(|| format!("cannot create {}", inside.display()))?;
        if self.lowered.is_none() || self.can_reach(&inside) {
            return Ok(inside);
        }
        let outside = PathBuf::from(format!("/var/tmp/taskwire-stack-{}", checkout.fingerprint()));
        refuse_foreign(&outside)?;
        Ok(outside)
    }

    fn can_reach(&self, folder: &Path) -> bool {
        let script = r#"test -x "$1" && test -r "$1""#;
        let mut command = self.command("/bin/sh");
        command
            .args(["-c", script, "sh"])
            .arg(folder)
            .current_dir("/")
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Makes a folder under a name others could guess, refusing one that somebody else put there first.
pub(crate) fn claim(folder: &Path) -> Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot create {}", folder.display()));
        }
        _ => refuse_foreign(folder)?,
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot open {} to the engines' account", folder.display()))
}

/// Refuses a folder that is there but was not made by this account.
fn refuse_foreign(folder: &Path) -> Result<()> {
    let own = fs::metadata("/proc/self").context("cannot ask for this process's account")?;
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() && found.uid() == own.uid() => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(_) => bail!("{} exists and is not ours: remove it", folder.display()),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", folder.display())),
    }
}

fn find_account(passwd: &str, name: &str) -> Option<Ids> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let entry = fields
        .into_iter()
        .find(|fields| fields[0] == name && fields.len() > 3)?;
    Some(Ids {
        user: entry[2].parse().ok()?,
        group: entry[3].parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Ids, claim, find_account, refuse_foreign};

    #[test]
    fn a_folder_that_somebody_else_prepared_is_refused() {
        let place = std::env::temp_dir().join(format!("xtask-claim-{}", std::process::id()));
        let folder = place.join("stack");
        std::fs::create_dir(&place).unwrap();
        refuse_foreign(&folder).unwrap();
        assert!(!folder.exists(), "looking makes nothing");
        claim(&folder).unwrap();
        claim(&folder).unwrap();
        std::fs::remove_dir(&folder).unwrap();
        std::os::unix::fs::symlink("/etc", &folder).unwrap();
        assert!(refuse_foreign(&folder).is_err() && claim(&folder).is_err());
        std::fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nnobody2:x:7:7::/:\nnobody:x:65534:65533:n:/:/bin/false\nodd\n";
        assert_eq!(
            find_account(passwd, "nobody"),
            Some(Ids {
                user: 65_534,
                group: 65_533
            })
        );
        assert_eq!(find_account(passwd, "odd"), None);
    }
}
