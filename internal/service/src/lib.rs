//! The use cases: what creating, reading, replacing, deleting and searching a task means, which version follows
//! and which event announces it.
//!
//! Every transport calls [`TaskService`]; every engine is reached through a port of `taskwire-domain`. This crate
//! must not know a transport, a JSON body, a header or an engine, and it must not read a clock or make an id
//! except through its ports.

mod consistency_token;
mod precondition;
mod task_service;

pub use consistency_token::ConsistencyToken;
pub use precondition::Precondition;
pub use task_service::{Receipt, TaskService};
