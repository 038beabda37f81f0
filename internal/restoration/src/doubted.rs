//! The health of a search engine whose answers may be of another history than the database's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use taskwire_domain::{Dependency, Unreachable};

use crate::RESTORED;

/// The dependency as it is, with a doubt while there is one.
pub struct Doubted {
    dependency: Arc<dyn Dependency>,
    is_restored: Arc<AtomicBool>,
}

impl Doubted {
    /// `is_restored` is what [`keep_looking`](crate::keep_looking) sets.
    pub fn new(dependency: Arc<dyn Dependency>, is_restored: Arc<AtomicBool>) -> Self {
        Self {
            dependency,
            is_restored,
        }
    }
}

#[async_trait]
impl Dependency for Doubted {
    fn name(&self) -> &'static str {
        self.dependency.name()
    }

    async fn check(&self) -> Result<(), Unreachable> {
        self.dependency.check().await
    }

    fn doubt(&self) -> Option<&'static str> {
        self.is_restored.load(Ordering::Relaxed).then_some(RESTORED)
    }
}
