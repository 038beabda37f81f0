//! Keeps a complaint that librdkafka repeats several times a second from filling the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets one line through in each interval and counts the rest.
pub(crate) struct Throttle {
    interval: Duration,
    state: Mutex<(Option<Instant>, u64)>,
}

impl Throttle {
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::new((None, 0)),
        }
    }

    /// `Some(n)` when the line may be logged, n lines having been held back since the last one.
    pub(crate) fn admit(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0.is_some_and(|last| last.elapsed() < self.interval) {
            state.1 += 1;
            return None;
        }
        let held_back = std::mem::take(&mut state.1);
        state.0 = Some(Instant::now());
        Some(held_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_passes_in_an_interval_and_the_rest_are_counted() {
        let throttle = Throttle::new(Duration::from_secs(3600));
        assert_eq!(throttle.admit(), Some(0));
        assert_eq!(throttle.admit(), None);
        let open = Throttle::new(Duration::ZERO);
        assert_eq!((open.admit(), open.admit()), (Some(0), Some(0)));
    }
}
