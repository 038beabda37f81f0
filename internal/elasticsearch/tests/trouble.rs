//! A server that is away, or does not speak as Elasticsearch does. The server here is a socket that says what the test
//! wants, so these tests need no engine.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use std::time::{Duration, Instant};

use support::{client, index_settings, plain, search};
use taskwire_domain::{Dependency, Error, IndexFault, ItemOutcome, SearchQuery, TaskIndex, TaskSearch};
use taskwire_elasticsearch::{
    ElasticsearchIndex, ElasticsearchSearch, Generation, IndexSettings, SearchSettings, ensure_generation,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A server whose answers are made by a function of the request's head and body. It ends with this value.
struct FakeServer {
    url: String,
    _connections: JoinSet<()>,
}

impl FakeServer {
    async fn start(answer: impl Fn(&str, &str) -> (u16, String) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                open.spawn(serve(socket, answer.clone()));
            }
        });
        Self {
            url,
            _connections: connections,
        }
    }
}

async fn serve(mut socket: TcpStream, answer: impl Fn(&str, &str) -> (u16, String)) {
    let mut received = Vec::new();
    while let Ok(read @ 1..) = socket.read_buf(&mut received).await {
        let _ = read;
        let text = String::from_utf8_lossy(&received).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
        if body.len() < length.map_or(0, |length| length.parse().unwrap()) {
            continue;
        }
        let (status, said) = answer(head, body);
        let answer = format!(
            "HTTP/1.1 {status} Said\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{said}",
            said.len()
        );
        socket.write_all(answer.as_bytes()).await.unwrap();
        received.clear();
    }
}

fn index(url: &str) -> ElasticsearchIndex {
    let generation = Generation {
        name: "t-v1-000001".into(),
        write_alias: "t-v1-000001-write".into(),
        group: "g".into(),
    };
    ElasticsearchIndex::new(client(url), &generation, &index_settings())
}

