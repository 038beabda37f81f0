//! The one-process service in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use taskwire_testkit::{Process, binary};

use crate::contract::Family;
use crate::twins::check_list;
use crate::{Api, Restartable, until};

/// A folder, and the process at work in it.
pub struct Standalone {
    /// The process.
    pub process: Process,
    /// Its API.
    pub api: Api,
    place: Place,
    // Removed with this value.
    _own: Option<tempfile::TempDir>,
}

/// Where a process runs.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its data folder, by the name that it knows.
    pub folder: PathBuf,
    /// A shell script that becomes the program `$0` under other conditions; `None` for the test's own.
    pub through: Option<String>,
}

impl Place {
    /// A folder, under the conditions of the test.
    pub fn folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            through: None,
        }
    }

    /// What a process needs to run there, at any port.
    fn settings(&self) -> [(&'static str, &str); 2] {
        let folder = self.folder.to_str();
        let folder = folder.expect("a temporary folder has a plain name");
        [("TASKWIRE_DATA_DIR", folder), ("LISTEN_ADDR", "127.0.0.1:0")]
    }

    fn start(&self, settings: &[(&str, &str)]) -> Process {
        let program = binary("taskwire");
        let program = program.to_str().expect("the target folder has a plain name");
        match &self.through {
            None => Process::start("taskwire", settings),
            Some(script) => Process::start_with("/bin/sh", &["-c", script, program], settings),
        }
    }

    /// Starts it there, where it cannot run; the one sentence with which it ends, and fails.
    ///
    /// # Panics
    /// When it does run, or says anything besides.
    pub async fn refusal(&self) -> String {
        self.refusal_with(&[]).await
    }

    /// As [`refusal`](Self::refusal), with settings that come on top or instead.
    ///
    /// # Panics
    /// As [`refusal`](Self::refusal).
    pub async fn refusal_with(&self, settings: &[(&str, &str)]) -> String {
        let mut process = self.start(&[&self.settings(), settings].concat());
        assert_eq!(process.ended().await.code(), Some(1));
        let plain = || {
            let lines = process.log_lines().into_iter();
            lines.filter(|line| !line.starts_with('{')).collect::<Vec<_>>()
        };
        let said = || async { plain().pop() };
        until("it says why", Duration::from_secs(10), said).await;
        let said = plain();
        let [sentence] = &said[..] else {
            panic!("more than one sentence: {said:?}")
        };
        let sentence = sentence.strip_prefix("error: ");
        sentence.expect("it says that it is an error").to_owned()
    }
}

impl Standalone {
    /// Starts it in an empty folder.
    pub async fn start() -> Self {
        let own = tempfile::tempdir().expect("a folder can be made");
        let mut service = Self::start_in(Place::folder(own.path())).await;
        service._own = Some(own);
        service
    }

    /// Starts it in a place that is somebody else's to remove.
    pub async fn start_in(place: Place) -> Self {
        let process = place.start(&place.settings());
        let listening = process.logged("listening").await;
        let address = listening["server.address"].as_str();
        let api = Api::new(format!("http://{}", address.expect("the address is logged")));
        Self {
            process,
            api,
            place,
            _own: None,
        }
    }

    /// Starts it again in its place, after it ended or was killed.
    pub async fn restart(&mut self) {
        let again = Self::start_in(self.place.clone()).await;
        (self.process, self.api) = (again.process, again.api);
    }

    /// Waits until everything is there, the search index included.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn ready(&self) {
        let ready = || async {
            let report = self.api.call(Method::GET, "/healthz/ready", None).await.ok()?;
            (report.body["status"] == "ok").then_some(())
        };
        until("everything is there", Duration::from_secs(30), ready).await;
    }

    /// Asks it to end, which it must do in order.
    pub async fn stop(&mut self) {
        self.process.terminate();
        assert_eq!(self.process.ended().await.code(), Some(0));
    }

    /// Where it runs.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The folder of its search index.
    pub fn index_folder(&self) -> PathBuf {
        self.place.folder.join("index")
    }

    /// The file of its database.
    pub fn database_file(&self) -> PathBuf {
        self.place.folder.join("taskwire.db")
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

    /// Every task that a walk through the list shows, by id.
    async fn listed(&self) -> BTreeMap<String, Value> {
        let mut tasks = BTreeMap::new();
        let mut path = "/tasks?limit=200".to_owned();
        loop {
            let page = self.api.call(Method::GET, &path, None).await;
            let page = page.expect("a complete answer");
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            let shown = page.body["tasks"].as_array().expect("a page has tasks");
            let id = |task: &Value| task["id"].as_str().unwrap_or_default().to_owned();
            tasks.extend(shown.iter().map(|task| (id(task), task.clone())));
            match page.body["nextCursor"].as_str() {
                Some(cursor) => path = format!("/tasks?limit=200&cursor={cursor}"),
                None => return tasks,
            }
        }
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

impl Family for Standalone {
    async fn start() -> Self {
        let service = Self::start().await;
        service.ready().await;
        service
    }

    fn api(&self) -> &Api {
        &self.api
    }

    fn process(&self) -> u32 {
        self.process.id()
    }

    /// What searches find is what the database lists: no task less, none more, field by field.
    async fn check_equality(&self) {
        let listed = self.listed().await;
        assert!(!listed.is_empty(), "something was written");
        self.await_searchable(&listed).await;
    }
}

impl Restartable for Standalone {
    async fn kill(&mut self) {
        self.process.kill().await;
    }

    async fn start_again(&mut self) {
        self.restart().await;
    }

    async fn check_only(&self, tasks: &BTreeMap<String, Value>) {
        check_list(&self.api, tasks).await;
        self.await_searchable(tasks).await;
    }
}
