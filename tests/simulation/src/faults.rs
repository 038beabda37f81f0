//! Which faults a seed has. Each seed has some kinds and lacks others: what only shows while something else is quiet
//! would never show if everything went wrong at once.

use fastrand::Rng;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The database ends a relay's session, or its answer to a deletion is lost.
    SessionLost,
    DatabaseCrash,
    /// The lock is granted twice.
    SplitBrain,
    RelayCrash,
    RelayStop,
    RelayFreeze,
    /// Requests to the broker are lost, or their acknowledgements are.
    BrokerTrouble,
    /// The broker refuses an event for its size until somebody repairs the topic.
    EventTooLarge,
    ConsumerCrash,
    ConsumerStop,
    ConsumerFreeze,
    Rebalance,
    /// A source waits no longer for the release of a partition.
    GivenUp,
    PartitionsLost,
    CommitFails,
    /// A group is set back, mostly to 0.
    Rewind,
    /// Some items of a bulk are answered with 429.
    IndexPartial,
    /// A bulk is applied, or not, and reported as failed.
    IndexFails,
    /// A bulk that nobody waits for any more is applied later.
    IndexLate,
    IndexHalts,
    /// The engine restarts, or a minute passes.
    IndexForgets,
    ParkFails,
    ParkRefused,
    /// Only so many records may be parked within a minute.
    ParkLimit,
    Poison,
    Holes,
    Rebuild,
    /// In the end the whole topic is read once more.
    Replay,
}

impl Fault {
    const ALL: [Self; 28] = [
        Self::SessionLost,
        Self::DatabaseCrash,
        Self::SplitBrain,
        Self::RelayCrash,
        Self::RelayStop,
        Self::RelayFreeze,
        Self::BrokerTrouble,
        Self::EventTooLarge,
        Self::ConsumerCrash,
        Self::ConsumerStop,
        Self::ConsumerFreeze,
        Self::Rebalance,
        Self::GivenUp,
        Self::PartitionsLost,
        Self::CommitFails,
        Self::Rewind,
        Self::IndexPartial,
        Self::IndexFails,
        Self::IndexLate,
        Self::IndexHalts,
        Self::IndexForgets,
        Self::ParkFails,
        Self::ParkRefused,
        Self::ParkLimit,
        Self::Poison,
        Self::Holes,
        Self::Rebuild,
        Self::Replay,
    ];
}

/// The faults of one seed.
#[derive(Debug)]
pub(crate) struct Faults {
    kinds: Vec<Fault>,
    /// One step in so many is a fault.
    pub(crate) one_in: u32,
    over: bool,
}

impl Faults {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let kinds = Fault::ALL.into_iter().filter(|_| rng.bool()).collect();
        Self {
            kinds,
            one_in: [4, 8, 16, 40][rng.usize(..4)],
            over: false,
        }
    }

    /// Peace.
    pub(crate) fn end(&mut self) {
        self.over = true;
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.kinds.contains(&fault)
    }

    /// Whether this goes wrong now.
    pub(crate) fn strikes(&self, fault: Fault, rng: &mut Rng, one_in: u32) -> bool {
        !self.over && self.has(fault) && rng.u32(..one_in) == 0
    }

    /// Any kind of this seed.
    pub(crate) fn any(&self, rng: &mut Rng) -> Option<Fault> {
        if self.kinds.is_empty() {
            return None;
        }
        self.kinds.get(rng.usize(..self.kinds.len())).copied()
    }
}
