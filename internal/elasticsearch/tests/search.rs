//! Searches when there is no index, or a closed one.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use reqwest::Method;
use support::Fixture;
use taskwire_domain::{Dependency, Error, SearchQuery, TaskSearch};
use taskwire_testkit::SearchIndex;

#[tokio::test]
async fn before_there_is_an_index_searches_are_unavailable_and_health_says_why() {
    let server = SearchIndex::named();
    let search = support::search(server.url(), &server.name().parse().unwrap());
    let error = search.search(&SearchQuery::default()).await.unwrap_err();
    let Error::Unavailable {
        dependency: "elasticsearch",
        cause,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert!(cause.to_string().contains("there is no index behind"), "{cause}");
    let unreachable = search.check().await.unwrap_err();
    assert!(
        unreachable.cause.to_string().contains("there is no index behind"),
        "{unreachable:?}"
    );
    assert!(server.generations().await.is_empty());
}

#[tokio::test]
async fn with_an_index_health_is_good() {
    let fixture = Fixture::create().await;
    fixture.search.check().await.unwrap();
    assert_eq!(fixture.search.name(), "elasticsearch");
}

#[tokio::test]
async fn a_closed_index_is_unavailable_until_it_is_open_again() {
    let fixture = Fixture::create().await;
    let path = |verb| format!("/{}/{verb}", fixture.generation.name);
    fixture.server.request(Method::POST, &path("_close"), None).await;
    let error = fixture.search.search(&SearchQuery::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(fixture.search.check().await.is_err());
    fixture
        .server
        .request(Method::POST, &path("_open?wait_for_active_shards=1"), None)
        .await;
    fixture.search.check().await.unwrap();
}
