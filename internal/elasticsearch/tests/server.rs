//! Which servers are worked with. These tests need no engine: the old ones are not to be had, or not wanted.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use support::client;
use support::fake_server::{Asked, FakeServer, Said, said};
use taskwire_domain::IndexFault;
use taskwire_elasticsearch::check_server;

/// A server that answers the question at its door and the one about its node with these.
async fn server(door: (u16, &'static str), node: (u16, &'static str)) -> FakeServer {
    FakeServer::start(move |asked: &Asked| -> Said {
        let (status, body) = match asked.head.starts_with("GET / ") {
            true => door,
            false if asked.head.starts_with("GET /_nodes/_local?") => node,
            false => (404, "{}"),
        };
        said(status, body)
    })
    .await
}

async fn check(door: (u16, &'static str), node: (u16, &'static str)) -> Result<(), IndexFault> {
    let server = server(door, node).await;
    check_server(&client(&server.url)).await
}

const SHUT: (u16, &str) = (
    405,
    r#"{"error":"Incorrect HTTP method for uri [/]","status":405}"#,
);

#[tokio::test]
async fn a_server_that_is_too_old_is_refused_in_one_sentence() {
    let table = [
        (
            (200, r#"{"version":{"number":"7.16.3","build_flavor":"default"}}"#),
            SHUT,
            "leads to Elasticsearch 7.16.3, which is too old",
        ),
        (
            (
                200,
                r#"{"version":{"number":"1.3.20","distribution":"opensearch"}}"#,
            ),
            SHUT,
            "leads to OpenSearch 1.3.20, which is too old",
        ),
        (
            SHUT,
            (
                200,
                r#"{"nodes":{"k":{"version":"7.10.2","build_flavor":"default"}}}"#,
            ),
            "leads to Elasticsearch 7.10.2, which is too old",
        ),
        (
            // OpenSearch that gives itself out as Elasticsearch.
            (200, r#"{"version":{"number":"7.10.2"}}"#),
            (200, r#"{"nodes":{"k":{"version":"1.2.4"}}}"#),
            "leads to OpenSearch 1.2.4, which is too old",
        ),
    ];
    for (door, node, wanted) in table {
        let fault = check(door, node).await.unwrap_err();
        let IndexFault::Halt { detail, .. } = fault else {
            panic!("{fault:?}")
        };
        assert!(detail.contains(wanted), "{detail}");
        assert!(detail.contains("the oldest that are supported are Elasticsearch 7.17 and OpenSearch 2.11"));
        assert_eq!(detail.lines().count(), 1);
    }
}

#[tokio::test]
async fn a_supported_server_is_taken_by_either_answer_and_so_is_one_that_does_not_let_us_ask() {
    for (door, node) in [
        ((200, r#"{"version":{"number":"9.2.4"}}"#), SHUT),
        (SHUT, (200, r#"{"nodes":{"k":{"version":"3.4.0"}}}"#)),
        (
            (200, r#"{"version":{"number":"7.10.2"}}"#),
            (200, r#"{"nodes":{"k":{"version":"2.19.3"}}}"#),
        ),
        ((403, "{}"), (403, "{}")),
        ((401, ""), (401, "")),
        (SHUT, (404, "no such page")),
        ((200, "<html>"), (200, "{}")),
    ] {
        check(door, node).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    for (door, node) in [((503, ""), SHUT), ((429, ""), SHUT), (SHUT, (503, ""))] {
        let fault = check(door, node).await.unwrap_err();
        assert!(matches!(fault, IndexFault::Retry { .. }), "{fault:?}");
    }
}
