//! A program that is started again whenever it ends, as an init system would.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::finding::{Findings, Kind};

/// How long a program may take to end after SIGTERM; those that drain say 45 s of themselves.
const END_LIMIT: Duration = Duration::from_secs(60);

/// What a program says that gives up its drain after its own limit, which it may: its engines may be away.
const DRAIN_CUT_OFF: &str = "the drain took too long and was cut off";

/// What to run, and how.
pub(crate) struct Plan {
    /// Its name in reports, and of its log.
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) logs: PathBuf,
}

/// The program, running or about to.
pub(crate) struct Supervised {
    shared: Arc<Shared>,
    wanted: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Shared {
    plan: Plan,
    findings: Arc<Findings>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pid: Option<u32>,
    /// What we did to the one that runs now.
    killed: bool,
    terminated: Option<Instant>,
    starts: usize,
    cut_off: usize,
}

impl Supervised {
    /// Starts it.
    #[allow(clippy::disallowed_methods, reason = "the task is awaited by `end`")]
    pub(crate) fn start(plan: Plan, findings: Arc<Findings>, seed: u64) -> Self {
        let shared = Arc::new(Shared {
            plan,
            findings,
            state: Mutex::default(),
        });
        let (wanted, seen) = watch::channel(true);
        let task = tokio::spawn(keep_up(shared.clone(), seen, fastrand::Rng::with_seed(seed)));
        Self { shared, wanted, task }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.shared.plan.name
    }

    /// SIGKILL; it is started again soon.
    pub(crate) fn kill(&self) -> anyhow::Result<()> {
        self.state().killed = true;
        self.signal("KILL")
    }

    /// SIGTERM; it is started again when it has ended. Not sent twice, which would cut the drain off.
    pub(crate) fn terminate(&self) -> anyhow::Result<()> {
        let mut state = self.state();
        // One that is about to be started has not been asked anything.
        if state.pid.is_none() || state.terminated.is_some() {
            return Ok(());
        }
        state.terminated = Some(Instant::now());
        drop(state);
        self.signal("TERM")
    }

    /// SIGSTOP.
    pub(crate) fn freeze(&self) -> anyhow::Result<()> {
        self.signal("STOP")
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) -> anyhow::Result<()> {
        self.signal("CONT")
    }

    /// Whether it runs now.
    pub(crate) fn runs(&self) -> bool {
        self.state().pid.is_some()
    }

    /// How often it was started.
    pub(crate) fn starts(&self) -> usize {
        self.state().starts
    }

    /// How often it ended before it had drained, because its own time for that was over.
    pub(crate) fn cut_off(&self) -> usize {
        self.state().cut_off
    }

    /// SIGTERM, and no start afterwards until `resume`; returns when it has ended.
    pub(crate) async fn rest(&self) {
        let _ = self.terminate();
        self.wanted.send_replace(false);
        while self.runs() {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts it again after `rest`.
    pub(crate) fn resume(&self) {
        self.wanted.send_replace(true);
    }

    /// Ends it for good.
    pub(crate) async fn end(self) {
        self.rest().await;
        self.task.abort();
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        // Held while the signal is sent: the number is not given back before the state says so.
        let state = self.state();
        let Some(pid) = state.pid else { return Ok(()) };
        // The shell's own `kill`: a bare machine has no other.
        let sent = std::process::Command::new("sh")
            .args(["-c", &format!("kill -s {name} {pid} 2>/dev/null")])
            .status();
        sent.with_context(|| format!("SIG{name} cannot be sent to {}", self.name()))?;
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let Plan {
            name,
            program,
            settings,
            logs,
        } = &self.plan;
        let log = log_file(logs, name)?;
        let mut command = Command::new(program);
        let inherited = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"];
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| inherited.iter().any(|known| name == known)))
            .env("LOG_FORMAT", "json")
            .env("RUST_BACKTRACE", "1")
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        command
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))
    }

    fn started(&self, child: &Child) {
        let mut state = self.state();
        state.pid = child.id();
        state.killed = false;
        state.terminated = None;
        state.starts += 1;
    }

    /// Takes note of an end, and of what is wrong with it.
    fn ended(&self, status: std::process::ExitStatus) {
        let mut state = self.state();
        state.pid = None;
        let (killed, terminated) = (std::mem::take(&mut state.killed), state.terminated.take());
        drop(state);
        let name = self.plan.name;
        if killed || (terminated.is_some() && status.success()) {
            return;
        }
        let how = if terminated.is_some() {
            "after SIGTERM"
        } else {
            "by itself"
        };
        let log = self.plan.logs.join(format!("{name}.log"));
        if terminated.is_some() && status.code() == Some(1) && ends_with(&log, DRAIN_CUT_OFF) {
            self.state().cut_off += 1;
            return;
        }
        let text = format!("{name} ended {how} with {status}: {}", last_words(&log));
        self.findings.add(Kind::Process, text);
    }
}

async fn keep_up(shared: Arc<Shared>, mut wanted: watch::Receiver<bool>, mut rng: fastrand::Rng) {
    loop {
        if wanted.wait_for(|wanted| *wanted).await.is_err() {
            return;
        }
        match shared.spawn() {
            Ok(child) => {
                shared.started(&child);
                watch_over(&shared, child).await;
            }
            Err(error) => shared.findings.add(Kind::Process, format!("{error:#}")),
        }
        sleep(Duration::from_millis(rng.u64(100..3_000))).await;
    }
}

/// Returns when it has ended. One that does not end on SIGTERM is killed.
async fn watch_over(shared: &Shared, mut child: Child) {
    loop {
        if let Ok(Ok(status)) = timeout(Duration::from_millis(500), child.wait()).await {
            shared.ended(status);
            return;
        }
        let mut state = shared.state();
        if state.terminated.is_some_and(|since| since.elapsed() > END_LIMIT) && !state.killed {
            state.killed = true;
            drop(state);
            let text = format!("{} did not end within {END_LIMIT:?} of SIGTERM", shared.plan.name);
            shared.findings.add(Kind::Process, text);
            let _ = child.start_kill();
        }
    }
}

fn log_file(folder: &Path, name: &str) -> anyhow::Result<File> {
    let path = folder.join(format!("{name}.log"));
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Whether one of the last lines of a log says this.
fn ends_with(log: &Path, message: &str) -> bool {
    let text = end_of(log);
    text.lines().rev().take(20).any(|line| line.contains(message))
}

/// The last lines of a log.
fn last_words(log: &Path) -> String {
    let text = end_of(log);
    let lines: Vec<&str> = text.lines().rev().take(6).collect();
    lines
        .into_iter()
        .rev()
        .map(|line| format!("\n    {line}"))
        .collect()
}

fn end_of(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(64 * 1024)..]).into_owned()
}
