//! The whole way from a write to the index in one deterministic run: the real decisions of the relay and the consumer,
//! the real handlers and sink, and models of the database, the broker, the index and the dead-letter queue that do what
//! the engines do when things go wrong. A seed decides the whole schedule, so a failing one is repeated by its number.
//!
//! This crate must not use an engine, a clock or a thread, and nothing that ships may depend on it. The models hold what
//! the adapters' tests have shown of the engines, and no more; that the adapters keep to it is theirs to prove.

#![allow(clippy::expect_used, reason = "a run of a test: what cannot be is a finding")]

mod broker;
mod catalogue;
mod consuming;
mod database;
mod faults;
mod groups;
mod index;
mod mutation;
mod oracle;
mod port;
mod rebuild;
mod relaying;
mod settings;
mod verdict;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use mutation::Mutation;
pub use verdict::{Census, Invariant, Report, Violation};

use world::World;

/// Runs one seed, of the design or of a break of it; the first broken promise, if there is one.
pub fn run(seed: u64, mutation: Option<Mutation>) -> Option<Violation> {
    simulate(seed, mutation, false).violation
}

/// The same, with what happened on the way.
pub fn report(seed: u64) -> Report {
    simulate(seed, None, false)
}

/// The same with every step of it told.
pub fn trace(seed: u64, mutation: Option<Mutation>) -> Report {
    simulate(seed, mutation, true)
}

fn simulate(seed: u64, mutation: Option<Mutation>, traced: bool) -> Report {
    let mut world = World::new(seed, mutation, traced);
    // A machine that was led into what it holds to be impossible is a finding like any other.
    let panicked = catch_unwind(AssertUnwindSafe(|| world.run())).is_err();
    if panicked {
        world.journal.blame(Invariant::NoPanic, || {
            "a machine panicked; its message stands above".to_owned()
        });
    }
    world.journal.end()
}

/// The first of these seeds that catches a break, how many were run until then, and the promise that it broke.
pub fn hunt(mutation: Mutation, seeds: impl IntoIterator<Item = u64>) -> Option<Caught> {
    let mut seeds = seeds.into_iter().zip(1..);
    seeds.find_map(|(seed, tried)| {
        let violation = run(seed, Some(mutation))?;
        Some(Caught {
            seed,
            tried,
            violation,
        })
    })
}

/// How a break was caught.
#[derive(Debug)]
pub struct Caught {
    /// The seed that caught it.
    pub seed: u64,
    /// So many seeds were run, this one with them.
    pub tried: u64,
    /// What it saw.
    pub violation: Violation,
}
