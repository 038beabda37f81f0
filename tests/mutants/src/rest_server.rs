//! `mutant-rest-server`: what it can be made to do wrong.

use std::sync::Arc;

use taskwire_rest_server::Ports;

use crate::choice::choose;
use crate::deletions::Forgetful;
use crate::outbox::{Cursor, RangeDelete};
use crate::publishing::{PublishedBehind, SlowBroker};

/// What a mutation makes of the ports.
pub type Rewire = fn(Ports) -> Ports;

/// Each mutation by its name.
pub const MUTATIONS: &[(&str, Rewire)] = &[
    (crate::CONTROL, |ports| ports),
    ("control-slow-broker", |ports| Ports {
        publisher: Arc::new(SlowBroker(ports.publisher)),
        ..ports
    }),
    ("outbox-deleted-before-acknowledgement", |ports| Ports {
        publisher: Arc::new(PublishedBehind::new(Arc::new(SlowBroker(ports.publisher)))),
        ..ports
    }),
    ("cursor-id-greater-than-last", |ports| Ports {
        outbox: Arc::new(Cursor::over(ports.outbox)),
        ..ports
    }),
    ("range-delete", |ports| Ports {
        outbox: Arc::new(RangeDelete(ports.outbox)),
        ..ports
    }),
    ("delete-without-deleted-tasks-row", |ports| Ports {
        tasks: Arc::new(Forgetful(ports.tasks)),
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
