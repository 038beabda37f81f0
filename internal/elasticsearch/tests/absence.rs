//! A server that goes silent, and one that is merely slow or busy. These tests need no engine.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use support::client;
use support::fake_server::{Asked, FakeServer, Said, said};
use taskwire_domain::{
    ConsistencyToken, Dependency, Error, SearchPage, SearchQuery, SearchWindow, TaskSearch, Version,
};
use taskwire_elasticsearch::{ElasticsearchSearch, SearchSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const NOTHING: &str = r#"{"timed_out":false,"_shards":{"failed":0},"hits":{"total":{"value":0}}}"#;

/// The size of a page that takes long to find.
const DEAR: u32 = 97;

const LIMIT: Duration = Duration::from_secs(2);

/// After this long in silence, a sign of life is asked for; and nothing is asked for as long when there was none.
const PATIENCE: Duration = Duration::from_millis(400);

fn search_within(url: &str, limit: Duration) -> ElasticsearchSearch {
    let settings = SearchSettings {
        search_limit_ms: u64::try_from(limit.as_millis()).unwrap(),
    };
    ElasticsearchSearch::new(client(url), "tasks".parse().unwrap(), &settings)
}

async fn find(search: &ElasticsearchSearch) -> Result<SearchPage, Error> {
    search.search(&SearchQuery::default()).await
}

fn is_silent(found: &Result<SearchPage, Error>) -> bool {
    matches!(found, Err(Error::Unavailable { cause, .. }) if cause.to_string().contains("sign of life"))
}

/// A server that answers or is silent, and counts what it is asked.
#[derive(Default)]
struct Scene {
    lives: AtomicBool,
    searches: AtomicUsize,
    signs_of_life: AtomicUsize,
}

impl Scene {
    async fn start() -> (Arc<Self>, FakeServer) {
        let scene = Arc::new(Self::default());
        let asked = scene.clone();
        let answer = move |request: Asked| {
            let scene = asked.clone();
            async move { scene.answer(&request).await }
        };
        (scene, FakeServer::start_slow(answer).await)
    }

    async fn answer(&self, asked: &Asked) -> Said {
        let (count, answer) = match asked.head.starts_with("HEAD / ") {
            true => (&self.signs_of_life, said(405, "")),
            false => (&self.searches, said(200, NOTHING)),
        };
        count.fetch_add(1, Ordering::SeqCst);
        match self.lives.load(Ordering::SeqCst) {
            true => answer,
            false => std::future::pending().await,
        }
    }

    fn counts(&self) -> (usize, usize) {
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (count(&self.searches), count(&self.signs_of_life))
    }
}

#[tokio::test]
async fn a_silent_server_is_asked_by_one_at_a_time_and_everybody_else_is_refused_at_once() {
    let (scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    let first = join_all((0..10).map(|_| find(&search))).await;
    assert!(first.iter().all(is_silent), "{first:?}");
    assert_eq!(scene.counts(), (10, 1), "one asked for all");

    let refused = join_all((0..100).map(|_| find(&search))).await;
    assert!(refused.iter().all(is_silent), "{refused:?}");
    assert!(search.check().await.is_err());
    let token = ConsistencyToken {
        id: "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap(),
        version: Version::new(1).unwrap(),
    };
    assert!(search.await_writes(&[token], LIMIT).await.is_err());
    let (searches, signs_of_life) = scene.counts();
    assert_eq!(searches, 10, "no search is sent to a server that is away");
    assert!(signs_of_life <= 2, "{signs_of_life}");

    tokio::time::sleep(2 * PATIENCE).await;
    assert_eq!(
        scene.counts(),
        (searches, signs_of_life),
        "nobody searches, nothing is asked"
    );

    let together = join_all((0..100).map(|_| find(&search))).await;
    assert!(together.iter().all(is_silent), "{together:?}");
    assert_eq!(
        scene.counts(),
        (searches, signs_of_life + 1),
        "one of a hundred asks"
    );
}

#[tokio::test]
async fn a_server_that_is_back_is_searched_by_the_next_who_asks() {
    let (scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    assert!(is_silent(&find(&search).await));
    scene.lives.store(true, Ordering::SeqCst);
    tokio::time::sleep(PATIENCE).await;
    find(&search).await.unwrap();
    let all = join_all((0..20).map(|_| find(&search))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}

#[tokio::test]
async fn a_dear_search_is_waited_for_while_the_server_gives_signs_of_life() {
    let answer = |asked: Asked| async move {
        if asked.head.starts_with("HEAD") {
            return said(403, "");
        }
        if asked.body.contains("\"size\":99") {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        said(200, NOTHING)
    };
    let server = FakeServer::start_slow(answer).await;
    let search = search_within(&server.url, Duration::from_secs(10));
    let mut dear = SearchQuery::default();
    dear.window.size = 99;
    let others = async {
        for _ in 0..40 {
            find(&search).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (found, ()) = join(search.search(&dear), others).await;
    found.unwrap();
}

/// As behind a proxy that has no connections left, or while names are not resolved.
#[tokio::test]
async fn a_server_that_answers_others_is_not_silent_though_no_new_connection_can_be_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let is_full = Arc::new(AtomicBool::new(false));
    let full = is_full.clone();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            if full.load(Ordering::SeqCst) {
                connections.spawn(async move {
                    let _socket = socket;
                    std::future::pending().await
                });
            } else {
                connections.spawn(answer_until_dead(socket, Some(Arc::default())));
            }
        }
    });
    let search = search_within(&url, 4 * LIMIT);
    let alive = join_all((0..10).map(|_| find(&search))).await;
    assert!(alive.iter().all(Result::is_ok), "{alive:?}");
    is_full.store(true, Ordering::SeqCst);
    // Longer than the patience of a fifth of the limit, and the time that a sign of life may take.
    let dear = SearchQuery {
        window: SearchWindow { from: 0, size: DEAR },
        ..SearchQuery::default()
    };
    let others = async {
        for _ in 0..40 {
            find(&search).await.unwrap();
        }
    };
    let (found, ()) = join(search.search(&dear), others).await;
    found.unwrap();
}

/// As after a failover, when the old machine's connections were never closed.
#[tokio::test]
async fn dead_connections_to_a_server_that_lives_are_no_absence() {
    const OLD: usize = 20;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dead = Arc::new(AtomicBool::new(false));
    let is_dead = dead.clone();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let is_dead = (!is_dead.load(Ordering::SeqCst)).then(|| is_dead.clone());
            connections.spawn(answer_until_dead(socket, is_dead));
        }
    });
    let search = search_within(&url, LIMIT);
    let alive = join_all((0..OLD).map(|_| find(&search))).await;
    assert!(alive.iter().all(Result::is_ok), "{alive:?}");
    dead.store(true, Ordering::SeqCst);
    let mut given_up = 0;
    for _ in 0..3 {
        let found = join_all((0..2 * OLD).map(|_| find(&search))).await;
        assert!(!found.iter().any(is_silent), "{found:?}");
        given_up += found.iter().filter(|found| found.is_err()).count();
    }
    assert!((1..=OLD).contains(&given_up), "one for each of them: {given_up}");
    find(&search).await.unwrap();
}

