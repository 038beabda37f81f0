//! What is known of whether the server answers. It neither asks nor looks at a clock.

use std::time::Duration;

use tokio::time::Instant;

/// Whether the server answers, and who waits for it to.
#[derive(Debug)]
pub(crate) struct Presence {
    /// Those who wait one behind the other wait together unless there is a pause as long as this between them.
    patience: Duration,
    /// When it was heard last.
    heard: Option<Instant>,
    /// When it gave no sign of life; `None` while it counts as there.
    silent: Option<Instant>,
    waiting: usize,
    /// Since when those who wait, and those before them, heard nothing.
    unheard_since: Option<Instant>,
    /// When the last one ceased to wait.
    awaited_until: Option<Instant>,
}

/// What changed for searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The server counted as silent until now.
    Back,
    /// It counted as there until now.
    Gone,
}

impl Presence {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            heard: None,
            silent: None,
            waiting: 0,
            unheard_since: None,
            awaited_until: None,
        }
    }

    /// One more waits; since when nothing was heard. Callers who give up early wait in vain together as one would who does
    /// not; where nobody waited for a while the silence begins now.
    pub(crate) fn begin_to_wait(&mut self, now: Instant) -> Instant {
        let goes_on = self.waiting > 0
            || self
                .awaited_until
                .is_some_and(|until| now.saturating_duration_since(until) < self.patience);
        let before = self.unheard_since.filter(|_| goes_on);
        self.waiting += 1;
        *self.unheard_since.insert(before.unwrap_or(now))
    }

    /// One fewer waits, answered or not.
    pub(crate) fn cease_to_wait(&mut self, now: Instant) {
        self.waiting = self.waiting.saturating_sub(1);
        self.awaited_until = Some(now);
    }

    /// The server was heard.
    pub(crate) fn hear(&mut self, now: Instant) -> Option<Change> {
        self.heard = Some(now);
        self.unheard_since = (self.waiting > 0).then_some(now);
        self.silent.take().map(|_| Change::Back)
    }

    /// It was asked for a sign of life at that time, and gave none. Nothing follows from that when anybody heard it since.
    pub(crate) fn note_no_sign(&mut self, asked: Instant, now: Instant) -> Option<Change> {
        if self.heard_since(asked).is_some() {
            return None;
        }
        let was_there = self.silent.replace(now).is_none();
        was_there.then_some(Change::Gone)
    }

    /// When it was heard last, if it was after that time.
    pub(crate) fn heard_since(&self, then: Instant) -> Option<Instant> {
        self.heard.filter(|heard| *heard > then)
    }

    /// When it gave no sign of life, if nothing was heard since.
    pub(crate) fn silent(&self) -> Option<Instant> {
        self.silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(400);

    /// A presence, and the time so many milliseconds from its beginning.
    fn presence() -> (Presence, impl Fn(u64) -> Instant) {
        let began = Instant::now();
        (Presence::new(PATIENCE), move |millis| {
            began + Duration::from_millis(millis)
        })
    }

    #[test]
    fn who_waits_beside_or_soon_after_another_has_waited_as_long() {
        let (mut presence, at) = presence();
        assert_eq!(presence.begin_to_wait(at(0)), at(0));
        assert_eq!(presence.begin_to_wait(at(590)), at(0), "beside");
        presence.cease_to_wait(at(750));
        assert_eq!(presence.begin_to_wait(at(1_180)), at(0), "beside the second");
        presence.cease_to_wait(at(1_340));
        presence.cease_to_wait(at(1_930));
        assert_eq!(presence.begin_to_wait(at(2_329)), at(0), "soon after");
        presence.cease_to_wait(at(2_400));
        assert_eq!(presence.begin_to_wait(at(2_800)), at(2_800), "after a pause");
    }

    #[test]
    fn silence_begins_anew_when_the_server_was_heard() {
        let (mut presence, at) = presence();
        presence.begin_to_wait(at(0));
        presence.begin_to_wait(at(100));
        presence.cease_to_wait(at(300));
        assert_eq!(presence.hear(at(300)), None);
        assert_eq!(presence.begin_to_wait(at(500)), at(300), "one still waits");
        presence.cease_to_wait(at(600));
        presence.cease_to_wait(at(600));
        presence.hear(at(600));
        assert_eq!(presence.begin_to_wait(at(700)), at(700), "nobody did");
    }

    #[test]
    fn no_sign_counts_only_when_nothing_was_heard_since_it_was_asked_for() {
        let (mut presence, at) = presence();
        presence.hear(at(100));
        assert_eq!(presence.note_no_sign(at(99), at(400)), None);
        assert_eq!(presence.silent(), None);
        assert_eq!(presence.note_no_sign(at(100), at(500)), Some(Change::Gone));
        assert_eq!(presence.note_no_sign(at(600), at(900)), None, "it was known");
        assert_eq!(presence.silent(), Some(at(900)));
        assert_eq!(presence.hear(at(1_000)), Some(Change::Back));
        assert_eq!(presence.hear(at(1_001)), None);
        assert_eq!(presence.silent(), None);
    }
}
