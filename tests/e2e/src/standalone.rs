//! The one-process service in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use taskwire_testkit::Process;

use crate::{Api, until};

/// A folder, and the process at work in it.
pub struct Standalone {
    /// The process.
    pub process: Process,
    /// Its API.
    pub api: Api,
    folder: tempfile::TempDir,
}

impl Standalone {
    /// Starts it in an empty folder.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (process, api) = run_in(folder.path()).await;
        Self { process, api, folder }
    }

    /// Starts it again in its folder, after it ended or was killed.
    pub async fn restart(&mut self) {
        (self.process, self.api) = run_in(self.folder.path()).await;
    }

    /// The folder of its search index.
    pub fn index_folder(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    /// The file of its database.
    pub fn database_file(&self) -> PathBuf {
        self.folder.path().join("taskwire.db")
    }

    /// Every task that a search without words finds, by id.
    pub async fn searchable(&self) -> Option<BTreeMap<String, Value>> {
        let mut tasks = BTreeMap::new();
        for from in (0..10_000).step_by(100) {
            let body = json!({"from": from, "size": 100});
            let page = self
                .api
                .call(Method::POST, "/tasks/search", Some(&body))
                .await
                .ok()?;
            if page.status != StatusCode::OK {
                return None;
            }
            let found = page.body["tasks"].as_array()?;
            tasks.extend(
                found
                    .iter()
                    .map(|task| (task["id"].as_str().unwrap_or_default().to_owned(), task.clone())),
            );
            if page.body["total"].as_u64()? <= from + 100 {
                break;
            }
        }
        Some(tasks)
    }

    /// Waits until exactly these tasks are searchable, field by field.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn await_searchable(&self, wanted: &BTreeMap<String, Value>) {
        let equal = || async { (self.searchable().await.as_ref() == Some(wanted)).then_some(()) };
        until(
            &format!("exactly {} tasks are searchable", wanted.len()),
            Duration::from_secs(30),
            equal,
        )
        .await;
    }
}

async fn run_in(folder: &Path) -> (Process, Api) {
    let folder = folder.to_str().expect("a temporary folder has a plain name");
    let process = Process::start(
        "taskwire",
        &[("TASKWIRE_DATA_DIR", folder), ("LISTEN_ADDR", "127.0.0.1:0")],
    );
    let listening = process.logged("listening").await;
    let address = listening["server.address"]
        .as_str()
        .expect("the address is logged");
    let api = Api::new(format!("http://{address}"));
    (process, api)
}
