//! The rules of the ports, on a generation of a real server.

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use support::Fixture;
use taskwire_conformance::index::{Backend, Features};
use taskwire_domain::{TaskIndex, TaskSearch};

#[async_trait]
impl Backend for Fixture {
    const FEATURES: Features = Features {
        searchable_at_once: false,
    };

    async fn start() -> Self {
        Self::create().await
    }

    fn index(&self) -> Arc<dyn TaskIndex> {
        Arc::new(self.index.clone())
    }

    fn search(&self) -> Arc<dyn TaskSearch> {
        Arc::new(self.search.clone())
    }

    async fn refresh(&self) {
        Fixture::refresh(self).await;
    }
}

taskwire_conformance::index_suite!(Fixture);
