//! The same request sent many times under one key, while the server is killed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::contract::Family;
use crate::until;

/// How many twins are on their way at a time.
const AT_A_TIME: usize = 32;

/// How many twins the last round has. The rounds before have one each for everybody who is on the way, because a key
/// is claimed but once: the moment between its claim and the answer comes once a round.
const TWINS: usize = 1_000;
const SHORT_ROUNDS: usize = 9;

/// How long a client goes on asking a server that is away.
const PATIENCE: Duration = Duration::from_secs(60);

/// A family whose server can be killed.
pub trait Restartable: Family {
    /// Kills it, as a loss of power would.
    fn kill(&mut self) -> impl Future<Output = ()>;

    /// Starts it again on the same storage, perhaps at another address.
    fn start_again(&mut self) -> impl Future<Output = ()>;

    /// Panics unless these are all tasks there are, each announced once, and they are what is searched.
    fn check_only(&self, tasks: &BTreeMap<String, Value>) -> impl Future<Output = ()>;
}

/// A request that can be sent again under a key.
#[derive(Debug, Clone, Copy)]
pub enum Twin {
    /// `POST /tasks`.
    Create,
    /// `POST /tasks/bulk` with three creations.
    Bulk,
}

impl Twin {
    fn path(self) -> &'static str {
        match self {
            Self::Create => "/tasks",
            Self::Bulk => "/tasks/bulk",
        }
    }

    /// A body whose tasks have this description.
    fn body(self, description: &str) -> String {
        let task = json!({"description": description});
        match self {
            Self::Create => task.to_string(),
            Self::Bulk => json!({"operations": vec![json!({"op": "create", "task": task}); 3]}).to_string(),
        }
    }

    /// The tasks in an answer to it.
    fn tasks(self, answer: &[u8]) -> Vec<Value> {
        let answer: Value = serde_json::from_slice(answer).expect("an answer is JSON");
        match self {
            Self::Create => vec![answer["task"].clone()],
            Self::Bulk => {
                let results = answer["results"].as_array().expect("a bulk has results");
                results.iter().map(|result| result["task"].clone()).collect()
            }
        }
    }
}

/// An answer without what belongs to one request alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// What a run was.
#[derive(Debug)]
pub struct TwinsRun {
    /// Twins that were answered.
    pub answered: usize,
    /// Attempts that were not, or only that it is too early.
    pub unanswered: usize,
    /// Rounds in which nobody was answered by the request that did the work: the server died in between.
    pub first_answers_lost: usize,
    /// Requests with another body under the same key, all of them refused.
    pub others: usize,
    /// How long it all took.
    pub took: Duration,
}

/// Sends twins in rounds, a key each, and kills the server in every round.
///
/// # Panics
/// When two twins were answered differently, or anything was done twice or not at all.
pub async fn check_twins<F: Restartable>(twin: Twin) -> TwinsRun {
    let mut family = F::start().await;
    let began = Instant::now();
    let mut tasks = BTreeMap::new();
    let (mut answered, mut unanswered, mut first_answers_lost, mut others) = (0, 0, 0, 0);
    for number in 0..=SHORT_ROUNDS {
        let count = if number == SHORT_ROUNDS { TWINS } else { AT_A_TIME };
        let round = Round::new(twin, number, count, family.api().base());
        tokio::join!(round.send(), round.kill(&mut family));
        let answer = round.one_answer();
        tasks.extend(twin.tasks(&answer).into_iter().map(|task| {
            let id = task["id"].as_str().expect("a task has an id").to_owned();
            (id, task)
        }));
        answered += round.answers.lock().unwrap().len();
        unanswered += round.unanswered.load(Ordering::Relaxed);
        first_answers_lost += usize::from(round.firsts.load(Ordering::Relaxed) == 0);
        others += round.others.load(Ordering::Relaxed);
    }
    let took = began.elapsed();
    assert!(
        unanswered > 0 && others > 0,
        "killed in the middle: {unanswered}, {others}"
    );
    family.check_only(&tasks).await;
    TwinsRun {
        answered,
        unanswered,
        first_answers_lost,
        others,
        took,
    }
}

/// All twins of one key.
struct Round {
    twin: Twin,
    key: String,
    body: String,
    other_body: String,
    count: usize,
    client: Client,
    /// Where the server is now.
    server: watch::Sender<String>,
    /// How many were sent.
    sent: watch::Sender<usize>,
    answers: Mutex<Vec<Said>>,
    /// Answers that are not marked as given again.
    firsts: AtomicUsize,
    unanswered: AtomicUsize,
    others: AtomicUsize,
}

