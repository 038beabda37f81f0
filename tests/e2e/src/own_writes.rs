//! Writes, each followed at once by a search that is asked to include it, while others write and search.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::future::{join, join_all};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, Api, real_texts};

/// Clients that write and look for what they wrote.
const CLIENTS: usize = 24;

/// Clients that write, and as many that search, without asking for anything.
const OTHERS: usize = 3;

/// How long each of them pauses between two calls: a load under which the index keeps up.
const PACE: Duration = Duration::from_millis(25);

/// What a run was.
#[derive(Debug)]
pub struct OwnWritesRun {
    /// Creations, updates and deletions.
    pub writes: [usize; 3],
    /// Searches that said that they include the write, and did.
    pub consistent: usize,
    /// Those that said that they do not.
    pub inconsistent: usize,
    /// Those that were not made for that reason, as they were asked.
    pub refused: usize,
    /// What others did meanwhile: writes and searches.
    pub others: usize,
    /// By how much a search that waits takes longer than the same one right behind it: half of them, and 99 of 100, of those
    /// that waited in earnest.
    pub added_p50: Duration,
    /// See `added_p50`.
    pub added_p99: Duration,
}

/// Makes so many writes from many clients, each followed at once by a search with its token, while others write and search.
///
/// # Panics
/// When a search that says that it includes a write does not show it as it was written, or anything is answered wrongly.
pub async fn check_own_writes(api: &Api, writes: usize) -> OwnWritesRun {
    let scene = Scene {
        api,
        texts: real_texts(1_000),
        left: AtomicUsize::new(writes),
        over: AtomicBool::new(false),
        tally: Mutex::default(),
        others: AtomicUsize::new(0),
    };
    let clients = async {
        join_all((0..CLIENTS).map(|number| scene.write_and_look(number))).await;
        scene.over.store(true, Ordering::Relaxed);
    };
    let writers = join_all((0..OTHERS).map(|number| scene.write_meanwhile(number)));
    let searchers = join_all((0..OTHERS).map(|number| scene.search_meanwhile(number)));
    join(clients, join(writers, searchers)).await;
    let others = scene.others.into_inner();
    let mut tally = scene.tally.into_inner().expect("nobody panics while counting");
    tally.added.sort();
    let quantile = |percent: usize| tally.added[(tally.added.len() - 1) * percent / 100];
    let run = OwnWritesRun {
        writes: tally.writes,
        consistent: tally.consistent,
        inconsistent: tally.inconsistent,
        refused: tally.refused,
        others,
        added_p50: quantile(50),
        added_p99: quantile(99),
    };
    assert_eq!(run.writes.iter().sum::<usize>(), writes, "{run:?}");
    assert_eq!(run.consistent + run.inconsistent + run.refused, writes, "{run:?}");
    assert!(
        run.writes.iter().all(|count| *count > writes / 10),
        "of each kind: {run:?}"
    );
    assert!(run.consistent > writes / 10, "not all of them gave up: {run:?}");
    assert!(run.others > 0, "others were at work: {run:?}");
    run
}

#[derive(Default)]
struct Tally {
    writes: [usize; 3],
    consistent: usize,
    inconsistent: usize,
    refused: usize,
    added: Vec<Duration>,
}

struct Scene<'a> {
    api: &'a Api,
    texts: Vec<String>,
    left: AtomicUsize,
    over: AtomicBool,
    tally: Mutex<Tally>,
    others: AtomicUsize,
}

/// A write, and what a search that includes it finds.
struct Made {
    kind: usize,
    token: String,
    /// A condition that this task alone meets, or met.
    query: Value,
    /// `None` when it is deleted.
    wanted: Option<Value>,
}

/// How long a search waits, and whether it insists.
struct Patience {
    timeout: Option<&'static str>,
    strict: bool,
}