/// Takes its time, so that searches at once need connections of their own.
async fn answer_until_dead(mut socket: TcpStream, is_dead: Option<Arc<AtomicBool>>) {
    let mut received = Vec::with_capacity(8_192);
    while let Ok(1..) = socket.read_buf(&mut received).await {
        if is_dead
            .as_ref()
            .is_some_and(|is_dead| is_dead.load(Ordering::SeqCst))
        {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        // The body may have come behind the head.
        let _ = socket.try_read_buf(&mut received);
        if String::from_utf8_lossy(&received).contains(&format!("\"size\":{DEAR}")) {
            tokio::time::sleep(4 * LIMIT / 2).await;
        }
        let body = if received.starts_with(b"HEAD") {
            ""
        } else {
            NOTHING
        };
        received.clear();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn an_answer_is_presence_whatever_it_says() {
    for status in [400, 401, 404, 429, 500, 503] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let server = FakeServer::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0..30 => said(status, r#"{"error":{"type":"any","reason":"busy"}}"#),
            _ => said(200, NOTHING),
        })
        .await;
        let search = search_within(&server.url, LIMIT);
        for _ in 0..30 {
            find(&search).await.unwrap_err();
        }
        find(&search).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 31, "{status}: every search is sent");
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_at_once_and_tried_every_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let search = search_within(&url, Duration::from_secs(20));
    let began = Instant::now();
    for _ in 0..20 {
        let found = find(&search).await;
        assert!(found.is_err() && !is_silent(&found), "{found:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
