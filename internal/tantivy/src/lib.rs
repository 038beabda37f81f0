//! The task index and the task search on tantivy, in one folder on disk.
//!
//! [`TantivyIndex::open`] looks whether what is in the folder can be used; if not, [`TantivyIndex::rebuild`] fills a new
//! index beside it and puts it in its place. Every batch is committed before it is acknowledged and can be searched from
//! then on. One document per task; versions decide; a deleted task stays as a tombstone that searches leave out.
//!
//! One process uses a folder at a time. All work on files is done on threads that may block. Two searches for each processor
//! are carried out at once; whichever waits longer than two seconds for its turn is answered with "unavailable".
//!
//! This crate must not know the database that the index is built from, must not decide when to try again, and must not
//! let a query syntax or an engine's error text reach a caller.

mod admission;
mod awaited_writes;
mod beginnings;
mod document;
mod facets;
mod fault;
mod health;
mod in_order;
mod index;
mod likest;
mod query;
mod ranking;
mod rebuild;
mod schema;
mod search;
mod similar;
mod store;
mod tombstones;
mod unwanted;
mod versions;
mod views;
mod walk;
mod words;
mod writer;

pub use fault::{Damage, OpenError};
pub use index::{Opened, TantivyIndex};
pub use rebuild::{Rebuild, RebuildError};
pub use versions::IndexedVersion;
