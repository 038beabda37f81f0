//! Stopping, freezing and starting an engine, through the tool that started it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

/// One of the engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    Postgres,
    Kafka,
    Elasticsearch,
}

/// What is done to it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    Stop,
    Kill,
    Start,
    Freeze,
    Thaw,
}

/// The tool.
pub(crate) struct Engines {
    xtask: PathBuf,
}

impl Engines {
    pub(crate) fn new(xtask: &Path) -> Self {
        Self {
            xtask: xtask.to_owned(),
        }
    }

    /// Returns when it is done; after a start, when the engine answers.
    pub(crate) async fn order(&self, engine: Engine, order: Order) -> anyhow::Result<()> {
        let name = match engine {
            Engine::Postgres => "postgres",
            Engine::Kafka => "kafka",
            Engine::Elasticsearch => "elasticsearch",
        };
        let words: &[&str] = match order {
            Order::Stop => &["stop", name],
            Order::Kill => &["stop", name, "--kill"],
            Order::Start => &["start", name],
            Order::Freeze => &["freeze", name],
            Order::Thaw => &["thaw", name],
        };
        let mut xtask = Command::new(&self.xtask);
        xtask.arg("stack").args(words).stdin(Stdio::null());
        let done = xtask.output().await.context("xtask cannot be run")?;
        if !done.status.success() {
            bail!(
                "{name} {order:?}: {}",
                String::from_utf8_lossy(&done.stderr).trim()
            );
        }
        Ok(())
    }
}
