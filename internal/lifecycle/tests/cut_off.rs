//! A drain that is cut off ends the process there and then, whatever its blocking calls are at.
//!
//! Each test runs itself once more as a child that never drains, and sends that child real signals.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::{
    env,
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use taskwire_lifecycle::Lifecycle;

/// Set in the child.
const CHILD: &str = "TASKWIRE_LIFECYCLE_CHILD";
const NEVER: Duration = Duration::from_secs(3_600);
/// How long the child may take for what is awaited of it, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_second_signal_ends_the_process_at_once() {
    if env::var_os(CHILD).is_some() {
        drain_for_ever(NEVER);
    }
    let mut process = Stuck::start("a_second_signal_ends_the_process_at_once");
    process.signal("TERM");
    process.said("draining");
    process.signal("INT");
    assert_eq!(process.exit_code(), Some(1));
}

#[test]
fn a_drain_that_outlasts_its_limit_ends_the_process() {
    if env::var_os(CHILD).is_some() {
        drain_for_ever(Duration::from_millis(50));
    }
    let mut process = Stuck::start("a_drain_that_outlasts_its_limit_ends_the_process");
    process.signal("TERM");
    process.said("draining");
    assert_eq!(process.exit_code(), Some(1));
}

/// The child: a process whose drain waits for a blocking call that does not end.
fn drain_for_ever(grace: Duration) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        let mut lifecycle = Lifecycle::new().unwrap();
        let stopping = lifecycle.stopping();
        lifecycle.spawn("stuck", async move {
            println!("running");
            stopping.cancelled().await;
            println!("draining");
            tokio::task::spawn_blocking(|| thread::sleep(NEVER)).await?;
            Ok(())
        });
        lifecycle.run_until_stopped(grace).await
    });
    panic!("the process outlived its drain");
}

/// The parent's view of it.
struct Stuck {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Stuck {
    fn start(test: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]).env(CHILD, "1");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stuck = Self { child, output };
        stuck.said("running");
        stuck
    }

    fn said(&mut self, line: &str) {
        let found = self.output.any(|said| said.unwrap().ends_with(line));
        assert!(found, "the child ended without saying {line:?}");
    }

    /// By the shell's own `kill`: a bare machine has no other.
    fn signal(&self, name: &str) {
        let script = format!("kill -s {name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end, for the child's output closes with it; a child that does not end is killed and fails the test.
    fn exit_code(mut self) -> Option<i32> {
        let (ended, end) = mpsc::channel();
        let output = self.output;
        thread::spawn(move || ended.send(output.count()));
        if end.recv_timeout(PATIENCE).is_err() {
            self.child.kill().unwrap();
        }
        self.child.wait().unwrap().code()
    }
}
