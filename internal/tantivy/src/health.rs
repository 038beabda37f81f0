//! Whether searches would work.

use async_trait::async_trait;
use taskwire_domain::{Dependency, Unreachable};

use crate::TantivyIndex;
use crate::index::DEPENDENCY;

/// The index is away while it is being rebuilt.
#[async_trait]
impl Dependency for TantivyIndex {
    fn name(&self) -> &'static str {
        DEPENDENCY
    }

    async fn check(&self) -> Result<(), Unreachable> {
        let ready = self.ready();
        ready.map(drop).map_err(|cause| Unreachable {
            dependency: DEPENDENCY,
            cause: cause.into(),
        })
    }
}