fn created(count: usize) -> String {
    format!(
        r#"{{"errors":false,"items":[{}]}}"#,
        vec![r#"{"index":{"status":201}}"#; count].join(",")
    )
}

/// The address of a port where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn away_is_told_at_once_and_can_be_retried() {
    let url = nobody().await;
    let started = Instant::now();
    let name = "tasks".parse().unwrap();
    let search = search(&url, &name);
    let error = search.search(&SearchQuery::default()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unavailable {
                dependency: "elasticsearch",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(search.check().await.is_err());
    assert!(matches!(
        index(&url).apply(&[plain(1, 1)]).await,
        Err(IndexFault::Retry { .. })
    ));
    let fault = ensure_generation(&client(&url), &name, &index_settings()).await;
    assert!(matches!(fault, Err(IndexFault::Retry { .. })), "{fault:?}");
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let search = ElasticsearchSearch::new(
        client(&url),
        "tasks".parse().unwrap(),
        &SearchSettings { search_limit_ms: 200 },
    );
    let started = Instant::now();
    let error = search.search(&SearchQuery::default()).await.unwrap_err();
    let Error::Unavailable { cause, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(cause.to_string(), "Elasticsearch did not answer within 200 ms");
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_status_decides_between_waiting_and_stopping() {
    for status in [429, 500, 502, 503, 504] {
        let server = FakeServer::start(move |_, _| (status, "<html>busy</html>".to_owned())).await;
        let fault = index(&server.url).apply(&[plain(1, 1)]).await.unwrap_err();
        assert!(matches!(fault, IndexFault::Retry { .. }), "{status}: {fault:?}");
        let found = search(&server.url, &"t".parse().unwrap())
            .search(&SearchQuery::default())
            .await;
        assert!(
            matches!(found, Err(Error::Unavailable { .. })),
            "{status}: {found:?}"
        );
    }
    for status in [301, 400, 401, 403, 404, 405] {
        let server = FakeServer::start(move |_, _| (status, "no".to_owned())).await;
        let fault = index(&server.url).apply(&[plain(1, 1)]).await.unwrap_err();
        assert!(matches!(fault, IndexFault::Halt { .. }), "{status}: {fault:?}");
        let fault = ensure_generation(&client(&server.url), &"t".parse().unwrap(), &index_settings()).await;
        assert!(
            matches!(fault, Err(IndexFault::Halt { .. })),
            "{status}: {fault:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_request_halts() {
    for said in [
        created(2),
        created(0),
        "<html>hello</html>".to_owned(),
        "{}".to_owned(),
    ] {
        let server = FakeServer::start(move |_, _| (200, said.clone())).await;
        let fault = index(&server.url).apply(&[plain(1, 1)]).await.unwrap_err();
        assert!(matches!(fault, IndexFault::Halt { .. }), "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_too_large_is_halved_until_it_fits_and_what_never_fits_is_rejected() {
    // As if the server took four lines, and never the line that says "huge".
    let answer = |_: &str, body: &str| match body.lines().count() {
        lines if lines > 4 || body.contains("huge") => (413, String::new()),
        lines => (200, created(lines / 2)),
    };
    let server = FakeServer::start(answer).await;
    let mut operations: Vec<_> = (0..21).map(|n| plain(n, 1)).collect();
    operations[13] = support::raw(13, 1, &serde_json::json!({ "description": "huge" }));
    let outcomes = index(&server.url).apply(&operations).await.unwrap();
    for (n, outcome) in outcomes.iter().enumerate() {
        match n {
            13 => assert!(matches!(outcome, ItemOutcome::Rejected { .. }), "{outcome:?}"),
            _ => assert_eq!(*outcome, ItemOutcome::Done, "{n}"),
        }
    }
}

#[tokio::test]
async fn a_request_refused_as_a_whole_is_narrowed_down_to_the_one_to_blame() {
    // In these words the server refuses everything for one action that it finds wrong before it begins.
    let refusal = r#"{"error":{"type":"action_request_validation_exception","reason":"odd"},"status":400}"#;
    let answer = move |_: &str, body: &str| match body.contains("odd") {
        true => (400, refusal.to_owned()),
        false => (200, created(body.lines().count() / 2)),
    };
    let server = FakeServer::start(answer).await;
    let mut operations: Vec<_> = (0..10).map(|n| plain(n, 1)).collect();
    operations[6] = support::raw(6, 1, &serde_json::json!({ "description": "odd" }));
    let outcomes = index(&server.url).apply(&operations).await.unwrap();
    let rejected: Vec<_> = (0..10).filter(|&n| outcomes[n] != ItemOutcome::Done).collect();
    assert_eq!(rejected, [6]);
    assert!(
        matches!(&outcomes[6], ItemOutcome::Rejected { detail } if detail.ends_with("odd")),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_batch_larger_than_the_limit_is_sent_in_parts() {
    let answer = |_: &str, body: &str| match body.len() {
        0..=2_048 => (200, created(body.lines().count() / 2)),
        _ => (500, String::new()),
    };
    let server = FakeServer::start(answer).await;
    let generation = Generation {
        name: "t".into(),
        write_alias: "t-write".into(),
        group: "g".into(),
    };
    let settings = IndexSettings {
        bulk_bytes: 2_048,
        ..index_settings()
    };
    let index = ElasticsearchIndex::new(client(&server.url), &generation, &settings);
    let operations: Vec<_> = (0..100).map(|n| plain(n, 1)).collect();
    assert_eq!(
        index.apply(&operations).await.unwrap(),
        vec![ItemOutcome::Done; 100]
    );
}

#[tokio::test]
async fn credentials_are_sent_as_they_were_meant_and_never_in_the_url() {
    // "me@home:p/w" in base64.
    let expected = "authorization: basic bwvaag9tztpwl3c=";
    let answer = move |head: &str, _: &str| match head.to_ascii_lowercase().contains(expected)
        && !head.contains("me%40")
    {
        true => (200, created(1)),
        false => (401, String::new()),
    };
    let server = FakeServer::start(answer).await;
    let url = server.url.replace("http://", "http://me%40home:p%2Fw@");
    assert_eq!(
        index(&url).apply(&[plain(1, 1)]).await.unwrap(),
        [ItemOutcome::Done]
    );

    let fault = index(&server.url).apply(&[plain(1, 1)]).await.unwrap_err();
    assert!(
        matches!(&fault, IndexFault::Halt { detail, .. } if detail.contains("user or password")),
        "{fault:?}"
    );
}
