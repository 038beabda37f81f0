//! Time that passes only as a test says, so that on a machine that stalls nothing comes too late.

use std::sync::mpsc;
use std::time::Duration;

/// By the true clock: longer than a machine stalls.
const LONG: Duration = Duration::from_secs(100);

/// Looks at the sockets after which what did not happen will not happen: some seconds of work, stalls not counted.
const LOOKS: usize = 2_000_000;

/// The clock of a test's own runtime, which has to have one thread.
pub(crate) struct StoppedClock {
    _held: mpsc::Sender<()>,
}

impl StoppedClock {
    pub(crate) fn stop() -> Self {
        tokio::time::pause();
        let (held, hold) = mpsc::channel();
        // With nothing but sockets to wait for, tokio would go on to the next timer by itself; not while something blocks.
        // After a long time it may, so that a test that is wrong ends.
        tokio::task::spawn_blocking(move || hold.recv_timeout(LONG));
        Self { _held: held }
    }

    /// Lets so much time pass, at least: timers go by whole milliseconds.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::advance(time + Duration::from_millis(1)).await;
    }
}

/// Waits, in no time, until it is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never was so that {what}");
}

/// Lets everything happen that needs no time.
pub(crate) async fn look_around() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
