//! What is said of everything that can be searched.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::http::Connection;

/// How long to wait for what is not measured.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until a search finds so many tasks.
///
/// # Errors
/// When it does not in two minutes.
pub async fn await_searchable(address: SocketAddr, tasks: u64) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let searchable = async {
        loop {
            let answer = connection.post("/tasks/search", br#"{"size":0}"#).await?;
            if answer.status == 200 && total(answer.body)? == tasks {
                return anyhow::Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let within = tokio::time::timeout(PATIENCE, searchable).await;
    within.with_context(|| format!("{tasks} tasks did not become searchable"))?
}

/// How many tasks a search's answer says there are.
///
/// # Errors
/// When it does not say.
pub fn total(body: &[u8]) -> Result<u64> {
    let body: Value = serde_json::from_slice(body).context("a search's answer is no JSON")?;
    body["total"].as_u64().context("a search's answer has no total")
}
