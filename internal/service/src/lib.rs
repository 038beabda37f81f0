//! The use cases: what creating, reading, replacing, deleting and searching a task means, which version follows
//! and which event announces it.
//!
//! Every transport calls [`TaskService`]; every engine is reached through a port of `taskwire-domain`. This crate
//! must not know a transport, a JSON body, a header or an engine, and it must not read a clock or make an id
//! except through its ports.

mod aside;
mod bulk;
mod bulk_decision;
mod cascade;
mod cursor;
mod deletion;
mod idempotent;
mod key_expiry;
mod listing;
mod precondition;
mod search;
mod search_cursor;
mod signature;
mod simulation;
mod suggestion;
mod task_service;
mod tree;

pub use bulk::{BulkKey, BulkOperation, BulkRequest, BulkResults};
pub use idempotent::{Answered, CallerKey};
pub use key_expiry::keep_forgetting_keys;
pub use listing::{ListPage, ListRequest};
pub use precondition::{Precondition, Versions};
pub use search::{Found, Highlights, SearchRequest};
pub use search_cursor::SentCursor;
pub use task_service::TaskService;
