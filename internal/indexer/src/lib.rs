//! From task events to index operations: the handlers and their sink.
//!
//! A handler is a pure function from an event to "let this document be as of this version". [`handlers()`] is the
//! list of what the daemon understands: to understand another event, add a file beside the others and a line
//! there. [`TaskSink`] keeps the highest version of each task in a batch and hands the rest to the index.
//!
//! This crate must not know a broker or a search engine.

mod handlers;
mod sink;

pub use handlers::handlers;
pub use sink::TaskSink;
