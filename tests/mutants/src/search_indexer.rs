//! `mutant-search-indexer`: what it can be made to do wrong.

use std::sync::Arc;

use taskwire_elasticsearch::Generation;
use taskwire_search_indexer::Ports;

use crate::choice::choose;
use crate::index::{AppliedBehind, HardDelete, Ignoring, Refusing, Unversioned};
use crate::parking::{ParkedBehind, SlowDeadLetters};
use crate::source::AutomaticStore;

/// What a mutation makes of the ports, given the index they are for.
pub type Rewire = fn(&Generation, Ports) -> Ports;

/// Each mutation by its name.
pub const MUTATIONS: &[(&str, Rewire)] = &[
    (crate::CONTROL, |_, ports| ports),
    ("control-item-429", |_, ports| Ports {
        index: Arc::new(Refusing::over(ports.index)),
        ..ports
    }),
    ("control-slow-dead-letters", |_, ports| Ports {
        dead_letters: Arc::new(SlowDeadLetters(ports.dead_letters)),
        ..ports
    }),
    ("elasticsearch-hard-delete", |generation, ports| Ports {
        index: Arc::new(HardDelete::over(ports.index, generation)),
        ..ports
    }),
    ("unversioned-index", |generation, ports| Ports {
        index: Arc::new(Unversioned::of(generation)),
        ..ports
    }),
    ("automatic-offset-store", |_, ports| Ports {
        source: Box::new(AutomaticStore(ports.source)),
        ..ports
    }),
    ("offset-stored-before-bulk-answered", |_, ports| Ports {
        index: Arc::new(AppliedBehind::over(ports.index)),
        ..ports
    }),
    ("item-429-ignored", |_, ports| Ports {
        index: Arc::new(Ignoring(Arc::new(Refusing::over(ports.index)))),
        ..ports
    }),
    ("park-after-acknowledge", |_, ports| Ports {
        dead_letters: Arc::new(ParkedBehind::new(Arc::new(SlowDeadLetters(ports.dead_letters)))),
        ..ports
    }),
];

/// The mutation that the environment names.
///
/// # Errors
/// A sentence with the names there are.
pub fn chosen() -> Result<Rewire, String> {
    choose(MUTATIONS)
}
