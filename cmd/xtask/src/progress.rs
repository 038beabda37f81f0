//! Says what is going on while something slow runs, so that nobody wonders whether it hangs.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How long a step may be silent.
const REMINDER: Duration = Duration::from_secs(5);

/// Runs one step, saying that it started, every few seconds that it still goes on, and how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let started = Instant::now();
    eprintln!("{what} ...");
    let (finished, still_running) = mpsc::channel::<()>();
    let outcome = thread::scope(|scope| {
        scope.spawn(move || {
            while still_running.recv_timeout(REMINDER) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{what} ... {} s", started.elapsed().as_secs());
            }
        });
        let outcome = work();
        drop(finished);
        outcome
    });
    let took = started.elapsed().as_secs_f32();
    match &outcome {
        Ok(_) => eprintln!("{what}: done in {took:.1} s"),
        Err(_) => eprintln!("{what}: failed after {took:.1} s"),
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn a_step_hands_on_what_its_work_returned() {
        assert_eq!(step("adding", || Ok(1 + 1)).unwrap(), 2);
        assert!(step("failing", || anyhow::bail!("no") as anyhow::Result<()>).is_err());
    }
}
