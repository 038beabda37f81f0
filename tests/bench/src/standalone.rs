//! The released one-process service.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use taskwire_testkit::Process;

use crate::http::Connection;

/// How long a start may take, which is not measured by this limit.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(1);

/// The service, running.
pub struct Service {
    process: Process,
    /// Where its API is.
    pub address: SocketAddr,
}

impl Service {
    /// Starts it on a folder and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start(folder: &Path) -> Result<Self> {
        let folder = folder.to_str().context("the data folder's name is no text")?;
        let settings = [("TASKWIRE_DATA_DIR", folder), ("LISTEN_ADDR", "127.0.0.1:0")];
        let process = Process::start("taskwire", &settings);
        let listening = process.logged("listening").await;
        let address = listening["server.address"].as_str().unwrap_or_default().parse();
        let service = Self {
            process,
            address: address.context("the service did not log its address")?,
        };
        let ready = tokio::time::timeout(PATIENCE, service.await_ready()).await;
        ready.context("the service did not get ready")??;
        Ok(service)
    }

    async fn await_ready(&self) -> Result<()> {
        let mut connection = Connection::open(self.address).await?;
        while connection.get("/healthz/ready").await?.status != 200 {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Stops it as Ctrl-C does.
    ///
    /// # Errors
    /// When it fails.
    pub async fn stop(mut self) -> Result<()> {
        self.process.terminate();
        let status = self.process.ended().await;
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }
}
