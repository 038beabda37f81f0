//! Wrong on purpose: the product's own programs with one port exchanged for one that breaks a rule, to see that the
//! checks of this repository notice.
//!
//! `mutant-rest-server` and `mutant-search-indexer` are the real programs, from the command line to the exit code; the
//! mutation that `TASKWIRE_MUTATION` names wraps one of their ports. [`rest_server`] and [`search_indexer`] list the
//! names, `tests/mutations` has for each the scenario in which it does harm, and wants it caught there, and the same
//! scenario with a program that is not mutated, which must find nothing. A name that begins with `control` breaks no
//! rule: it changes nothing, or brings alone the trouble that a mutation needs to do its harm.
//!
//! Nothing that ships may depend on this crate, and the product must not know that it exists.

mod choice;
mod deletions;
mod index;
mod outbox;
mod parking;
mod publishing;
pub mod rest_server;
pub mod search_indexer;
mod source;

/// The variable that names the mutation.
pub const MUTATION: &str = "TASKWIRE_MUTATION";

/// The name under which a program is not changed at all.
pub const CONTROL: &str = "control";
