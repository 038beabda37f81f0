//! Whether the things we depend on are there.

use async_trait::async_trait;

use crate::BoxError;

/// The dependency does not answer.
#[derive(Debug, thiserror::Error)]
#[error("{dependency} does not answer")]
pub struct Unreachable {
    /// The dependency's name.
    pub dependency: &'static str,
    /// Why, for the log.
    #[source]
    pub cause: BoxError,
}

/// Something outside the process that can be asked whether it is there.
#[async_trait]
pub trait Dependency: Send + Sync {
    /// Its name in the health report: `postgresql`, `kafka`, `elasticsearch`.
    fn name(&self) -> &'static str;

    /// Asks it. The caller sets the time limit by dropping the future, so this must be cancel-safe.
    async fn check(&self) -> Result<(), Unreachable>;

    /// Something about it that is wrong although it answers, as a sentence that may be shown to anybody.
    fn doubt(&self) -> Option<&'static str> {
        None
    }
}
