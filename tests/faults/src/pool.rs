//! Which tasks the load writes to: a few hot ones all the time, the others now and then.

use fastrand::Rng;

/// How many tasks are hot.
pub(crate) const HOT: usize = 6;

/// Tasks that were created and of which no deletion was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    hot: Vec<Known>,
    cold: Vec<Known>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: String,
    /// What a replacement has to repeat.
    pub(crate) external_id: Option<String>,
}

impl Pool {
    /// Whether the next task created should become a hot one.
    pub(crate) fn wants_hot(&self) -> bool {
        self.hot.len() < HOT
    }

    pub(crate) fn add(&mut self, known: Known, hot: bool) {
        if hot && self.wants_hot() {
            self.hot.push(known);
        } else {
            self.cold.push(known);
        }
    }

    /// One to update: a hot one half of the time.
    pub(crate) fn choose(&self, rng: &mut Rng) -> Option<Known> {
        let pile = if rng.bool() && !self.hot.is_empty() {
            &self.hot
        } else {
            &self.cold
        };
        rng.choice(pile).cloned()
    }

    /// One to delete: a hot one now and then. It is forgotten here.
    pub(crate) fn take(&mut self, rng: &mut Rng) -> Option<Known> {
        let pile = if rng.u8(..12) == 0 && !self.hot.is_empty() {
            &mut self.hot
        } else {
            &mut self.cold
        };
        (!pile.is_empty()).then(|| pile.swap_remove(rng.usize(..pile.len())))
    }

    pub(crate) fn hot(&self) -> Vec<Known> {
        self.hot.clone()
    }
}
