//! What becomes of the points in time that walks go on in. They are counted by the index's own statistics.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::{Fixture, plain, search};
use taskwire_conformance::index::{live, task};
use taskwire_domain::{
    Error, SearchPage, SearchQuery, SearchWindow, TaskIndex, TaskSearch, WalkPage, WalkPosition, WalkStep,
};
use taskwire_elasticsearch::{ElasticsearchSearch, WalkSettings};

/// Longer than anything takes here, but for what the server does once a minute.
const LONG: Duration = Duration::from_secs(30);

fn pages_of(size: u32) -> SearchQuery {
    SearchQuery {
        window: SearchWindow { from: 0, size },
        ..SearchQuery::default()
    }
}

async fn begin(search: &ElasticsearchSearch) -> WalkPage {
    search.walk(&pages_of(2), &WalkStep::Begin).await.unwrap()
}

async fn go_on(search: &ElasticsearchSearch, position: &WalkPosition) -> Result<WalkPage, Error> {
    search
        .walk(&pages_of(2), &WalkStep::Continue(position.clone()))
        .await
}

fn ids(page: &SearchPage) -> Vec<u128> {
    page.tasks
        .iter()
        .map(|task| task.id.as_uuid().as_u128())
        .collect()
}

#[track_caller]
fn assert_gone(outcome: &Result<WalkPage, Error>) {
    assert!(matches!(outcome, Err(Error::ViewGone)), "{outcome:?}");
}

/// An index of six tasks, and walks of their own.
async fn fixture(settings: &WalkSettings) -> (Fixture, ElasticsearchSearch) {
    let fixture = Fixture::create().await;
    let tasks: Vec<_> = (1..=6).map(|n| live(&task(n, "the same words"))).collect();
    fixture.index.apply(&tasks).await.unwrap();
    fixture.refresh().await;
    let search = search(fixture.server.url(), &fixture.name).walking_by(settings);
    (fixture, search)
}

async fn open_contexts(fixture: &Fixture) -> u64 {
    let path = format!("/{}/_stats/search", fixture.generation.name);
    let told = fixture.server.request(Method::GET, &path, None).await;
    told["_all"]["total"]["search"]["open_contexts"].as_u64().unwrap()
}

async fn await_open_contexts(fixture: &Fixture, wanted: u64, limit: Duration) {
    let reached = async {
        while open_contexts(fixture).await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reached = tokio::time::timeout(limit, reached).await;
    let open = open_contexts(fixture).await;
    assert!(reached.is_ok(), "{open} contexts are open, not {wanted}");
}

#[tokio::test]
async fn a_view_is_open_from_the_first_page_to_the_last_and_searches_open_none() {
    let (fixture, search) = fixture(&WalkSettings::default()).await;
    search.search(&pages_of(2)).await.unwrap();
    assert_eq!(open_contexts(&fixture).await, 0);
    let first = begin(&search).await;
    assert_eq!(open_contexts(&fixture).await, 1);
    let second = go_on(&search, &first.next.unwrap()).await.unwrap();
    assert_eq!(open_contexts(&fixture).await, 1);
    let position = second.next.unwrap();
    let third = go_on(&search, &position).await.unwrap();
    assert_eq!((third.page.tasks.len(), third.next), (2, None));
    await_open_contexts(&fixture, 0, LONG).await;
    assert_gone(&go_on(&search, &position).await);
}

#[tokio::test]
async fn a_walk_that_ends_with_its_first_page_leaves_nothing_open() {
    let (fixture, search) = fixture(&WalkSettings::default()).await;
    let whole = search.walk(&pages_of(10), &WalkStep::Begin).await.unwrap();
    assert_eq!((whole.page.tasks.len(), whole.next), (6, None));
    await_open_contexts(&fixture, 0, LONG).await;
}

#[tokio::test]
async fn another_process_goes_on_where_one_began() {
    let (fixture, one) = fixture(&WalkSettings::default()).await;
    let other = search(fixture.server.url(), &fixture.name);
    let first = begin(&one).await;
    let second = go_on(&other, &first.next.unwrap()).await.unwrap();
    let third = go_on(&one, &second.next.unwrap()).await.unwrap();
    let mut seen = [ids(&first.page), ids(&second.page), ids(&third.page)].concat();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), third.next), (6, None));
    await_open_contexts(&fixture, 0, LONG).await;
}

/// The server looks for views that ended once a minute.
#[tokio::test]
async fn a_view_that_nobody_uses_is_ended_by_the_server_and_is_gone() {
    let settings = WalkSettings {
        cursor_idle_ms: 1_000,
        ..WalkSettings::default()
    };
    let (fixture, search) = fixture(&settings).await;
    let first = begin(&search).await;
    assert_eq!(open_contexts(&fixture).await, 1);
    await_open_contexts(&fixture, 0, Duration::from_secs(150)).await;
    assert_gone(&go_on(&search, &first.next.unwrap()).await);
}

