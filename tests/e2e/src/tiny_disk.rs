//! A disk of a few megabytes, to be filled and made read-only.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::Place;

/// Fills what is left.
const BALLAST: &str = "ballast";

/// Mounted where nobody else sees it: in the name space of a shell that waits for commands. It is gone with the shell,
/// which ends with its standard input, however the test ends.
pub struct TinyDisk {
    shell: Child,
    said: BufReader<ChildStdout>,
    mount_point: TempDir,
    /// What `nsenter` needs to get to where the shell is.
    enter: &'static str,
}

impl TinyDisk {
    /// An empty one. Only root may mount, and whoever may be root in a name space of their own.
    ///
    /// # Panics
    /// When this user may do neither.
    pub fn mount(mebibytes: u32) -> Self {
        let as_root = || Self::mount_by(&["--mount"], "--mount", mebibytes);
        let as_root_of_our_own = || {
            let enter = "--user --preserve-credentials --mount";
            Self::mount_by(&["--user", "--map-root-user", "--mount"], enter, mebibytes)
        };
        as_root()
            .or_else(as_root_of_our_own)
            .expect("a test that fills a disk has to mount one: run it as root, or allow user name spaces")
    }

    fn mount_by(unshare: &[&str], enter: &'static str, mebibytes: u32) -> Option<Self> {
        let mut shell = Command::new("unshare")
            .args(unshare)
            .args(["--propagation", "private", "sh"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare runs");
        let said = BufReader::new(shell.stdout.take().expect("standard output is piped"));
        let mount_point = tempfile::tempdir().expect("a folder can be made");
        let mut disk = Self {
            shell,
            said,
            mount_point,
            enter,
        };
        let size = format!("mount -t tmpfs -o mode=0777,size={mebibytes}m tmpfs");
        disk.obeys(&format!("{size} '{}'", disk.mount_point.path().display()))
            .then_some(disk)
    }

    /// A folder on it, for a process that is started where the disk can be seen.
    pub fn place(&self) -> Place {
        Place {
            folder: self.mount_point.path().join("data"),
            through: Some(format!(
                "exec nsenter {} --target {} \"$0\"",
                self.enter,
                self.shell.id()
            )),
        }
    }

    /// Its root, as it is reached from where it cannot be seen.
    fn path(&self) -> PathBuf {
        let inside = self.mount_point.path();
        let inside = inside
            .strip_prefix("/")
            .expect("a temporary folder has an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.shell.id())).join(inside)
    }

    /// Leaves no room, not for a byte.
    pub fn fill(&self) {
        let mut options = OpenOptions::new();
        let ballast = options.create(true).append(true).open(self.path().join(BALLAST));
        let mut ballast = ballast.expect("the disk can be written");
        let error = loop {
            if let Err(error) = ballast.write_all(&[0; 4_096]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    }

    /// Makes room again.
    pub fn clear(&self) {
        fs::remove_file(self.path().join(BALLAST)).expect("what fills the disk can be removed");
    }

    /// Allows no writing, or allows it again: where it is mounted, which whoever mounted it may always say.
    pub fn set_read_only(&mut self, read_only: bool) {
        let mode = if read_only { "ro" } else { "rw" };
        let remount = format!(
            "mount -o remount,bind,{mode} '{}'",
            self.mount_point.path().display()
        );
        assert!(self.obeys(&remount), "the disk can be mounted anew");
    }

    /// Whether the shell carried the command out.
    fn obeys(&mut self, command: &str) -> bool {
        let shell = self.shell.stdin.as_mut().expect("standard input is piped");
        // A shell that could not be given a name space is gone.
        let sent = writeln!(shell, "{command} && echo done || echo failed");
        let mut line = String::new();
        let read = self.said.read_line(&mut line);
        sent.is_ok() && read.is_ok() && line == "done\n"
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // It has nothing left to read, so it ends.
        let _ = self.shell.wait();
    }
}
