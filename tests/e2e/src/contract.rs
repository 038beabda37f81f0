//! The contract, as rules that a client can see: written once against a base URL, run on both families.
//!
//! One file an area. A rule is an `async fn(Api)` whose name says what it guards, listed in its file's `rules!`; one
//! that is not listed does not compile, being unused. All of them share one server and run beside one another, so each
//! works on tasks of its own, found by words and keys that nobody else has (`unique`).

use std::pin::Pin;

use crate::Api;

/// Names the rules of a file.
macro_rules! rules {
    ($area:literal: $($rule:ident),+ $(,)?) => {
        pub(super) fn rules() -> Vec<$crate::contract::Rule> {
            vec![$($crate::contract::Rule {
                name: concat!($area, "::", stringify!($rule)),
                check: |api| Box::pin($rule(api)),
            }),+]
        }
    };
}

mod asking;
mod bulk;
mod bulk_limits;
mod cascade;
mod conditional;
mod create;
mod delete;
mod external_id;
mod front;
mod health;
mod hierarchy;
mod hygiene;
mod idempotency;
mod lists;
mod patch;
mod patch_conditional;
mod refused_bodies;
mod refused_requests;
mod replace;
mod run;
mod search;
mod search_by_query;
mod search_walk;

pub use run::{Family, run};

/// Something that every server must do.
#[derive(Clone)]
struct Rule {
    /// Its area and what it says.
    name: &'static str,
    /// Panics when the server breaks it.
    check: fn(Api) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// All there are.
fn rules() -> Vec<Rule> {
    [
        bulk::rules(),
        bulk_limits::rules(),
        cascade::rules(),
        conditional::rules(),
        create::rules(),
        delete::rules(),
        external_id::rules(),
        front::rules(),
        health::rules(),
        hierarchy::rules(),
        hygiene::rules(),
        idempotency::rules(),
        lists::rules(),
        patch::rules(),
        patch_conditional::rules(),
        refused_bodies::rules(),
        refused_requests::rules(),
        replace::rules(),
        search::rules(),
        search_by_query::rules(),
        search_walk::rules(),
    ]
    .concat()
}

/// A word that no other rule and no earlier run has: long and random, so that no typo makes one of another.
fn unique() -> String {
    std::iter::repeat_with(|| fastrand::char('a'..='z'))
        .take(16)
        .collect()
}
