//! Waiting for writes on a server that is particular, and the pauses between two refreshes. These tests need no engine.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{join, join3};
use support::fake_server::{Asked, FakeServer, Said, said};
use support::search;
use support::stopped_clock::{StoppedClock, look_around, until};
use taskwire_domain::{ConsistencyToken, Error, SearchQuery, TaskSearch, Version};
use taskwire_elasticsearch::ElasticsearchSearch;
use tokio::sync::Notify;
use tokio::time::Instant;

const ID: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
const NOTHING: &str = r#"{"timed_out":false,"_shards":{"failed":0},"hits":{"total":{"value":0}}}"#;

/// The requests that a server was sent, as their first lines.
type Asks = Arc<Mutex<Vec<String>>>;

/// A server that answers a refresh so, and shows the document from the look on that has this number.
async fn server(refresh: Said, shown_at: usize) -> (Asks, FakeServer) {
    let asks = Asks::default();
    let noted = asks.clone();
    let answer = move |asked: &Asked| {
        let line = asked.head.lines().next().unwrap().to_owned();
        let mut asks = noted.lock().unwrap();
        asks.push(line.clone());
        let looks = asks.iter().filter(|line| line.contains("_mget")).count();
        match line.split(['/', '?']).nth(2).unwrap() {
            "_mget" if looks >= shown_at => {
                said(200, &format!(r#"{{"docs":[{{"_id":"{ID}","_version":3}}]}}"#))
            }
            "_mget" => said(200, "{}"),
            "_refresh" => refresh.clone(),
            _ => said(200, NOTHING),
        }
    };
    (asks, FakeServer::start(answer).await)
}

fn of(url: &str) -> ElasticsearchSearch {
    search(url, &"t".parse().unwrap())
}

fn token() -> [ConsistencyToken; 1] {
    let version = Version::new(3).unwrap();
    [ConsistencyToken {
        id: ID.parse().unwrap(),
        version,
    }]
}

fn count(asks: &Asks, verb: &str) -> usize {
    asks.lock()
        .unwrap()
        .iter()
        .filter(|line| line.contains(verb))
        .count()
}

#[tokio::test]
async fn who_may_not_refresh_waits_for_the_regular_one() {
    let forbidden = said(
        403,
        r#"{"error":{"type":"security_exception","reason":"no"},"status":403}"#,
    );
    let (asks, server) = server(forbidden, 5).await;
    let search = of(&server.url);
    assert!(
        search
            .await_writes(&token(), Duration::from_secs(20))
            .await
            .unwrap()
    );
    assert_eq!(
        (count(&asks, "_mget"), count(&asks, "_refresh")),
        (5, 1),
        "asked for once: {asks:?}"
    );
    assert!(
        search
            .await_writes(&token(), Duration::from_secs(20))
            .await
            .unwrap()
    );
    assert_eq!(count(&asks, "_refresh"), 1);
}

#[tokio::test]
async fn a_refresh_that_fails_otherwise_is_a_failure() {
    for status in [401, 429, 503] {
        let (_, server) = server(said(status, "no"), usize::MAX).await;
        let waited = of(&server.url)
            .await_writes(&token(), Duration::from_secs(20))
            .await;
        assert!(
            matches!(waited, Err(Error::Unavailable { .. })),
            "{status}: {waited:?}"
        );
    }
}

#[tokio::test]
async fn a_search_after_writes_asks_the_copy_that_was_looked_at_and_no_other_search_does() {
    let (asks, server) = server(said(200, "{}"), 2).await;
    let (search, query) = (of(&server.url), SearchQuery::default());
    assert!(
        search
            .await_writes(&token(), Duration::from_secs(20))
            .await
            .unwrap()
    );
    search.search_after_writes(&query).await.unwrap();
    search.search(&query).await.unwrap();
    let asks = asks.lock().unwrap();
    let preferences = asks.iter().map(|line| {
        let after = line.split_once("preference=").map(|(_, after)| after);
        after.map(|after| after.split(['&', ' ']).next().unwrap().to_owned())
    });
    let [first_look, refresh, look, after, plain] = &preferences.collect::<Vec<_>>()[..] else {
        panic!("{asks:?}")
    };
    assert!(first_look.is_some(), "{asks:?}");
    assert_eq!((look, after), (first_look, first_look), "{asks:?}");
    assert_eq!((refresh, plain), (&None, &None), "{asks:?}");
}

#[tokio::test]
async fn those_who_waited_while_a_refresh_failed_do_not_each_ask_again() {
    let busy = said(429, r#"{"error":{"type":"any","reason":"busy"},"status":429}"#);
    let (asks, server) = server(busy, usize::MAX).await;
    let search = of(&server.url);
    let token = token();
    let waiting = (0..50).map(|_| search.await_writes(&token, Duration::from_secs(20)));
    let told = futures::future::join_all(waiting).await;
    assert!(
        told.iter()
            .all(|told| matches!(told, Err(Error::Unavailable { .. }))),
        "{told:?}"
    );
    assert_eq!((count(&asks, "_mget"), count(&asks, "_refresh")), (1, 1));
}

/// The least time between two refreshes of one process.
const BETWEEN: Duration = Duration::from_millis(50);

/// A server that shows no document, and notes when it was asked for a refresh.
#[derive(Default)]
struct Refreshes {
    asked: Mutex<Vec<Instant>>,
    looks: Mutex<usize>,
    /// Lets the first look be answered.
    first_look: Notify,
    /// Lets the first refresh be answered.
    first_refresh: Notify,
}

impl Refreshes {
    async fn start() -> (Arc<Self>, FakeServer) {
        let refreshes = Arc::new(Self::default());
        let asked = refreshes.clone();
        let answer = move |request: Asked| {
            let refreshes = asked.clone();
            async move { refreshes.answer(&request).await }
        };
        (refreshes, FakeServer::start_slow(answer).await)
    }

    async fn answer(&self, asked: &Asked) -> Said {
        let is_refresh = asked.head.contains("/_refresh");
        if is_refresh {
            self.asked.lock().unwrap().push(Instant::now());
        } else {
            *self.looks.lock().unwrap() += 1;
        }
        if is_refresh && self.number() == 1 {
            self.first_refresh.notified().await;
        }
        if !is_refresh && self.looks() == 1 {
            self.first_look.notified().await;
        }
        said(200, "{}")
    }

    fn number(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn looks(&self) -> usize {
        *self.looks.lock().unwrap()
    }

    /// Lets time pass in small steps, with many looks at the sockets in each, until it was asked for so many.
    async fn pass_until(&self, clock: &StoppedClock, number: usize) {
        for _ in 0..1_000 {
            look_around().await;
            if self.number() == number {
                return;
            }
            clock.pass(Duration::from_millis(1)).await;
        }
        panic!("{} refreshes were asked for, not {number}", self.number());
    }

    fn pauses(&self) -> Vec<Duration> {
        let asked = self.asked.lock().unwrap();
        asked.windows(2).map(|two| two[1] - two[0]).collect()
    }
}

#[tokio::test]
async fn there_is_a_pause_between_two_refreshes() {
    let clock = StoppedClock::stop();
    let (refreshes, server) = Refreshes::start().await;
    refreshes.first_look.notify_one();
    refreshes.first_refresh.notify_one();
    let search = of(&server.url);
    let token = token();
    let waiting = join3(
        search.await_writes(&token, Duration::from_secs(1)),
        search.await_writes(&token, Duration::from_secs(1)),
        search.await_writes(&token, Duration::from_secs(1)),
    );
    let passing = async {
        for number in 1..=4 {
            refreshes.pass_until(&clock, number).await;
        }
        clock.pass(Duration::from_secs(1)).await;
    };
    let (told, ()) = join(waiting, passing).await;
    assert!(matches!(told, (Ok(false), Ok(false), Ok(false))), "{told:?}");
    let pauses = refreshes.pauses();
    assert!(pauses.iter().all(|pause| *pause >= BETWEEN), "{pauses:?}");
}

/// One who gives up while it waits for its refresh does not tell how that went.
#[tokio::test]
async fn there_is_a_pause_behind_a_refresh_that_somebody_gave_up() {
    let clock = StoppedClock::stop();
    let (refreshes, server) = Refreshes::start().await;
    let search = of(&server.url);
    let token = token();
    let waiting = join(
        search.await_writes(&token, Duration::from_millis(300)),
        search.await_writes(&token, Duration::from_secs(1)),
    );
    let passing = async {
        // A look that takes longer than the pause, after which there is hardly time for the refresh.
        until("it was looked", || refreshes.looks() == 1).await;
        clock.pass(Duration::from_millis(290)).await;
        refreshes.first_look.notify_one();
        until("a refresh was asked for", || refreshes.number() == 1).await;
        refreshes.pass_until(&clock, 2).await;
        clock.pass(Duration::from_secs(1)).await;
    };
    let (told, ()) = join(waiting, passing).await;
    assert!(matches!(told, (Ok(false), Ok(false))), "{told:?}");
    let pauses = refreshes.pauses();
    assert!(pauses[0] >= BETWEEN, "{pauses:?}");
}
