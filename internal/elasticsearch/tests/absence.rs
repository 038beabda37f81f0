//! A server that goes silent, and one that is merely slow or busy. These tests need no engine, and no time: it passes when
//! they say so.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::{join, join_all};
use support::client;
use support::fake_server::{Asked, FakeServer, Said, said};
use support::stopped_clock::{StoppedClock, look_around, until};
use taskwire_domain::{
    ConsistencyToken, Dependency, Error, SearchPage, SearchQuery, SearchWindow, TaskSearch, Version,
};
use taskwire_elasticsearch::{ElasticsearchSearch, SearchSettings};
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Notify};
use tokio::time::Instant;

const NOTHING: &str = r#"{"timed_out":false,"_shards":{"failed":0},"hits":{"total":{"value":0}}}"#;

/// The size of a page that takes long to find.
const DEAR: u32 = 97;

/// What a search may take by default.
const LIMIT: Duration = Duration::from_secs(2);

/// After this long in silence, a sign of life is asked for; and nothing is asked for as long when there was none.
const PATIENCE: Duration = Duration::from_millis(400);

/// The shortest time.
const MOMENT: Duration = Duration::ZERO;

fn search_within(url: &str, limit: Duration) -> ElasticsearchSearch {
    let settings = SearchSettings {
        search_limit_ms: u64::try_from(limit.as_millis()).unwrap(),
    };
    ElasticsearchSearch::new(client(url), "tasks".parse().unwrap(), &settings)
}

async fn find(search: &ElasticsearchSearch) -> Result<SearchPage, Error> {
    search.search(&SearchQuery::default()).await
}

async fn find_many(search: &ElasticsearchSearch, number: usize) -> Vec<Result<SearchPage, Error>> {
    join_all((0..number).map(|_| find(search))).await
}

async fn find_dear(search: &ElasticsearchSearch) -> Result<SearchPage, Error> {
    let window = SearchWindow { from: 0, size: DEAR };
    let query = SearchQuery {
        window,
        ..SearchQuery::default()
    };
    search.search(&query).await
}

fn token() -> ConsistencyToken {
    ConsistencyToken {
        id: "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap(),
        version: Version::new(1).unwrap(),
    }
}

fn is_silent(found: &Result<SearchPage, Error>) -> bool {
    matches!(found, Err(Error::Unavailable { cause, .. }) if cause.to_string().contains("sign of life"))
}

/// A server that answers or is silent, and counts what it is asked.
#[derive(Default)]
struct Scene {
    answers_searches: AtomicBool,
    gives_signs: AtomicBool,
    /// Lets a dear search be answered.
    dear: Notify,
    searches: AtomicUsize,
    signs: AtomicUsize,
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
        let (count, is_answered, answer) = match asked.head.starts_with("HEAD / ") {
            true => (&self.signs, &self.gives_signs, said(405, "")),
            false => (&self.searches, &self.answers_searches, said(200, NOTHING)),
        };
        count.fetch_add(1, Ordering::SeqCst);
        if !is_answered.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        if asked.body.contains(&format!("\"size\":{DEAR}")) {
            self.dear.notified().await;
        }
        answer
    }

    fn lives(&self) {
        self.answers_searches.store(true, Ordering::SeqCst);
        self.gives_signs.store(true, Ordering::SeqCst);
    }

    fn is_gone(&self) {
        self.answers_searches.store(false, Ordering::SeqCst);
        self.gives_signs.store(false, Ordering::SeqCst);
    }

    /// Searches and signs of life that it was asked for.
    fn asked(&self) -> (usize, usize) {
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (count(&self.searches), count(&self.signs))
    }

    /// By the first search.
    async fn is_found_silent(&self, search: &ElasticsearchSearch, clock: &StoppedClock) {
        let waiting = async {
            self.until_asked(1, 0).await;
            clock.pass(PATIENCE).await;
            self.until_asked(1, 1).await;
            clock.pass(PATIENCE).await;
        };
        let (found, ()) = join(find(search), waiting).await;
        assert!(is_silent(&found), "{found:?}");
    }

    async fn until_asked(&self, searches: usize, signs: usize) {
        let what = format!("{searches} searches and {signs} signs of life were asked for");
        until(&what, || self.asked() == (searches, signs)).await;
    }
}

