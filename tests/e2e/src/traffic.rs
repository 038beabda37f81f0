//! Traffic as real clients make it: real texts, varied fields, many at once, in random order.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, Api, Ledger, real_texts};

/// How many clients there are at a time.
const CLIENTS: usize = 16;

/// How long a client goes on asking a server that is away.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many creates, updates and deletes a run has.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Tasks created.
    pub creates: usize,
    /// Updates of them.
    pub updates: usize,
    /// Deletes of them.
    pub deletes: usize,
}

impl Size {
    /// So many creates, unless `TASKWIRE_E2E_TASKS` asks for another number; three tenths as many updates and one
    /// tenth as many deletes.
    ///
    /// # Panics
    /// When the variable is no number.
    pub fn of(creates: usize) -> Self {
        let creates = match std::env::var("TASKWIRE_E2E_TASKS") {
            Ok(number) => number.parse().expect("TASKWIRE_E2E_TASKS is a number"),
            Err(_) => creates,
        };
        Self {
            creates,
            updates: creates * 3 / 10,
            deletes: creates / 10,
        }
    }
}

/// One run of traffic: what is created, replaced and deleted. The same seed makes the same calls.
pub struct Traffic {
    creates: Vec<Value>,
    /// Places in `creates`, and what becomes of the task there: other fields, or none for a deletion.
    changes: Vec<(usize, Option<Value>)>,
    /// The id that each create was given.
    ids: Mutex<Vec<Option<String>>>,
}

impl Traffic {
    /// So many creates with a text each, then updates and deletes of them, mixed at random. Each task is deleted
    /// at most once; updates may meet tasks that are deleted already.
    pub fn new(
        seed: u64,
        Size {
            creates,
            updates,
            deletes,
        }: Size,
    ) -> Self {
        let mut rng = Rng::with_seed(seed);
        let texts = real_texts(creates + updates);
        let fields: Vec<Value> = texts.iter().map(|text| fields(text, &mut rng)).collect();
        let (created, replaced) = fields.split_at(creates);
        let mut changes: Vec<_> = replaced
            .iter()
            .map(|fields| (rng.usize(..creates), Some(fields.clone())))
            .collect();
        let mut places: Vec<usize> = (0..creates).collect();
        rng.shuffle(&mut places);
        changes.extend(places.into_iter().take(deletes).map(|place| (place, None)));
        rng.shuffle(&mut changes);
        Self {
            creates: created.to_vec(),
            changes,
            ids: Mutex::new(vec![None; creates]),
        }
    }

    /// Sends the creates.
    pub async fn create(&self, apis: &[Api], ledger: &Ledger) {
        share(self.creates.len(), apis, async |api, place| {
            let answer = insistently(ledger, || {
                api.call(Method::POST, "/tasks", Some(&self.creates[place]))
            })
            .await;
            assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
            ledger.written(answer.task());
            self.ids.lock().unwrap()[place] = answer.task()["id"].as_str().map(str::to_owned);
        })
        .await;
    }

    /// Sends the updates and deletes.
    pub async fn change(&self, apis: &[Api], ledger: &Ledger) {
        share(self.changes.len(), apis, async |api, number| {
            let (place, fields) = &self.changes[number];
            let id = self.ids.lock().unwrap()[*place]
                .clone()
                .expect("every task was created");
            let path = format!("/tasks/{id}");
            let method = if fields.is_some() {
                Method::PUT
            } else {
                Method::DELETE
            };
            let answer = insistently(ledger, || api.call(method.clone(), &path, fields.as_ref())).await;
            match answer.status {
                StatusCode::OK if fields.is_some() => ledger.written(answer.task()),
                StatusCode::OK => ledger.deleted(answer.task()),
                // Deleted before, by another client or by an attempt of ours that got no answer.
                StatusCode::NOT_FOUND => {}
                _ => panic!("{answer:?}"),
            }
        })
        .await;
    }
}

/// Lets the clients take the numbers below `count` one after the other; each client has a server of its own.
async fn share(count: usize, apis: &[Api], work: impl AsyncFn(&Api, usize)) {
    let next = Mutex::new(0..count);
    let clients = (0..CLIENTS).map(async |client| {
        loop {
            let number = next.lock().unwrap().next();
            let Some(number) = number else { return };
            work(&apis[client % apis.len()], number).await;
        }
    });
    join_all(clients).await;
}

/// Repeats a call while the server is away (no answer, or 503). A call without an answer may have been applied.
async fn insistently<F>(ledger: &Ledger, call: impl Fn() -> F) -> Answer
where
    F: Future<Output = reqwest::Result<Answer>>,
{
    let began = Instant::now();
    loop {
        match call().await {
            Ok(answer) if answer.status == StatusCode::SERVICE_UNAVAILABLE => {}
            Ok(answer) if answer.status == StatusCode::GATEWAY_TIMEOUT => ledger.unanswered(),
            Ok(answer) => return answer,
            Err(error) if error.is_connect() => {}
            Err(_) => ledger.unanswered(),
        }
        assert!(began.elapsed() < PATIENCE, "no server answered for {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn fields(text: &str, rng: &mut Rng) -> Value {
    let time = |rng: &mut Rng, year: u32| {
        let (month, day, hour, millis) = (
            rng.u32(1..=12),
            rng.u32(1..=28),
            rng.u32(0..24),
            rng.u32(0..1_000),
        );
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:30:15.{millis:03}Z")
    };
    let start = rng.bool().then(|| time(rng, 2025));
    let due = rng.bool().then(|| time(rng, 2027));
    let priority = ["none", "low", "medium", "high"][rng.usize(..4)];
    let categories: Vec<&str> = ["Home", "work", "später", "買い物"]
        .into_iter()
        .filter(|_| rng.u8(..4) == 0)
        .collect();
    json!({
        "description": text,
        "priority": priority,
        "dates": {"start": start, "due": due},
        "isDone": rng.u8(..3) == 0,
        "categories": categories,
    })
}
