//! From the outbox to the broker: which rows are published when, in what order, and by whom.
//!
//! Any number of relays may run; one is elected by the database session it holds and the others stand by. The
//! leader reads the oldest rows of the **whole** outbox in one snapshot, publishes them, awaits every
//! acknowledgement, deletes exactly those rows, and starts again. All decisions are made by [`Relay`], a state
//! machine without I/O; [`run()`] carries them out against the ports.
//!
//! What must not change: no cursor over the outbox and no deletion of a range, since a row with a lower id may
//! be committed late; one batch at a time, the next one only when every record of it is acknowledged; no
//! deletion by one who lost the session; nothing left in the publisher's queues when leadership is gone.

mod config;
mod machine;
mod metrics;
mod run;

pub use config::RelaySettings;
pub use machine::{Action, Input, Relay};
pub use run::run;