impl Scene<'_> {
    /// One client with tasks of its own, so that it knows what is true.
    async fn write_and_look(&self, number: usize) {
        let mut rng = Rng::with_seed(number as u64);
        let mut tasks = Vec::new();
        while take_one(&self.left) {
            let made = self.write(&mut rng, &mut tasks).await;
            let patience = Patience {
                // Mostly long enough to be told yes even by a busy machine, sometimes nothing at all.
                timeout: [Some("5s"), Some("5s"), None, Some("20ms"), Some("0ms")][rng.usize(..5)],
                strict: rng.u8(..4) == 0,
            };
            self.look(&made, &patience, rng.bool()).await;
        }
    }

    async fn write(&self, rng: &mut Rng, tasks: &mut Vec<Value>) -> Made {
        let kind = match tasks.len() {
            0..=2 => 0,
            _ => [0, 0, 1, 1, 2][rng.usize(..5)],
        };
        let word: String = std::iter::repeat_with(|| fastrand::char('a'..='z'))
            .take(16)
            .collect();
        let text = &self.texts[rng.usize(..self.texts.len())];
        let described = format!("{word} {}", text.chars().take(4_000).collect::<String>());
        let place = rng.usize(..tasks.len().max(1));
        let path = |task: &Value| format!("/tasks/{}", task["id"].as_str().expect("a task has an id"));
        let answer = match kind {
            0 => {
                let fields = json!({"description": described, "externalId": word});
                self.ask(Method::POST, "/tasks", Some(&fields)).await
            }
            1 => {
                let fields = json!({"description": described});
                self.ask(Method::PATCH, &path(&tasks[place]), Some(&fields)).await
            }
            _ => self.ask(Method::DELETE, &path(&tasks[place]), None).await,
        };
        let task = answer.task().clone();
        let token = answer.header("x-consistency-token").to_owned();
        assert!(!token.is_empty(), "{answer:?}");
        // By its newest word, or by the key that it keeps: an older version would be found by the latter.
        let by_key = kind == 2 || rng.bool();
        let query = match by_key {
            true => json!({"externalId": task["externalId"]}),
            false => json!({"description": word}),
        };
        match kind {
            0 => tasks.push(task.clone()),
            1 => tasks[place] = task.clone(),
            _ => drop(tasks.swap_remove(place)),
        }
        let wanted = (kind < 2).then_some(task);
        Made {
            kind,
            token,
            query,
            wanted,
        }
    }

    async fn look(&self, made: &Made, patience: &Patience, by_body: bool) {
        let began = Instant::now();
        let answer = self.search(made, Some(patience), by_body).await;
        let waited = began.elapsed();
        let consistent = answer.body["consistent"].as_bool();
        match (answer.status, consistent) {
            (StatusCode::OK, Some(true)) => {
                let wanted: Vec<_> = made.wanted.iter().collect();
                let found: Vec<_> = answer.body["tasks"].as_array().into_iter().flatten().collect();
                assert_eq!(found, wanted, "{} by {}: {answer:?}", made.token, made.query);
                assert_eq!(answer.body["total"], wanted.len(), "{answer:?}");
            }
            (StatusCode::OK, Some(false)) => assert!(!patience.strict, "{answer:?}"),
            (StatusCode::PRECONDITION_FAILED, None) => {
                assert!(patience.strict, "{answer:?}");
                assert_eq!(answer.body["code"], "not-yet-searchable", "{answer:?}");
            }
            _ => panic!("neither yes nor no: {answer:?}"),
        }
        let began = Instant::now();
        self.search(made, None, by_body).await;
        let added = waited.saturating_sub(began.elapsed());
        let mut tally = self.tally.lock().expect("nobody panics while counting");
        tally.writes[made.kind] += 1;
        match consistent {
            Some(true) => tally.consistent += 1,
            Some(false) => tally.inconsistent += 1,
            None => tally.refused += 1,
        }
        if matches!(patience.timeout, None | Some("5s")) {
            tally.added.push(added);
        }
    }

    /// Asked for the write, or not.
    async fn search(&self, made: &Made, patience: Option<&Patience>, by_body: bool) -> Answer {
        let mut query = made.query.clone();
        if let Some(Patience { timeout, strict }) = patience {
            query["after"] = json!(made.token);
            query["strict"] = json!(strict);
            if let Some(timeout) = timeout {
                query["timeout"] = json!(timeout);
            }
        }
        if by_body {
            return self.send(Method::POST, "/tasks/search", Some(&query)).await;
        }
        let parameters = query.as_object().into_iter().flatten().map(|(name, value)| {
            let name = if name == "description" { "q" } else { name };
            format!(
                "{name}={}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            )
        });
        let path = format!("/tasks/search?{}", parameters.collect::<Vec<_>>().join("&"));
        self.send(Method::GET, &path, None).await
    }

    async fn write_meanwhile(&self, number: usize) {
        let mut rng = Rng::with_seed(1_000 + number as u64);
        let mut last = None;
        while !self.over.load(Ordering::Relaxed) {
            let fields = json!({"description": self.texts[rng.usize(..self.texts.len())]});
            let (method, path) = match &last {
                Some(task) if rng.bool() => (Method::PUT, task),
                _ => (Method::POST, &"/tasks".to_owned()),
            };
            let answer = self.ask(method, path, Some(&fields)).await;
            let id = answer.task()["id"].as_str().expect("a task has an id");
            last = Some(format!("/tasks/{id}"));
            self.others.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PACE).await;
        }
    }

    async fn search_meanwhile(&self, number: usize) {
        let mut rng = Rng::with_seed(2_000 + number as u64);
        while !self.over.load(Ordering::Relaxed) {
            let text = &self.texts[rng.usize(..self.texts.len())];
            let words: Vec<_> = text.split_whitespace().take(rng.usize(1..4)).collect();
            let query = json!({"description": words.join(" "), "size": 5, "facets": ["priority"]});
            let answer = self.ask(Method::POST, "/tasks/search", Some(&query)).await;
            assert!(
                answer.body.get("consistent").is_none(),
                "nobody asked: {answer:?}"
            );
            self.others.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PACE).await;
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.api
            .call(method, path, body)
            .await
            .expect("a complete answer")
    }

    /// It must succeed.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let answer = self.send(method.clone(), path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        answer
    }
}

/// Whether there was one left.
fn take_one(left: &AtomicUsize) -> bool {
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    taken.is_ok()
}
