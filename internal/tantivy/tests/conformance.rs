//! The rules of the ports, on an index in a folder.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::sync::Arc;

use async_trait::async_trait;
use taskwire_conformance::index::{Backend, Features};
use taskwire_domain::{TaskIndex, TaskSearch};
use taskwire_tantivy::TantivyIndex;
use tempfile::TempDir;

/// An index of its own, deleted with this value.
struct Tantivy {
    index: TantivyIndex,
    _folder: TempDir,
}

#[async_trait]
impl Backend for Tantivy {
    const FEATURES: Features = Features {
        searchable_at_once: true,
    };

    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let index = TantivyIndex::open(folder.path()).await.unwrap().index;
        index.rebuild().await.unwrap().finish().await.unwrap();
        Self {
            index,
            _folder: folder,
        }
    }

    fn index(&self) -> Arc<dyn TaskIndex> {
        Arc::new(self.index.clone())
    }

    fn search(&self) -> Arc<dyn TaskSearch> {
        Arc::new(self.index.clone())
    }

    async fn refresh(&self) {}
}

taskwire_conformance::index_suite!(Tantivy);
