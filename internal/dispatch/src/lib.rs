//! The consume loop and its handler map: poll, dispatch, apply, park, acknowledge.
//!
//! Records come from an [`EventSource`](taskwire_domain::EventSource). [`HandlerMap`] turns each into an operation
//! by the type that its JSON names; a [`Sink`] applies operations in batches; what can never be applied is parked
//! in the dead-letter queue; and only then is a record's offset stored. All decisions are made by [`Consumer`], a
//! state machine without I/O; [`run()`] carries them out.
//!
//! To understand a new type of event, write a [`Handler`] and register it: one file and one line.
//!
//! What must not change: an offset is stored only when everything before it in its partition is applied or
//! parked; trouble that may pass is waited out with the partitions paused; nothing is dropped.

mod config;
mod handlers;
mod machine;
mod metrics;
mod progress;
mod restraint;
mod run;

pub use config::DispatchSettings;
pub use handlers::{Handler, HandlerMap, Poison};
pub use machine::{Action, Consumer, Dispatched, Ending, Input};
pub use run::{Halted, Sink, run};
