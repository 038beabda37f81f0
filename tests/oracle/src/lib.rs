//! The oracle: is the search right? Compares the database, the topic and the index record by record.
//!
//! It reads all three with its own queries and shares no code with the product, so that a fault in an adapter
//! cannot hide itself. Usage: let the system come to rest with [`System::settle`], then [`System::compare`] and
//! look at [`Findings::differences`].
//!
//! This crate must not write to any of the three.

mod compare;
mod database;
mod index;
mod system;
mod topic;

pub use compare::{Difference, Event, Findings, events};
pub use system::System;
pub use topic::Record;
