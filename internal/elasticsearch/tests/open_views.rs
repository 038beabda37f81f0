//! Which views are closed, and which count as gone, on a server that does as a test says. These tests need no engine; those of
//! `walk.rs` count on a real one.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::client;
use support::fake_server::{Asked, FakeServer, Said, said};
use support::stopped_clock::{StoppedClock, until};
use taskwire_domain::{Error, SearchQuery, SearchWindow, TaskSearch, WalkPage, WalkPosition, WalkStep};
use taskwire_elasticsearch::{ElasticsearchSearch, SearchSettings, WalkSettings};
use tokio::sync::Semaphore;

/// A server of ten documents that are no tasks, two a page. It names its views `view-0` and so on.
struct Scene {
    opened: Mutex<usize>,
    closed: Mutex<Vec<String>>,
    /// What is said of a search instead of a page.
    refusal: Mutex<Option<Said>>,
    searches: Mutex<usize>,
    /// How many may be opened, and how many searches may be answered.
    opens: Semaphore,
    answers: Semaphore,
    server: Mutex<Option<FakeServer>>,
}

const MANY: usize = 1_000;

impl Scene {
    async fn start(opens: usize, answers: usize) -> (Arc<Self>, ElasticsearchSearch, StoppedClock) {
        let clock = StoppedClock::stop();
        let scene = Arc::new(Self {
            opened: Mutex::default(),
            closed: Mutex::default(),
            refusal: Mutex::default(),
            searches: Mutex::default(),
            opens: Semaphore::new(opens),
            answers: Semaphore::new(answers),
            server: Mutex::default(),
        });
        let asked = scene.clone();
        let server = FakeServer::start_slow(move |request| {
            let scene = asked.clone();
            async move { scene.answer(&request).await }
        })
        .await;
        let settings = SearchSettings {
            search_limit_ms: 60_000,
        };
        let walks = WalkSettings {
            cursors: 2,
            ..WalkSettings::default()
        };
        let search = ElasticsearchSearch::new(client(&server.url), "t".parse().unwrap(), &settings);
        *scene.server.lock().unwrap() = Some(server);
        (scene, search.walking_by(&walks), clock)
    }

    async fn answer(&self, asked: &Asked) -> Said {
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        if asked.head.starts_with("POST /t/_pit?") {
            let number = {
                let mut opened = self.opened.lock().unwrap();
                *opened += 1;
                *opened - 1
            };
            self.opens.acquire().await.unwrap().forget();
            return said(200, &json!({ "id": format!("view-{number}") }).to_string());
        }
        if asked.head.starts_with("DELETE /_pit?") {
            let id = body["id"].as_str().unwrap().to_owned();
            self.closed.lock().unwrap().push(id);
            return said(200, "{}");
        }
        *self.searches.lock().unwrap() += 1;
        self.answers.acquire().await.unwrap().forget();
        match self.refusal.lock().unwrap().clone() {
            Some(refusal) => refusal,
            None => said(200, &page(&body).to_string()),
        }
    }

    fn refuse(&self, status: u16, error: &Value) {
        let body = json!({ "error": error, "status": status }).to_string();
        *self.refusal.lock().unwrap() = Some(said(status, &body));
    }

    async fn until_closed(&self, ids: &[&str]) {
        until(&format!("{ids:?} were closed"), || {
            *self.closed.lock().unwrap() == ids
        })
        .await;
    }

    fn closed(&self) -> usize {
        self.closed.lock().unwrap().len()
    }
}

fn page(asked: &Value) -> Value {
    let hit = json!({ "_id": "x", "_source": {}, "sort": [1, "x"] });
    json!({
        "pit_id": asked["pit"]["id"], "timed_out": false, "_shards": { "failed": 0 },
        "hits": { "total": { "value": 10 }, "hits": vec![hit; asked["size"].as_u64().unwrap().min(10) as usize] },
    })
}

fn pages_of(size: u32) -> SearchQuery {
    SearchQuery {
        window: SearchWindow { from: 0, size },
        ..SearchQuery::default()
    }
}

