//! When the versions of a task can have come to be.

use std::time::Instant;

/// From when to when; something happened at one moment in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Instant,
    pub(super) to: Instant,
}

/// One task's versions, the first at place 0 and, of a task that is gone, its end at the last place.
#[derive(Debug)]
pub(super) struct Timeline {
    beginnings: Vec<Span>,
}

impl Timeline {
    /// Versions that were made by writes during these.
    pub(super) fn new(makers: Vec<Span>) -> Self {
        Self { beginnings: makers }
    }

    /// The version at this place was current at some moment.
    pub(super) fn seen(&mut self, place: usize, at: Span) {
        self.seen_between(place, place, at);
    }

    /// One of the versions at these places was current at some moment.
    pub(super) fn seen_between(&mut self, first: usize, last: usize, at: Span) {
        if let Some(beginning) = self.beginnings.get_mut(first) {
            beginning.to = beginning.to.min(at.to);
        }
        if let Some(end) = self.beginnings.get_mut(last + 1) {
            end.from = end.from.max(at.from);
        }
    }

    /// Brings the versions in order; the first place that cannot be.
    pub(super) fn settle(&mut self) -> Result<(), usize> {
        for place in 1..self.beginnings.len() {
            let before = self.beginnings[place - 1].from;
            let beginning = &mut self.beginnings[place];
            beginning.from = beginning.from.max(before);
        }
        for place in (1..self.beginnings.len()).rev() {
            let after = self.beginnings[place].to;
            let beginning = &mut self.beginnings[place - 1];
            beginning.to = beginning.to.min(after);
        }
        let impossible = |span: &Span| span.from > span.to;
        self.beginnings.iter().position(impossible).map_or(Ok(()), Err)
    }

    /// Whether the version at this place can have been current at some moment of these.
    pub(super) fn may_be_at(&self, place: usize, at: Span) -> bool {
        let begins = self.beginnings.get(place).is_some_and(|span| span.from <= at.to);
        let ends = self.beginnings.get(place + 1);
        begins && ends.is_none_or(|span| span.to >= at.from)
    }

    /// Whether the version at this place was current at every moment of these.
    pub(super) fn must_be_at(&self, place: usize, at: Span) -> bool {
        let begins = self.beginnings.get(place).is_some_and(|span| span.to < at.from);
        let ends = self.beginnings.get(place + 1);
        begins && ends.is_none_or(|span| span.from > at.to)
    }

    /// Whether something can have changed after the task was made, during these.
    pub(super) fn may_change(&self, at: Span) -> bool {
        let later = self.beginnings.iter().skip(1);
        later
            .into_iter()
            .any(|span| span.from <= at.to && span.to >= at.from)
    }

    /// When the version at this place came to be.
    pub(super) fn beginning(&self, place: usize) -> Option<Span> {
        self.beginnings.get(place).copied()
    }
}
