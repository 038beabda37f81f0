//! The connection to PostgreSQL cut at every point of a write: what is answered is what happened, and the same request
//! again gives the one true answer.
//!
//! What a cut at the moments that matter most means is told in the adapter's own tests, moment by moment; here nobody
//! chooses them.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, StatusCode};
use serde_json::json;
use taskwire_e2e::{Answer, Api, Deployment, RestServer};
use taskwire_testkit::{Proxy, Way};

#[tokio::test]
async fn a_creation_under_a_key() {
    check(Kind::Create).await;
}

#[tokio::test]
async fn a_patch() {
    check(Kind::Patch).await;
}

#[tokio::test]
async fn a_deletion() {
    check(Kind::Delete).await;
}

#[tokio::test]
async fn a_bulk_under_a_key() {
    check(Kind::Bulk).await;
}

/// Some points all over a write, and more of them near its end, where it is decided: within what the answer to a commit
/// is long, and the driver's question after it whether the connection lives, which may be counted or not.
/// `TASKWIRE_E2E_CUTS` asks for another number of them, and one that is great enough for every byte.
fn points(length: u64) -> BTreeSet<u64> {
    let wanted = match std::env::var("TASKWIRE_E2E_CUTS") {
        Ok(number) => number.parse().expect("TASKWIRE_E2E_CUTS is a number"),
        Err(_) => 16,
    };
    let count = length.min(wanted);
    let all_over = (0..count).map(|number| number * length / count);
    let near_the_end = (length.saturating_sub(32)..length).step_by(2);
    all_over.chain(near_the_end).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Create,
    Patch,
    Delete,
    Bulk,
}

impl Kind {
    /// How many events one write makes, with those of the tasks made for it before.
    fn events(self) -> usize {
        match self {
            Self::Create => 1,
            Self::Patch | Self::Delete => 2,
            Self::Bulk => 5,
        }
    }
}

/// Whether there is a connection that is used again, or one has to be made first.
#[derive(Debug, Clone, Copy)]
enum Pool {
    Warm,
    Cold,
}

struct Scene {
    deployment: Deployment,
    /// Behind whose back nothing is cut. It began first, so its relay leads.
    direct: RestServer,
    proxy: Proxy,
    server: RestServer,
}

async fn check(kind: Kind) {
    let deployment = Deployment::new().await;
    let direct = deployment.start_rest().await;
    let _indexer = deployment.start_indexer();
    let proxy = Proxy::in_front_of(deployment.database.url()).await;
    // With more than one, which of them a statement takes and has it prepared is left to chance.
    let one_connection = [("DATABASE_URL", proxy.url()), ("DATABASE_POOL_SIZE", "1")];
    let server = deployment.start_rest_with(&one_connection).await;
    let scene = Scene {
        deployment,
        direct,
        proxy,
        server,
    };
    let (mut writes, mut ends) = (0, BTreeMap::new());
    for pool in [Pool::Warm, Pool::Cold] {
        for way in [Way::ToServer, Way::ToClient] {
            // The first makes the one connection and prepares its statements, the second tells how much passes.
            scene.cut(kind, writes + 1, Pool::Cold, way, u64::MAX).await;
            let (end, length) = scene.cut(kind, writes + 2, pool, way, u64::MAX).await;
            assert_eq!(end, End::Undisturbed);
            writes += 2;
            for point in points(length) {
                writes += 1;
                let (end, _) = scene.cut(kind, writes, pool, way, point).await;
                *ends.entry((end, format!("{pool:?} {way:?}"))).or_insert(0) += 1;
            }
        }
    }
    println!("{kind:?}: {writes} writes: {ends:?}");
    let of = |wanted: End| ends.iter().filter(|((end, _), _)| *end == wanted).count();
    for end in [End::Survived, End::NotApplied, End::UnknownAndApplied] {
        assert!(of(end) > 0, "no cut was {end:?}: {ends:?}");
    }
    let findings = scene.deployment.assert_equal().await;
    assert_eq!(
        (findings.events, findings.duplicates),
        (kind.events() * writes, 0),
        "each write is announced once"
    );
}

/// How a write ended whose connection was to be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// It was not cut.
    Undisturbed,
    /// It was cut before anything was sent that could be in doubt, and done on another connection.
    Survived,
    NotApplied,
    UnknownAndApplied,
    UnknownAndNotApplied,
}

impl Scene {
    /// Cuts a write after so many bytes; how it ended, and how many bytes passed.
    async fn cut(&self, kind: Kind, number: usize, pool: Pool, way: Way, bytes: u64) -> (End, u64) {
        let write = Write::prepare(kind, number, &self.direct.api).await;
        if matches!(pool, Pool::Cold) {
            self.proxy.cut();
        }
        self.proxy.cut_after("taskwire", way, bytes);
        let answer = write.send(&self.server.api).await;
        let passed = self.proxy.passed(way);
        let was_cut = self.proxy.was_cut().await;
        let is_applied = write.is_applied(&self.direct.api).await;
        let what = format!("{kind:?} cut {way:?} after {bytes} bytes, {pool:?}: {answer:?}");
        let end = match (answer.status, answer.body["code"].as_str()) {
            (StatusCode::OK | StatusCode::CREATED, _) => {
                assert!(is_applied, "acknowledged and not there: {what}");
                if was_cut { End::Survived } else { End::Undisturbed }
            }
            (StatusCode::SERVICE_UNAVAILABLE, Some("unavailable")) => {
                assert!(!is_applied, "certainly not applied, and there: {what}");
                End::NotApplied
            }
            (StatusCode::GATEWAY_TIMEOUT, Some("outcome-unknown")) if is_applied => End::UnknownAndApplied,
            (StatusCode::GATEWAY_TIMEOUT, Some("outcome-unknown")) => End::UnknownAndNotApplied,
            _ => panic!("{what}"),
        };
        assert!(
            was_cut || end == End::Undisturbed,
            "refused without a cut: {what}"
        );
        write.check_again(&self.server.api, is_applied).await;
        assert!(write.is_applied(&self.direct.api).await, "{what}");
        (end, passed)
    }
}

