//! Notices from the index that the database was put back to an older state, and says so.
//!
//! Nothing reaches the index that was not committed first. So a document that is newer than what the database says of its
//! task afterwards, or that the database knows nothing of, proves another history
//! ([`KnownState::contradicts`](taskwire_domain::KnownState::contradicts)). [`Examination`] looks for one,
//! [`keep_looking`] does so every minute, and [`Doubted`] makes the health report say it.
//!
//! This crate must not repair anything: which of two histories is wanted is for people to say.

mod doubted;
mod examination;
mod watch;

pub use doubted::Doubted;
pub use examination::{Examination, Finding};
pub use watch::{RESTORED, keep_looking};