#[tokio::test]
async fn a_silent_server_is_asked_by_one_at_a_time_and_everybody_else_is_refused_at_once() {
    let clock = StoppedClock::stop();
    let (scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    let began = Instant::now();
    let waiting = async {
        scene.until_asked(10, 0).await;
        clock.pass(PATIENCE).await;
        scene.until_asked(10, 1).await;
        clock.pass(PATIENCE).await;
    };
    let (first, ()) = join(find_many(&search, 10), waiting).await;
    assert!(first.iter().all(is_silent), "{first:?}");
    assert_eq!(scene.asked(), (10, 1), "one asked for all");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "an absence is told after {took:?}");

    clock.pass(PATIENCE / 2).await;
    let refused = find_many(&search, 100).await;
    assert!(refused.iter().all(is_silent), "{refused:?}");
    assert!(search.check().await.is_err());
    assert!(search.await_writes(&[token()], LIMIT).await.is_err());
    assert_eq!(scene.asked(), (10, 1), "nothing is sent to a server that is away");

    // Nobody searches, nothing is asked.
    clock.pass(2 * PATIENCE).await;
    clock.pass(2 * PATIENCE).await;
    let waiting = async {
        scene.until_asked(10, 2).await;
        clock.pass(PATIENCE).await;
    };
    let (together, ()) = join(find_many(&search, 100), waiting).await;
    assert!(together.iter().all(is_silent), "{together:?}");
    assert_eq!(scene.asked(), (10, 2), "one of a hundred asks");
}

