//! The released binary as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use taskwire_bench::http::Connection;
use taskwire_testkit::Process;

/// How long to wait for what is not measured.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(1);

/// The service, running.
pub(crate) struct Service {
    process: Process,
    pub(crate) address: SocketAddr,
}

impl Service {
    /// Starts it on a folder and waits until it is ready.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let folder = folder.to_str().context("the data folder's name is no text")?;
        let settings = [("TASKWIRE_DATA_DIR", folder), ("LISTEN_ADDR", "127.0.0.1:0")];
        let process = Process::start("taskwire", &settings);
        let listening = process.logged("listening").await;
        let address = listening["server.address"].as_str().unwrap_or_default().parse();
        let service = Self {
            process,
            address: address.context("the service did not log its address")?,
        };
        service.await_ready().await?;
        Ok(service)
    }

    async fn await_ready(&self) -> Result<()> {
        let mut connection = Connection::open(self.address).await?;
        let ready = async {
            while connection.get("/healthz/ready").await?.status != 200 {
                tokio::time::sleep(PAUSE).await;
            }
            Ok(())
        };
        within(ready).await.context("the service did not get ready")
    }

    /// Waits until a search finds so many tasks.
    pub(crate) async fn await_searchable(&self, tasks: u64) -> Result<()> {
        let mut connection = Connection::open(self.address).await?;
        let searchable = async {
            loop {
                let answer = connection.post("/tasks/search", br#"{"size":0}"#).await?;
                if answer.status == 200 && total(answer.body)? == tasks {
                    return Ok(());
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        within(searchable)
            .await
            .with_context(|| format!("{tasks} tasks did not become searchable"))
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Stops it as Ctrl-C does.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.process.terminate();
        let status = self.process.ended().await;
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }
}

async fn within(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::time::timeout(PATIENCE, work).await?
}

/// How many tasks a search's answer says there are.
pub(crate) fn total(body: &[u8]) -> Result<u64> {
    let body: Value = serde_json::from_slice(body).context("a search's answer is no JSON")?;
    body["total"].as_u64().context("a search's answer has no total")
}
