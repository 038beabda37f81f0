//! Our binaries as child processes.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// How long a process may take for what a test awaits of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lines of log kept for a failing test.
const KEPT_LINES: usize = 200;

/// One of our binaries, running. It is killed when this value is dropped; if the test is failing then, the end
/// of its log is printed.
pub struct Process {
    name: String,
    child: Child,
    log: Arc<Log>,
}

struct Log {
    lines: Mutex<VecDeque<String>>,
    /// How many lines there were in all; changes wake those who wait for one.
    count: watch::Sender<usize>,
}

impl Process {
    /// Starts `name` with these settings as environment variables, and of the test's own only those that any program
    /// needs to run: a `RUST_LOG` in the developer's shell changes nothing. Its log lines are JSON.
    /// The binary must have been built: `cargo xtask test` does.
    pub fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_with(name, &[], settings)
    }

    /// As [`start`](Self::start), with arguments.
    pub fn start_with(name: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary(name));
        command
            .args(arguments)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| is_inherited(name)))
            .envs(settings.iter().copied())
            .env("LOG_FORMAT", "json");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let log = Arc::new(Log {
            lines: Mutex::default(),
            count: watch::channel(0).0,
        });
        let stderr = child.stderr.take().expect("standard error is piped");
        let written = log.clone();
        #[allow(
            clippy::disallowed_methods,
            reason = "a test's reader ends with the process it reads"
        )]
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                written.push(line);
            }
        });
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Waits for a log record with this message and returns it whole.
    pub async fn logged(&self, message: &str) -> Value {
        let mut count = self.log.count.subscribe();
        let found = async {
            loop {
                count.borrow_and_update();
                if let Some(record) = self.log.find(message) {
                    return record;
                }
                count
                    .changed()
                    .await
                    .expect("the sender lives as long as the log");
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(record) => record,
            Err(_) => panic!("{} did not log {message:?} within {PATIENCE:?}", self.name),
        }
    }

    /// Whether a record with this message is among the last few hundred lines of its log.
    pub fn has_logged(&self, message: &str) -> bool {
        self.log.find(message).is_some()
    }

    /// Its id, by which the system tells what it uses.
    ///
    /// # Panics
    /// When it has ended.
    pub fn id(&self) -> u32 {
        let id = self.child.id();
        id.unwrap_or_else(|| panic!("{} has ended already", self.name))
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends the signal of this name (`TERM`, `STOP`, `CONT` …).
    pub fn signal(&self, name: &str) {
        let pid = self.id();
        // The shell's own `kill`: a bare machine has no other.
        let sent = std::process::Command::new("sh")
            .args(["-c", &format!("kill -{name} {pid}")])
            .status();
        assert!(
            sent.expect("sh runs").success(),
            "SIG{name} could not be sent to {}",
            self.name
        );
    }

    /// Sends SIGKILL and waits for the end.
    pub async fn kill(&mut self) {
        self.child
            .kill()
            .await
            .unwrap_or_else(|error| panic!("{} cannot be killed: {error}", self.name));
    }

    /// Waits for the process to end by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.unwrap_or_else(|error| panic!("{} cannot be awaited: {error}", self.name)),
            Err(_) => panic!("{} did not end within {PATIENCE:?}", self.name),
        }
    }

    /// Whether the process still runs.
    pub fn runs(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("the state of a child can be asked")
            .is_none()
    }

    /// The last lines of its log.
    pub fn log_lines(&self) -> Vec<String> {
        self.log
            .lines
            .lock()
            .expect("nobody panics while holding the log")
            .iter()
            .cloned()
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the last log lines of {} ---", self.name);
            for line in self.log_lines().iter().rev().take(40).rev() {
                eprintln!("{line}");
            }
        }
    }
}

impl Log {
    fn push(&self, line: String) {
        let mut lines = self.lines.lock().expect("nobody panics while holding the log");
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
        drop(lines);
        self.count.send_modify(|count| *count += 1);
    }

    fn find(&self, message: &str) -> Option<Value> {
        let lines = self.lines.lock().expect("nobody panics while holding the log");
        let mut records = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        records.find(|record| record["message"] == message)
    }
}

/// Whether a binary gets this variable from the test: those of the system and of Rust's runtime, never a setting.
fn is_inherited(variable: &OsStr) -> bool {
    ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "RUST_BACKTRACE"]
        .iter()
        .any(|name| variable == *name)
}

/// The path of a binary of this workspace, in the target folder that this test was built into.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    // target/debug/deps/<test>
    let folder = test
        .ancestors()
        .nth(2)
        .expect("a test binary stands in target/<profile>/deps");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo xtask test`, or `cargo build --workspace`",
        path.display()
    );
    path
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::is_inherited;

    #[test]
    fn no_setting_of_the_developers_shell_reaches_a_binary() {
        for setting in [
            "RUST_LOG",
            "LOG_FORMAT",
            "DATABASE_URL",
            "METRICS_ADDR",
            "KAFKA_GROUP",
        ] {
            assert!(!is_inherited(OsStr::new(setting)), "{setting}");
        }
        assert!(is_inherited(OsStr::new("PATH")));
    }
}