#[tokio::test]
async fn a_server_that_is_back_is_searched_by_the_next_who_asks() {
    let clock = StoppedClock::stop();
    let (scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    scene.is_found_silent(&search, &clock).await;
    scene.lives();
    clock.pass(PATIENCE).await;
    find(&search).await.unwrap();
    let all = find_many(&search, 20).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(scene.asked(), (22, 2));
}

#[tokio::test]
async fn a_dear_search_is_waited_for_while_the_server_gives_signs_of_life() {
    let clock = StoppedClock::stop();
    let (scene, server) = Scene::start().await;
    scene.lives();
    let search = search_within(&server.url, 5 * LIMIT);
    let others = async {
        scene.until_asked(1, 0).await;
        // As long as nobody else searches it is asked for them.
        for sign in 1..=2 {
            clock.pass(5 * PATIENCE).await;
            scene.until_asked(1, sign).await;
            until("it was heard", || server.ended() == sign).await;
        }
        // What others are answered is one.
        for _ in 0..2 {
            find(&search).await.unwrap();
            clock.pass(5 * PATIENCE / 2).await;
            find(&search).await.unwrap();
            clock.pass(5 * PATIENCE / 2).await;
        }
        find(&search).await.unwrap();
        scene.dear.notify_one();
    };
    let (found, ()) = join(find_dear(&search), others).await;
    found.unwrap();
    assert_eq!(scene.asked(), (6, 2));
}

/// Whoever does not want to wait for long finds it out together with others who do not.
#[tokio::test]
async fn a_server_is_known_to_be_silent_though_everybody_gives_up_early() {
    const GIVES_UP: Duration = Duration::from_millis(150);
    let clock = StoppedClock::stop();
    let (_scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    let began = Instant::now();
    for number in 0.. {
        let steps = async {
            for _ in 0..5 {
                clock.pass(GIVES_UP / 5).await;
                look_around().await;
            }
        };
        let (found, ()) = join(tokio::time::timeout(GIVES_UP, find(&search)), steps).await;
        if found.is_ok_and(|found| is_silent(&found)) {
            break;
        }
        assert!(number < 20, "nobody finds out");
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "an absence is told after {took:?}");
    let refused = find_many(&search, 10).await;
    assert!(refused.iter().all(is_silent), "{refused:?}");
}

/// One of whom always waits beside the next.
#[tokio::test]
async fn a_server_is_known_to_be_silent_though_callers_give_up_while_others_wait() {
    const STEP: Duration = Duration::from_millis(10);
    let clock = StoppedClock::stop();
    let (scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    let caller = async |number: u32| {
        tokio::time::sleep(number * Duration::from_millis(590)).await;
        tokio::time::timeout(Duration::from_millis(750), find(&search)).await
    };
    let steps = async {
        for _ in 0..200 {
            clock.pass(STEP).await;
            look_around().await;
        }
    };
    let (first, second, third, ()) = tokio::join!(caller(0), caller(1), caller(2), steps);
    assert!(first.is_err(), "it gives up");
    assert!(is_silent(&second.unwrap()), "it is told");
    assert!(is_silent(&third.unwrap()), "it is refused");
    assert_eq!(scene.asked(), (2, 1), "one asked for all");
}

/// It is there again, though it has nothing to say: searches are sent, and told what there is to be told.
#[tokio::test]
async fn a_server_that_was_silent_and_refuses_connections_is_silent_no_longer() {
    let clock = StoppedClock::stop();
    let (scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    scene.is_found_silent(&search, &clock).await;
    drop(server);
    clock.pass(PATIENCE).await;
    for _ in 0..3 {
        let found = find(&search).await;
        assert!(found.is_err() && !is_silent(&found), "{found:?}");
    }
}

#[tokio::test]
async fn who_waits_for_writes_first_is_not_told_of_an_absence_later() {
    let clock = StoppedClock::stop();
    let (scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    for patience in [300, 500, 700].map(Duration::from_millis) {
        let began = Instant::now();
        let both = async {
            let seen = search.await_writes(&[token()], patience).await;
            assert!(!seen.unwrap(), "nothing was seen");
            search.search_after_writes(&SearchQuery::default()).await
        };
        let waiting = async {
            for _ in 0..100 {
                clock.pass(Duration::from_millis(10)).await;
                look_around().await;
            }
        };
        let ended = async {
            let found = both.await;
            (found, began.elapsed())
        };
        let ((found, took), ()) = join(ended, waiting).await;
        assert!(is_silent(&found), "{found:?}");
        assert!(took < Duration::from_secs(1), "{patience:?}: told after {took:?}");
        scene.lives();
        clock.pass(PATIENCE).await;
        find(&search).await.unwrap();
        scene.is_gone();
    }
}

/// A caller who hung up long ago is no reason to give a server less time.
#[tokio::test]
async fn silence_towards_who_gave_up_is_forgotten_when_nobody_waits() {
    let clock = StoppedClock::stop();
    let (scene, server) = Scene::start().await;
    let search = search_within(&server.url, LIMIT);
    let hung_up = async {
        scene.until_asked(1, 0).await;
        clock.pass(PATIENCE / 2).await;
    };
    let (found, ()) = join(tokio::time::timeout(PATIENCE / 2, find(&search)), hung_up).await;
    found.unwrap_err();
    clock.pass(10 * PATIENCE).await;
    let next = async {
        scene.until_asked(2, 0).await;
        clock.pass(PATIENCE / 2).await;
        look_around().await;
        assert_eq!(scene.asked(), (2, 0), "it has its time");
    };
    tokio::select! {
        found = find(&search) => panic!("{found:?}"),
        () = next => {}
    }
}

/// As behind a proxy that has no connections left, or while names are not resolved.
#[tokio::test]
async fn a_server_that_answers_others_is_not_silent_though_no_new_connection_can_be_made() {
    let clock = StoppedClock::stop();
    let (scene, server) = Scene::start().await;
    scene.lives();
    // A sign of life is all that a new connection is made for.
    scene.gives_signs.store(false, Ordering::SeqCst);
    let search = search_within(&server.url, 5 * LIMIT);
    let others = async {
        scene.until_asked(1, 0).await;
        for sign in 1..=2 {
            clock.pass(5 * PATIENCE).await;
            until("a sign of life was asked for", || scene.asked().1 == sign).await;
            clock.pass(MOMENT).await;
            find(&search).await.unwrap();
            clock.pass(5 * PATIENCE).await;
            // That no sign came is known.
            look_around().await;
        }
        find(&search).await.unwrap();
        scene.dear.notify_one();
    };
    let (found, ()) = join(find_dear(&search), others).await;
    found.unwrap();
}

/// As after a failover, when the old machine's connections were never closed.
#[tokio::test]
async fn dead_connections_to_a_server_that_lives_are_no_absence() {
    const OLD: usize = 20;
    const STEP: Duration = Duration::from_millis(50);
    #[derive(Default)]
    struct Asks {
        are_dead: AtomicBool,
        on_dead: AtomicUsize,
        on_new: AtomicUsize,
        signs: AtomicUsize,
    }
    let clock = StoppedClock::stop();
    let asks = Arc::new(Asks::default());
    let (noted, all_there) = (asks.clone(), Arc::new(Barrier::new(OLD)));
    let answer = move |asked: Asked| {
        let (asks, all_there) = (noted.clone(), all_there.clone());
        async move {
            if asked.head.starts_with("HEAD") {
                asks.signs.fetch_add(1, Ordering::SeqCst);
                return said(200, "");
            }
            match (asked.connection < OLD, asks.are_dead.load(Ordering::SeqCst)) {
                (true, true) => {
                    asks.on_dead.fetch_add(1, Ordering::SeqCst);
                    std::future::pending().await
                }
                // At once, so that each needs a connection of its own.
                (true, false) => {
                    all_there.wait().await;
                }
                (false, _) => {
                    asks.on_new.fetch_add(1, Ordering::SeqCst);
                }
            }
            said(200, NOTHING)
        }
    };
    let server = FakeServer::start_slow(answer).await;
    let search = search_within(&server.url, LIMIT);
    let alive = find_many(&search, OLD).await;
    assert!(alive.iter().all(Result::is_ok), "{alive:?}");
    asks.are_dead.store(true, Ordering::SeqCst);
    let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    let waiting = async {
        until("all are on their way", || {
            count(&asks.on_dead) + count(&asks.on_new) == 2 * OLD
        })
        .await;
        // In small steps, in none of which a sign of life comes too late.
        let steps = (LIMIT + PATIENCE).div_duration_f32(STEP) as usize;
        for _ in 0..steps {
            clock.pass(STEP).await;
            until("every sign of life was heard", || {
                server.ended() >= count(&asks.signs)
            })
            .await;
            look_around().await;
        }
    };
    let (found, ()) = join(find_many(&search, 2 * OLD), waiting).await;
    assert!(!found.iter().any(is_silent), "{found:?}");
    let given_up = found.iter().filter(|found| found.is_err()).count();
    assert!(given_up > 0, "no connection was dead");
    assert_eq!(given_up, count(&asks.on_dead), "one for each of them");
    let again = find_many(&search, 2 * OLD).await;
    assert!(again.iter().all(Result::is_ok), "{again:?}");
}

#[tokio::test]
async fn an_answer_is_presence_whatever_it_says() {
    let _clock = StoppedClock::stop();
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
    let clock = StoppedClock::stop();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let search = search_within(&url, LIMIT);
    for _ in 0..20 {
        let began = Instant::now();
        let found = find(&search).await;
        assert!(found.is_err() && !is_silent(&found), "{found:?}");
        assert_eq!(began.elapsed(), Duration::ZERO);
        // However long it goes on.
        clock.pass(PATIENCE / 2).await;
    }
}
