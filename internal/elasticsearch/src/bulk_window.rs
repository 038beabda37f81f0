//! How much is sent at a time: as much as the server bears.

/// The least bytes to fall back to: some hundred small tasks.
const FLOOR_BYTES: usize = 64 * 1024;

/// What a window's worth of successes adds.
const STEP_BYTES: usize = 256 * 1024;

/// The bytes of bulk bodies that may be on their way at one time.
///
/// Halved by trouble, widened again by successes, a step at a time: the rule by which TCP shares a line. A narrower
/// window first means fewer requests at once, then smaller ones. That matters where there is one at a time: a request
/// larger than the server's memory has room for is answered 429 however often it is sent.
#[derive(Debug)]
pub(crate) struct Window {
    bytes: usize,
    most_bytes: usize,
    request_bytes: usize,
    floor: usize,
    halvings: u64,
}

/// Which window a request was sent under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Width(u64);

impl Window {
    /// As wide as it gets. At least one full request fits, even if `most_bytes` is less.
    pub(crate) fn new(request_bytes: usize, most_bytes: usize) -> Self {
        let most_bytes = most_bytes.max(request_bytes);
        Self {
            bytes: most_bytes,
            most_bytes,
            request_bytes,
            floor: FLOOR_BYTES.min(request_bytes),
            halvings: 0,
        }
    }

    /// The most bytes that the next request may have; `None` while what is on its way leaves no room for it. Alone it may
    /// always go, with one operation in it that is larger than the window, if need be.
    pub(crate) fn room(&self, in_flight: usize) -> Option<usize> {
        let request = self.request_bytes.min(self.bytes);
        (in_flight == 0 || in_flight + request <= self.bytes).then_some(request)
    }

    /// The bytes of the window.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// To be remembered with a request.
    pub(crate) fn width(&self) -> Width {
        Width(self.halvings)
    }

    /// A request was answered with trouble, or not at all. Requests that were on their way together are one trouble.
    pub(crate) fn trouble(&mut self, sent_under: Width) {
        if sent_under == self.width() {
            self.bytes = (self.bytes / 2).max(self.floor);
            self.halvings += 1;
        }
    }

    /// A request of so many bytes was answered without trouble.
    pub(crate) fn success(&mut self, sent: usize) {
        let share = STEP_BYTES.saturating_mul(sent) / self.bytes.max(1);
        self.bytes = (self.bytes + share).min(self.most_bytes);
    }

    /// A request of so many bytes, and of more than one operation, is larger than the server or something on the way to it
    /// takes (413). That is a setting over there, so it is not tried again.
    pub(crate) fn too_large(&mut self, sent: usize) {
        self.request_bytes = self.request_bytes.min((sent / 2).max(self.floor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn window() -> Window {
        Window::new(2 * MIB, 8 * MIB)
    }

    /// How many full requests may be on their way at once.
    fn at_once(window: &Window) -> usize {
        let mut in_flight = 0;
        let mut requests = 0;
        while let Some(bytes) = window.room(in_flight) {
            in_flight += bytes;
            requests += 1;
        }
        requests
    }

    #[test]
    fn what_is_on_its_way_never_exceeds_the_budget() {
        assert_eq!(at_once(&window()), 4);
        assert_eq!(at_once(&Window::new(3 * MIB, 8 * MIB)), 2);
        assert_eq!(at_once(&Window::new(3 * MIB, MIB)), 1);
        assert_eq!(window().room(6 * MIB), Some(2 * MIB));
        assert_eq!(window().room(6 * MIB + 1), None);
        assert_eq!(window().room(100 * MIB), None);
    }

    #[test]
    fn trouble_means_fewer_requests_then_smaller_ones_and_never_none() {
        let mut window = window();
        let mut seen = Vec::new();
        for _ in 0..9 {
            seen.push((at_once(&window), window.room(0).unwrap() / 1024));
            window.trouble(window.width());
        }
        let wanted = [
            (4, 2048),
            (2, 2048),
            (1, 2048),
            (1, 1024),
            (1, 512),
            (1, 256),
            (1, 128),
            (1, 64),
            (1, 64),
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn requests_that_were_on_their_way_together_are_one_trouble() {
        let mut window = window();
        let width = window.width();
        window.trouble(width);
        window.trouble(width);
        assert_eq!(window.bytes(), 4 * MIB);
        window.trouble(window.width());
        assert_eq!(window.bytes(), 2 * MIB);
    }

    #[test]
    fn successes_widen_it_a_step_a_window_up_to_the_budget() {
        let mut window = window();
        window.trouble(window.width());
        let narrow = window.bytes();
        window.success(MIB);
        assert_eq!(window.bytes(), narrow + STEP_BYTES / 4);
        for _ in 0..100 {
            window.success(2 * MIB);
        }
        assert_eq!(window.bytes(), 8 * MIB);
    }

    #[test]
    fn a_size_refused_for_good_is_not_tried_again() {
        let mut window = window();
        window.too_large(MIB);
        for _ in 0..100 {
            window.success(MIB);
        }
        assert_eq!(window.room(0), Some(MIB / 2));
        window.too_large(1_000);
        assert_eq!(window.room(0), Some(FLOOR_BYTES));
    }
}
