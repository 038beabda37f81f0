//! A server that is away, or does not speak as Elasticsearch does. These tests need no engine.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use std::time::{Duration, Instant};

use support::fake_server::{Asked, FakeServer, said};
use support::{client, index_at, index_settings, plain, search};
use taskwire_domain::{Dependency, Error, IndexFault, ItemOutcome, SearchQuery, TaskIndex, TaskSearch};
use taskwire_elasticsearch::{ElasticsearchIndex, ElasticsearchSearch, SearchSettings, ensure_generation};
use tokio::net::TcpListener;

fn index(url: &str) -> ElasticsearchIndex {
    index_at(url, &index_settings())
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
        let server = FakeServer::start(move |_| said(status, "<html>busy</html>")).await;
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
        let server = FakeServer::start(move |_| said(status, "no")).await;
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
async fn credentials_are_sent_as_they_were_meant_and_never_in_the_url() {
    // "me@home:p/w" in base64.
    let expected = "authorization: basic bwvaag9tztpwl3c=";
    let answer = move |asked: &Asked| {
        let is_known = asked.head.to_ascii_lowercase().contains(expected);
        match is_known && !asked.head.contains("me%40") {
            true => asked.all_done(),
            false => said(401, ""),
        }
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
