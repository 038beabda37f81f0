//! Many clients at once on a few tasks, and whether what they were told can have happened.
//!
//! Every request is recorded with when it began and ended, and what was answered. [`judge`] then tries to tell one
//! story of each task in which every answer is true: an acknowledged write names its version, so a task's writes stand
//! in order, each must follow from the one before it by the rules of PUT and of merge patch, and each must have
//! happened between its beginning and its end.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::future::join_all;

use crate::Api;

mod call;
mod client;
mod fields;
mod judge;
mod timeline;

use call::{Call, Request};
use client::{Client, Hot};

/// How many clients there are at a time.
const CLIENTS: usize = 8;

/// What a run was.
#[derive(Debug)]
pub struct Run {
    /// Requests, each operation of a bulk counted.
    pub calls: usize,
    /// Of those, writes that were acknowledged.
    pub acknowledged: usize,
    /// Of those that were refused: for a precondition.
    pub mismatches: usize,
    /// Tasks that there were.
    pub tasks: usize,
    /// How long the clients took.
    pub took: Duration,
}

/// Lets the clients do so many things each, reads every task once more, and judges all of it. Which requests are made
/// depends on the seed, which `TASKWIRE_E2E_SEED` can fix, and on the answers.
///
/// # Panics
/// When some answer cannot have been true, with the first such answers.
#[allow(clippy::print_stdout, reason = "a run that fails is repeated with its seed")]
pub async fn check_interleavings(api: &Api, steps: usize) -> Run {
    let seed = match std::env::var("TASKWIRE_E2E_SEED") {
        Ok(seed) => seed.parse().expect("TASKWIRE_E2E_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("TASKWIRE_E2E_SEED={seed}");
    let began = Instant::now();
    let (hot, calls) = (Hot::default(), Mutex::default());
    let clients = (0..CLIENTS).map(async |number| {
        let rng = Rng::with_seed(seed.wrapping_add(number as u64));
        let mut client = Client::new(number, rng, api, &hot, &calls);
        for _ in 0..steps {
            client.step().await;
        }
    });
    join_all(clients).await;
    let took = began.elapsed();
    let mut calls = calls.into_inner().expect("no client panicked");
    for id in hot.all() {
        calls.push(call::made(api, Request::read(&id)).await);
    }
    let untrue = judge::untrue(&calls);
    assert!(
        untrue.is_empty(),
        "seed {seed}: {} answers cannot be true, the first: {:#?}",
        untrue.len(),
        &untrue[..untrue.len().min(8)]
    );
    Run::of(&calls, hot.all().len(), took)
}

impl Run {
    fn of(calls: &[Call], tasks: usize, took: Duration) -> Self {
        let count = |wanted: fn(&Call) -> bool| calls.iter().filter(|call| wanted(call)).count();
        Self {
            calls: calls.len(),
            acknowledged: count(|call| call.request.is_write() && call.is_acknowledged()),
            mismatches: count(|call| call.status == 412),
            tasks,
            took,
        }
    }
}
