//! What the API and the relay stand on.

use std::sync::Arc;

use taskwire_domain::{EventPublisher, Outbox, TaskRepository, TaskSearch};

/// The ports behind which the engines are.
pub struct Ports {
    /// Where tasks are kept.
    pub tasks: Arc<dyn TaskRepository>,
    /// What finds them.
    pub search: Arc<dyn TaskSearch>,
    /// The outbox, as the relay sees it.
    pub outbox: Arc<dyn Outbox>,
    /// Where the relay publishes.
    pub publisher: Arc<dyn EventPublisher>,
}
