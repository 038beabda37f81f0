//! The one-process service in a folder of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use taskwire_bench::closed_loop::post_all;
use taskwire_bench::searchable::await_searchable;
use taskwire_bench::standalone::Service;
use taskwire_bench::{report, tasks};
use tempfile::TempDir;

use crate::corpus::Corpus;

/// Callers that write the tasks.
const WRITERS: usize = 64;

/// Running.
pub(crate) struct OneProcess {
    service: Service,
    _data: TempDir,
}

impl OneProcess {
    /// With the tasks of whole texts in it.
    pub(crate) async fn filled(corpus: &Corpus) -> Result<Self> {
        let data = tempfile::tempdir_in(report::folder()?)?;
        let service = Service::start(data.path()).await?;
        let bodies: Arc<[Vec<u8>]> = tasks::bodies(&corpus.texts).into();
        post_all(service.address, "/tasks", &bodies, WRITERS, 201).await?;
        await_searchable(service.address, bodies.len() as u64).await?;
        Ok(Self { service, _data: data })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.service.address
    }
}
