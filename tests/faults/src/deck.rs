//! Which fault comes next: every row of the table once, in random order, before any comes again.

use fastrand::Rng;

/// What is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// The server whose relay does not lead.
    RestServer,
    /// The server whose relay leads.
    RelayLeader,
    Indexer1,
    Indexer2,
    Broker,
    Elasticsearch,
    Postgres,
}

/// How it is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Means {
    /// SIGKILL, and started again after a while.
    Kill,
    /// SIGSTOP, and SIGCONT 15 s later.
    Freeze,
    /// SIGTERM (for PostgreSQL SIGINT, which does not wait for clients), and started again.
    Terminate,
    /// The network between it and whatever it talks to: silent, mute one way, or reset and refused.
    Cut,
    /// Elasticsearch's own reaction to a full disk.
    FloodStage,
}

/// What goes on meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Nothing but the load.
    Steady,
    /// An indexer leaves the group and comes back.
    Rebalance,
    /// Events have piled up, and more come than usual.
    Backlog,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Card {
    pub(crate) target: Target,
    pub(crate) means: Means,
    pub(crate) phase: Phase,
}

impl Target {
    pub(crate) const ALL: [Self; 7] = [
        Self::RestServer,
        Self::RelayLeader,
        Self::Indexer1,
        Self::Indexer2,
        Self::Broker,
        Self::Elasticsearch,
        Self::Postgres,
    ];

    pub(crate) fn is_engine(self) -> bool {
        matches!(self, Self::Broker | Self::Elasticsearch | Self::Postgres)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RestServer => "rest-server",
            Self::RelayLeader => "relay leader",
            Self::Indexer1 => "indexer 1",
            Self::Indexer2 => "indexer 2",
            Self::Broker => "broker",
            Self::Elasticsearch => "elasticsearch",
            Self::Postgres => "postgres",
        }
    }
}

impl Means {
    const ALL: [Self; 5] = [
        Self::Kill,
        Self::Freeze,
        Self::Terminate,
        Self::Cut,
        Self::FloodStage,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "SIGKILL",
            Self::Freeze => "SIGSTOP 15 s",
            Self::Terminate => "SIGTERM",
            Self::Cut => "network cut",
            Self::FloodStage => "flood stage",
        }
    }
}

impl Phase {
    pub(crate) const ALL: [Self; 3] = [Self::Steady, Self::Rebalance, Self::Backlog];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Rebalance => "rebalance",
            Self::Backlog => "backlog",
        }
    }
}

/// Every row: each means on each target in each phase; the flood stage is Elasticsearch's alone.
pub(crate) fn table() -> Vec<Card> {
    let mut cards = Vec::new();
    for target in Target::ALL {
        for means in Means::ALL {
            if means == Means::FloodStage && target != Target::Elasticsearch {
                continue;
            }
            cards.extend(Phase::ALL.map(|phase| Card { target, means, phase }));
        }
    }
    cards
}

/// Two shuffled piles, because an engine is away for far longer than a process: one for engines, one for the rest.
#[derive(Debug)]
pub(crate) struct Deck {
    rng: Rng,
    engines: Vec<Card>,
    processes: Vec<Card>,
}

impl Deck {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            engines: Vec::new(),
            processes: Vec::new(),
        }
    }

    /// The next card of the engines' pile or of the other whose target is free; `None` when none of those left is.
    pub(crate) fn deal(&mut self, engine: bool, is_free: impl Fn(Target) -> bool) -> Option<Card> {
        let pile = if engine {
            &mut self.engines
        } else {
            &mut self.processes
        };
        if pile.is_empty() {
            pile.extend(
                table()
                    .into_iter()
                    .filter(|card| card.target.is_engine() == engine),
            );
            self.rng.shuffle(pile);
        }
        let place = pile.iter().position(|card| is_free(card.target))?;
        Some(pile.remove(place))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Card, Deck, Means, Target, table};

    fn deal_all(seed: u64) -> Vec<Card> {
        let mut deck = Deck::new(seed);
        let cards = (0..table().len()).map(|number| {
            let engines = table().iter().filter(|card| card.target.is_engine()).count();
            deck.deal(number < engines, |_| true).unwrap()
        });
        cards.collect()
    }

    #[test]
    fn every_row_is_dealt_once_before_any_comes_again() {
        let dealt: BTreeSet<Card> = deal_all(1).into_iter().collect();
        assert_eq!(dealt, table().into_iter().collect());
        assert_eq!(dealt.len(), (7 * 4 + 1) * 3);
    }

    #[test]
    fn a_seed_deals_the_same_cards_again_and_another_does_not() {
        assert_eq!(deal_all(5), deal_all(5));
        assert_ne!(deal_all(5), deal_all(6));
    }

    #[test]
    fn a_target_that_is_in_fault_is_passed_over_and_its_rows_stay_in_the_pile() {
        let mut deck = Deck::new(3);
        let mut dealt = Vec::new();
        while let Some(card) = deck.deal(true, |target| target != Target::Broker) {
            dealt.push(card);
            assert!(dealt.len() < 100);
        }
        assert!(dealt.iter().all(|card| card.target != Target::Broker));
        assert_eq!(dealt.len(), 27);
        assert_eq!(
            deck.deal(true, |_| true).map(|card| card.target),
            Some(Target::Broker)
        );
        assert!(dealt.iter().any(|card| card.means == Means::FloodStage));
    }
}