#[tokio::test]
async fn of_too_many_views_the_one_unused_longest_is_closed() {
    let settings = WalkSettings {
        cursors: 3,
        ..WalkSettings::default()
    };
    let (fixture, search) = fixture(&settings).await;
    let mut positions = Vec::new();
    for _ in 0..3 {
        positions.push(begin(&search).await.next.unwrap());
    }
    positions[0] = go_on(&search, &positions[0]).await.unwrap().next.unwrap();
    for _ in 0..10 {
        positions.push(begin(&search).await.next.unwrap());
    }
    await_open_contexts(&fixture, 3, LONG).await;
    for gone in &positions[..10] {
        assert_gone(&go_on(&search, gone).await);
    }
    for open in &positions[10..] {
        go_on(&search, open).await.unwrap();
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_while_a_walk_begins_leaves_nothing_open() {
    let (fixture, search) = fixture(&WalkSettings::default()).await;
    let mut answered = 0;
    for micros in (0..40).map(|n| n * 400) {
        let begun = tokio::time::timeout(Duration::from_micros(micros), begin(&search)).await;
        // Whoever got an answer goes on to the end.
        if let Ok(first) = begun {
            answered += 1;
            let second = go_on(&search, &first.next.unwrap()).await.unwrap();
            go_on(&search, &second.next.unwrap()).await.unwrap();
        }
    }
    assert!(answered < 40, "nobody went away");
    await_open_contexts(&fixture, 0, LONG).await;
}

#[tokio::test]
async fn a_walk_that_fails_after_its_view_was_opened_leaves_nothing_open() {
    let (fixture, search) = fixture(&WalkSettings::default()).await;
    // No page may be so large: the server refuses the search.
    let refused = search.walk(&pages_of(10_001), &WalkStep::Begin).await;
    assert!(matches!(refused, Err(Error::Internal { .. })), "{refused:?}");
    await_open_contexts(&fixture, 0, LONG).await;
    // Later a refusal speaks of the view, which may be another release's. It is kept all the same.
    let first = begin(&search).await;
    let step = WalkStep::Continue(first.next.unwrap());
    assert_gone(&search.walk(&pages_of(10_001), &step).await);
    search.walk(&pages_of(2), &step).await.unwrap();
}

#[tokio::test]
async fn a_walk_in_an_index_that_was_replaced_shows_its_view_until_the_index_is_gone() {
    let (fixture, search) = fixture(&WalkSettings::default()).await;
    let first = begin(&search).await;
    let old = &fixture.generation.name;
    let new = format!("{}-v1-000002", fixture.name);
    let request = |method, path: String, body| {
        let server = &fixture.server;
        async move { server.request(method, &path, body).await }
    };
    request(Method::PUT, format!("/{new}"), None).await;
    let swap = json!({ "actions": [
        { "remove": { "index": old, "alias": fixture.name.as_str() } },
        { "add": { "index": new, "alias": fixture.name.as_str(), "filter": { "term": { "deleted": false } } } },
    ]});
    request(Method::POST, "/_aliases".to_owned(), Some(swap)).await;
    let second = go_on(&search, &first.next.unwrap()).await.unwrap();
    assert_eq!((second.page.total, second.page.tasks.len()), (6, 2));
    request(Method::DELETE, format!("/{old}"), None).await;
    assert_gone(&go_on(&search, &second.next.unwrap()).await);
}

#[tokio::test]
async fn a_closed_index_ends_its_views() {
    let (fixture, search) = fixture(&WalkSettings::default()).await;
    let position = begin(&search).await.next.unwrap();
    let path = |verb: &str| format!("/{}/{verb}", fixture.generation.name);
    fixture.server.request(Method::POST, &path("_close"), None).await;
    let closed = go_on(&search, &position).await;
    assert!(
        matches!(closed, Err(Error::ViewGone | Error::Unavailable { .. })),
        "{closed:?}"
    );
    let open = path("_open?wait_for_active_shards=1");
    fixture.server.request(Method::POST, &open, None).await;
    assert_gone(&go_on(&search, &position).await);
    // A document of nobody is passed over, and does not end the walk.
    fixture.index.apply(&[plain(7, 1), plain(8, 1)]).await.unwrap();
    fixture.refresh().await;
    let mut step = WalkStep::Begin;
    let (mut shown, mut pages) = (0, 0);
    loop {
        let WalkPage { page, next } = search.walk(&pages_of(2), &step).await.unwrap();
        shown += page.tasks.len();
        pages += 1;
        match next {
            Some(position) => step = WalkStep::Continue(position),
            None => break,
        }
    }
    assert_eq!((shown, pages), (6, 4));
}