impl Round {
    fn new(twin: Twin, number: usize, count: usize, server: &str) -> Self {
        Self {
            twin,
            key: format!("round {number}"),
            body: twin.body(&format!("of round {number}")),
            other_body: twin.body(&format!("of another than round {number}")),
            count,
            client: Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(30))
                .build()
                .expect("the client's settings are right"),
            server: watch::channel(server.to_owned()).0,
            sent: watch::channel(0).0,
            answers: Mutex::default(),
            firsts: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            others: AtomicUsize::new(0),
        }
    }

    /// Sends all twins and awaits their answers.
    async fn send(&self) {
        let next = Mutex::new(0..self.count);
        let clients = (0..AT_A_TIME).map(async |_| {
            loop {
                let number = next.lock().unwrap().next();
                let Some(number) = number else { return };
                self.sent.send_modify(|sent| *sent += 1);
                let said = self.insistently(&self.body).await;
                self.answers.lock().unwrap().push(said);
                // Only now is it certain that the key is taken.
                if number % 10 == 0 {
                    let refused = self.insistently(&self.other_body).await;
                    assert_eq!(
                        refused.status, 422,
                        "another request under the same key: {refused:?}"
                    );
                    self.others.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        join_all(clients).await;
    }

    /// Kills the server soon after the first twin was sent; in a long round twice more.
    async fn kill<F: Restartable>(&self, family: &mut F) {
        let long = [1, self.count / 3, self.count * 2 / 3];
        let moments = if self.count > AT_A_TIME {
            &long[..]
        } else {
            &long[..1]
        };
        for moment in moments {
            let mut sent = self.sent.subscribe();
            let reached = sent.wait_for(|sent| sent >= moment).await;
            drop(reached.expect("the sender lives as long as the round"));
            // At any moment of the work on it: there is no condition that says when.
            tokio::time::sleep(Duration::from_micros(fastrand::u64(..20_000))).await;
            family.kill().await;
            family.start_again().await;
            self.server.send_replace(family.api().base().to_owned());
        }
    }

    /// Asks until there is an answer that says what came of it.
    async fn insistently(&self, body: &str) -> Said {
        let began = Instant::now();
        loop {
            match self.ask(body).await {
                // Away; not known; a twin in flight for too long.
                Ok(said) if ![503, 504, 409].contains(&said.status) => return said,
                _ => self.unanswered.fetch_add(1, Ordering::Relaxed),
            };
            assert!(began.elapsed() < PATIENCE, "no server answered for {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn ask(&self, body: &str) -> reqwest::Result<Said> {
        let url = format!("{}{}", *self.server.borrow(), self.twin.path());
        let request = self.client.post(url).body(body.to_owned());
        let request = request.header("content-type", "application/json");
        let answer = request.header("idempotency-key", &self.key).send().await?;
        let status = answer.status().as_u16();
        let text = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            let value = value.to_str().expect("our headers are text");
            (name.to_string(), value.to_owned())
        };
        let mut headers: BTreeMap<_, _> = answer.headers().iter().map(text).collect();
        let body = answer.bytes().await?.to_vec();
        let is_replayed = headers.remove("idempotency-replayed").is_some();
        headers
            .remove("x-request-id")
            .expect("every answer has a request id");
        headers.remove("date");
        if (200..300).contains(&status) && !is_replayed {
            self.firsts.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Said {
            status,
            headers,
            body,
        })
    }

    /// The body that every twin was answered with, byte for byte.
    fn one_answer(&self) -> Vec<u8> {
        let answers = self.answers.lock().unwrap();
        assert_eq!(answers.len(), self.count);
        let first = &answers[0];
        assert!([200, 201].contains(&first.status), "{first:?}");
        for other in answers.iter() {
            assert_eq!(other, first, "all twins are answered alike");
        }
        let firsts = self.firsts.load(Ordering::Relaxed);
        assert!(firsts <= 1, "one request does the work: {firsts}");
        first.body.clone()
    }
}

/// Waits until a list of everything shows exactly these tasks.
pub(crate) async fn check_list(api: &crate::Api, tasks: &BTreeMap<String, Value>) {
    let listed = || async {
        let page = api
            .call(reqwest::Method::GET, "/tasks?limit=200", None)
            .await
            .ok()?;
        let listed = page.body["tasks"].as_array()?.iter();
        let listed: BTreeMap<_, _> = listed
            .map(|task| (task["id"].as_str().unwrap_or_default().to_owned(), task.clone()))
            .collect();
        Some(listed)
    };
    let (listed, _) = until("the list is answered", Duration::from_secs(10), listed).await;
    assert_eq!(&listed, tasks, "exactly one task for each creation");
}