async fn begin(search: &ElasticsearchSearch) -> WalkPosition {
    let begun = search.walk(&pages_of(2), &WalkStep::Begin).await.unwrap();
    begun.next.unwrap()
}

async fn go_on(search: &ElasticsearchSearch, position: &WalkPosition) -> Result<WalkPage, Error> {
    let step = WalkStep::Continue(position.clone());
    search.walk(&pages_of(2), &step).await
}

/// Begins a walk, but waits no longer than for this.
async fn begin_and_go_away(search: &ElasticsearchSearch, until: impl Future<Output = ()>) {
    tokio::select! {
        _ = begin(search) => panic!("it was answered"),
        () = until => {}
    }
}

fn failed_on(cause: &Value) -> Value {
    json!({
        "root_cause": [cause], "type": "search_phase_execution_exception", "reason": "all shards failed",
        "phase": "query", "grouped": true, "failed_shards": [{ "shard": 0, "index": "t", "node": "n", "reason": cause }],
    })
}

#[tokio::test]
async fn a_view_of_which_the_first_page_fails_is_closed() {
    let (scene, search, _clock) = Scene::start(MANY, MANY).await;
    scene.refuse(503, &json!({ "type": "any", "reason": "busy" }));
    search.walk(&pages_of(2), &WalkStep::Begin).await.unwrap_err();
    scene.until_closed(&["view-0"]).await;
}

#[tokio::test]
async fn a_view_is_closed_with_its_last_page() {
    let (scene, search, _clock) = Scene::start(MANY, MANY).await;
    let whole = search.walk(&pages_of(10), &WalkStep::Begin).await.unwrap();
    assert_eq!(whole.next, None);
    scene.until_closed(&["view-0"]).await;
    let mut position = begin(&search).await;
    for _ in 0..3 {
        position = go_on(&search, &position).await.unwrap().next.unwrap();
    }
    assert_eq!(scene.closed(), 1, "this one goes on");
    assert_eq!(go_on(&search, &position).await.unwrap().next, None);
    scene.until_closed(&["view-0", "view-1"]).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_while_a_view_is_opened_leaves_none_open() {
    let (scene, search, _clock) = Scene::start(0, MANY).await;
    let opening = until("a view is being opened", || *scene.opened.lock().unwrap() == 1);
    begin_and_go_away(&search, opening).await;
    scene.opens.add_permits(1);
    scene.until_closed(&["view-0"]).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_before_its_first_page_leaves_no_view_open() {
    let (scene, search, _clock) = Scene::start(MANY, 0).await;
    let looking = until("the first page is looked for", || {
        *scene.searches.lock().unwrap() == 1
    });
    begin_and_go_away(&search, looking).await;
    scene.until_closed(&["view-0"]).await;
}

#[tokio::test]
async fn of_too_many_views_the_one_unused_longest_is_closed() {
    let (scene, search, clock) = Scene::start(MANY, MANY).await;
    let moment = std::time::Duration::ZERO;
    let first = begin(&search).await;
    clock.pass(moment).await;
    begin(&search).await;
    clock.pass(moment).await;
    go_on(&search, &first).await.unwrap();
    clock.pass(moment).await;
    assert_eq!(scene.closed(), 0);
    begin(&search).await;
    scene.until_closed(&["view-1"]).await;
}

#[tokio::test]
async fn a_walk_whose_node_left_the_cluster_cannot_go_on_and_one_whose_node_is_silent_may() {
    let (scene, search, _clock) = Scene::start(MANY, MANY).await;
    let position = begin(&search).await;
    let silent =
        json!({ "type": "node_not_connected_exception", "reason": "[n][127.0.0.1:9300] Node not connected" });
    scene.refuse(502, &failed_on(&silent));
    let outcome = go_on(&search, &position).await;
    assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");

    let left = json!({ "type": "illegal_state_exception", "reason": "no node found for id: n" });
    scene.refuse(500, &failed_on(&left));
    let outcome = go_on(&search, &position).await;
    assert!(matches!(outcome, Err(Error::ViewGone)), "{outcome:?}");
    // Before there is a cursor, the way to begin anew is to ask again.
    let outcome = search.walk(&pages_of(2), &WalkStep::Begin).await;
    assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
}
