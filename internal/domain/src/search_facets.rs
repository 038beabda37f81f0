//! How many results there are of each kind.

use crate::{Priority, SearchFilter, TimeRange, Timestamp};

/// What results can be counted by. A facet counts the tasks that match the text and every filter but its own, so that a
/// caller sees what another choice would find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// Every priority, also one that no task has, the least first.
    Priority,
    /// Not done, done.
    IsDone,
    /// Each category in lower case, the most frequent first, then by name; at most [`Facet::MAX_CATEGORIES`].
    Categories,
    /// Each day of UTC on which tasks are due, the earliest first; at most [`Facet::MAX_DAYS`].
    Due,
}

impl Facet {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Priority, Self::IsDone, Self::Categories, Self::Due];
    /// The most categories that are counted.
    pub const MAX_CATEGORIES: usize = 100;
    /// The most days that are counted.
    pub const MAX_DAYS: usize = 1_000;

    /// The name callers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::IsDone => "isDone",
            Self::Categories => "categories",
            Self::Due => "due",
        }
    }
}

/// A kind of result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FacetValue {
    /// Of this priority.
    Priority(Priority),
    /// Done, or not.
    IsDone(bool),
    /// With this category, in lower case.
    Category(String),
    /// Due on the day that begins then.
    Day(Timestamp),
}

/// How many there are of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetCount {
    /// Which kind.
    pub value: FacetValue,
    /// How many.
    pub count: u64,
}

impl SearchFilter {
    /// The conditions on what the facet counts by, and no others.
    pub fn of(&self, facet: Facet) -> Self {
        let mut own = Self::default();
        own.take(facet, self);
        own
    }

    /// All conditions but those on what the facet counts by.
    pub fn without(&self, facet: Facet) -> Self {
        let mut others = self.clone();
        others.take(facet, &Self::default());
        others
    }

    /// Takes the conditions on what the facet counts by from another filter.
    fn take(&mut self, facet: Facet, other: &Self) {
        match facet {
            Facet::Priority => self.priority = other.priority,
            Facet::IsDone => self.is_done = other.is_done,
            Facet::Categories => self.categories.clone_from(&other.categories),
            Facet::Due => self.due = other.due,
        }
    }

    /// Whether there is a condition on what the facet counts by.
    pub fn restricts(&self, facet: Facet) -> bool {
        match facet {
            Facet::Priority => self.priority.is_some(),
            Facet::IsDone => self.is_done.is_some(),
            Facet::Categories => self.categories.is_some(),
            Facet::Due => self.due != TimeRange::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facets_own_conditions_and_the_others_make_the_whole() {
        let whole = SearchFilter {
            is_done: Some(true),
            priority: Some(Priority::Low),
            categories: crate::Categories::parse(vec!["a".into()]).ok(),
            due: TimeRange {
                after: "2026-05-01T00:00:00Z".parse().ok(),
                before: None,
            },
            ..SearchFilter::default()
        };
        for facet in Facet::ALL {
            let (own, others) = (whole.of(facet), whole.without(facet));
            assert!(own.restricts(facet) && !others.restricts(facet), "{facet:?}");
            for other in Facet::ALL.into_iter().filter(|&other| other != facet) {
                assert!(
                    !own.restricts(other) && others.restricts(other),
                    "{facet:?} {other:?}"
                );
            }
            let mut again = others;
            again.take(facet, &own);
            assert_eq!(again, whole);
        }
        assert!(
            Facet::ALL
                .iter()
                .all(|&facet| !SearchFilter::default().restricts(facet))
        );
    }
}
