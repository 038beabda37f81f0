//! Start, drain, stop: the life of a process.
//!
//! Long-running tasks are spawned through [`Lifecycle`] alone, so that one which ends by itself (by an error, a
//! panic or a return nobody asked for) takes the whole process down with a failing exit code instead of leaving
//! half a service behind. SIGTERM or SIGINT asks every task to drain; a second one ends the process at once, and
//! so does a drain that takes longer than its limit.
//!
//! This crate must not know what the tasks do.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How a named task ended.
type Ended = (&'static str, anyhow::Result<()>);

/// The running process: its tasks and the token that asks them to drain.
pub struct Lifecycle {
    tasks: JoinSet<Ended>,
    stopping: CancellationToken,
    terminate: Signal,
    interrupt: Signal,
}

impl Lifecycle {
    /// Takes over SIGTERM and SIGINT. Call it before anything is started, so that a signal during start-up is
    /// not lost.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            tasks: JoinSet::new(),
            stopping: CancellationToken::new(),
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Cancelled when the process is asked to stop: a task that sees it finishes what it holds and returns.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Starts a task that is to run until [`stopping`](Self::stopping) is cancelled.
    pub fn spawn<F>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Runs start-up work, giving it up when a signal arrives. `None` means that a signal came first.
    pub async fn start_up<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = stop_signal(&mut self.terminate, &mut self.interrupt) => None,
        }
    }

    /// Waits for a signal or for a task that ends by itself, then drains the others for at most `grace`.
    /// The exit code is 0 after a drain that a signal asked for, 1 otherwise.
    ///
    /// A drain that is cut off does not return: it ends the process with 1, here. Returning from `main` would first
    /// wait for every blocking call of the runtime, and what did not drain in time is likely to be one.
    pub async fn run_until_stopped(self, grace: Duration) -> ExitCode {
        match self.drain(grace).await {
            Drain::Complete(code) => code,
            Drain::CutOff => std::process::exit(1),
        }
    }

    async fn drain(mut self, grace: Duration) -> Drain {
        let mut healthy = tokio::select! {
            () = stop_signal(&mut self.terminate, &mut self.interrupt) => {
                tracing::info!("stopping");
                true
            }
            Some(ended) = self.tasks.join_next() => {
                // Before the drain nobody may end, not even with success.
                report(ended, false);
                false
            }
        };
        self.stopping.cancel();
        let drain = async {
            while let Some(ended) = self.tasks.join_next().await {
                healthy &= report(ended, true);
            }
        };
        tokio::select! {
            () = drain => {}
            () = tokio::time::sleep(grace) => {
                tracing::error!(grace.seconds = grace.as_secs(), "the drain took too long and was cut off");
                return Drain::CutOff;
            }
            () = stop_signal(&mut self.terminate, &mut self.interrupt) => {
                tracing::warn!("a second signal cut the drain off");
                return Drain::CutOff;
            }
        }
        Drain::Complete(if healthy {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// How the drain went.
#[derive(Debug, PartialEq)]
enum Drain {
    /// Every task has ended.
    Complete(ExitCode),
    /// Some task has not.
    CutOff,
}

async fn stop_signal(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Logs how a task ended; true when that is as it should be.
fn report(ended: Result<Ended, tokio::task::JoinError>, draining: bool) -> bool {
    match ended {
        Ok((_, Ok(()))) if draining => true,
        Ok((name, Ok(()))) => {
            tracing::error!(task = name, "a task returned although nobody asked it to stop");
            false
        }
        Ok((name, Err(error))) => {
            tracing::error!(task = name, error = format!("{error:#}"), "a task failed");
            false
        }
        Err(error) => {
            tracing::error!(error = %error, "a task panicked");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_task_that_fails_takes_the_others_down_in_order() {
        let mut lifecycle = Lifecycle::new().unwrap();
        let drained = Arc::new(AtomicBool::new(false));
        let (stopping, flag) = (lifecycle.stopping(), drained.clone());
        lifecycle.spawn("drains", async move {
            stopping.cancelled().await;
            flag.store(true, Ordering::SeqCst);
            Ok(())
        });
        lifecycle.spawn("fails", async { anyhow::bail!("broken") });
        assert_eq!(lifecycle.run_until_stopped(LONG).await, ExitCode::FAILURE);
        assert!(drained.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_task_that_panics_or_returns_unasked_is_a_failure() {
        let mut lifecycle = Lifecycle::new().unwrap();
        lifecycle.spawn("panics", async { panic!("on purpose") });
        assert_eq!(lifecycle.run_until_stopped(LONG).await, ExitCode::FAILURE);

        let mut lifecycle = Lifecycle::new().unwrap();
        lifecycle.spawn("returns", async { Ok(()) });
        assert_eq!(lifecycle.run_until_stopped(LONG).await, ExitCode::FAILURE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_that_hangs_is_cut_off() {
        let mut lifecycle = Lifecycle::new().unwrap();
        lifecycle.spawn("hangs", std::future::pending());
        lifecycle.spawn("fails", async { anyhow::bail!("broken") });
        assert_eq!(lifecycle.drain(Duration::from_secs(5)).await, Drain::CutOff);
    }
}