/// A write, and how to see whether it was applied.
struct Write {
    kind: Kind,
    name: String,
    /// Tasks that it changes; deletes, the last.
    ids: Vec<String>,
}

impl Write {
    /// Makes the tasks that it changes.
    async fn prepare(kind: Kind, number: usize, direct: &Api) -> Self {
        let count = match kind {
            Kind::Create => 0,
            Kind::Patch | Kind::Delete => 1,
            Kind::Bulk => 2,
        };
        let mut ids = Vec::new();
        for _ in 0..count {
            let task = direct.create(&json!({"description": "before"})).await;
            ids.push(task["id"].as_str().unwrap().to_owned());
        }
        Self {
            kind,
            name: format!("write-{number}"),
            ids,
        }
    }

    async fn send(&self, api: &Api) -> Answer {
        let patch = json!({"description": self.name});
        let task = json!({"description": self.name, "externalId": self.name});
        let (method, path, body) = match self.kind {
            Kind::Create => (Method::POST, "/tasks".to_owned(), Some(task)),
            Kind::Patch => (Method::PATCH, format!("/tasks/{}", self.ids[0]), Some(patch)),
            Kind::Delete => (Method::DELETE, format!("/tasks/{}", self.ids[0]), None),
            Kind::Bulk => {
                let operations = json!([
                    {"op": "create", "task": task},
                    {"op": "update", "id": self.ids[0], "patch": patch},
                    {"op": "delete", "id": self.ids[1]},
                ]);
                (
                    Method::POST,
                    "/tasks/bulk".to_owned(),
                    Some(json!({"operations": operations})),
                )
            }
        };
        let mut headers = vec![("content-type", "application/json")];
        if matches!(self.kind, Kind::Create | Kind::Bulk) {
            headers.push(("idempotency-key", &self.name));
        }
        let body = body.map(|body| body.to_string().into_bytes());
        api.send(method, &path, &headers, body).await.unwrap()
    }

    /// Sends it again, when it is known whether it was applied before.
    async fn check_again(&self, api: &Api, was_applied: bool) {
        let answer = self.send(api).await;
        let wanted = match self.kind {
            Kind::Create => StatusCode::CREATED,
            Kind::Delete if was_applied => StatusCode::NOT_FOUND,
            Kind::Patch | Kind::Delete | Kind::Bulk => StatusCode::OK,
        };
        assert_eq!(answer.status, wanted, "{answer:?}");
        if matches!(self.kind, Kind::Create | Kind::Bulk) {
            let mark = if was_applied { "true" } else { "" };
            assert_eq!(answer.header("idempotency-replayed"), mark, "{answer:?}");
        }
        if self.kind == Kind::Patch {
            assert_eq!(answer.task()["version"], 2, "{answer:?}");
        }
        for (result, status) in answer.body["results"]
            .as_array()
            .into_iter()
            .flatten()
            .zip([201, 200, 200])
        {
            assert_eq!(result["status"], status, "{answer:?}");
        }
    }

    /// Whether all of it was applied, and not nothing.
    async fn is_applied(&self, direct: &Api) -> bool {
        let read = async |path: String| direct.call(Method::GET, &path, None).await.unwrap();
        let is_created = async || {
            let page = read(format!("/tasks?externalId={}", self.name)).await;
            let tasks = page.body["tasks"].as_array().map(Vec::len);
            assert!(tasks < Some(2), "one task at most: {page:?}");
            tasks == Some(1)
        };
        let is_patched = async |id: &str| {
            let task = read(format!("/tasks/{id}")).await.task().clone();
            let state = (task["version"].as_i64(), task["description"].as_str());
            assert!(
                [(Some(1), Some("before")), (Some(2), Some(&*self.name))].contains(&state),
                "{task}"
            );
            task["version"] == 2
        };
        let is_deleted = async |id: &str| read(format!("/tasks/{id}")).await.status == StatusCode::NOT_FOUND;
        match self.kind {
            Kind::Create => is_created().await,
            Kind::Patch => is_patched(&self.ids[0]).await,
            Kind::Delete => is_deleted(&self.ids[0]).await,
            Kind::Bulk => {
                let seen = [
                    is_created().await,
                    is_patched(&self.ids[0]).await,
                    is_deleted(&self.ids[1]).await,
                ];
                assert!(
                    seen.iter().all(|one| *one == seen[0]),
                    "all of a bulk or nothing: {seen:?}"
                );
                seen[0]
            }
        }
    }
}
