//! The load: writes that come at their own pace, whether or not those before were answered.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::client::{Told, call, outcome};
use crate::fields;
use crate::finding::{Findings, Kind};
use crate::history::{History, Outcome, WriteKind};
use crate::late;
use crate::pool::{Known, Pool};
use crate::site::Site;

/// Most writes that wait for their answers; further ones are not sent.
const OUTSTANDING: usize = 600;
/// How often a create with an idempotency key is sent at most.
const ATTEMPTS: usize = 5;

/// Who writes, and what is known of it.
pub(crate) struct Load {
    pub(crate) site: Arc<Site>,
    pub(crate) history: Arc<History>,
    pub(crate) findings: Arc<Findings>,
    texts: Vec<String>,
    parents: Vec<String>,
    pool: Mutex<Pool>,
    /// In per cent of the usual rate.
    pace: AtomicU32,
    pub(crate) shed: AtomicUsize,
    pub(crate) replayed: AtomicUsize,
}

impl Load {
    /// Makes the tasks that others will be sub-tasks of; they stay. Waits for the servers to come up.
    pub(crate) async fn prepare(
        site: Arc<Site>,
        history: Arc<History>,
        findings: Arc<Findings>,
    ) -> anyhow::Result<Self> {
        let mut load = Self {
            site,
            history,
            findings,
            texts: taskwire_e2e::real_texts(3_000),
            parents: Vec::new(),
            pool: Mutex::default(),
            pace: AtomicU32::new(100),
            shed: AtomicUsize::new(0),
            replayed: AtomicUsize::new(0),
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while load.parents.len() < 4 {
            let task = load.create_marked("a parent", None).await;
            match task {
                Some(task) => load.parents.extend(task["id"].as_str().map(str::to_owned)),
                None => sleep(Duration::from_millis(200)).await,
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "no server takes a write after 60 s: see the logs"
            );
        }
        late::arrange(&load.site.system.database_url).await?;
        Ok(load)
    }

    /// Writes until `end` says so, then waits for the answers that are still to come.
    pub(crate) async fn run(
        self: &Arc<Self>,
        rate: f64,
        seed: u64,
        mut end: tokio::sync::watch::Receiver<bool>,
    ) {
        let mut rng = Rng::with_seed(seed);
        let mut writes = JoinSet::new();
        let mut next = Instant::now();
        while !*end.borrow_and_update() {
            let pace = f64::from(self.pace.load(Ordering::Relaxed)) / 100.0;
            // Arrivals that know nothing of one another: exponential gaps.
            next += Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / (rate * pace));
            tokio::select! {
                () = sleep_until(next) => {}
                _ = end.changed() => break,
            }
            while writes.try_join_next().is_some() {}
            if writes.len() >= OUTSTANDING {
                self.shed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let (load, fork) = (self.clone(), rng.fork());
            writes.spawn(async move { load.write(fork).await });
        }
        while writes.join_next().await.is_some() {}
    }

    /// Says every ten seconds how it goes, until `end` says so.
    pub(crate) async fn tell(&self, mut end: tokio::sync::watch::Receiver<bool>) {
        let began = Instant::now();
        let mut before = self.history.counts();
        while tokio::time::timeout(Duration::from_secs(10), end.changed())
            .await
            .is_err()
        {
            let now = self.history.counts();
            eprintln!(
                "{:>7.1} s  {} acknowledged, {} refused, {} unknown or under way",
                began.elapsed().as_secs_f64(),
                now.acknowledged - before.acknowledged,
                now.refused - before.refused,
                now.unknown.saturating_sub(before.unknown),
            );
            before = now;
        }
    }

    /// Sends so many per cent of the usual rate from now on.
    pub(crate) fn set_pace(&self, per_cent: u32) {
        self.pace.store(per_cent, Ordering::Relaxed);
    }

    pub(crate) fn hot(&self) -> Vec<Known> {
        self.pool().hot()
    }

    /// One write: an update, a create or a deletion.
    async fn write(&self, mut rng: Rng) {
        let dice = rng.u8(..100);
        let chosen = match dice {
            0..60 => self.pool().choose(&mut rng),
            60..75 => self.pool().take(&mut rng),
            _ => None,
        };
        match (dice, chosen) {
            (0..60, Some(known)) => self.update(&known, &mut rng).await,
            (60..75, Some(known)) => self.delete(&known, &mut rng).await,
            _ => self.create(&mut rng).await,
        }
    }

    async fn update(&self, known: &Known, rng: &mut Rng) {
        let (kind, method) = if rng.bool() {
            (WriteKind::Replace, Method::PUT)
        } else {
            (WriteKind::Patch, Method::PATCH)
        };
        let asked = if rng.u8(..3) == 0 {
            self.history.known_version(&known.id)
        } else {
            None
        };
        let (number, body) = self
            .history
            .begin(kind, Some(&known.id), asked, |number| match kind {
                WriteKind::Replace => fields::whole(
                    rng,
                    &self.texts,
                    &self.parents,
                    known.external_id.as_deref(),
                    number,
                ),
                _ => fields::some(rng, &self.texts, number),
            });
        self.send_about(number, method, known, asked, Some(&body), rng)
            .await;
    }

    async fn delete(&self, known: &Known, rng: &mut Rng) {
        let (number, _) = self
            .history
            .begin(WriteKind::Delete, Some(&known.id), None, |_| Value::Null);
        let outcome = self
            .send_about(number, Method::DELETE, known, None, None, rng)
            .await;
        if matches!(outcome, Outcome::NotApplied(_)) {
            self.pool().add(known.clone(), false);
        }
    }

    async fn send_about(
        &self,
        number: usize,
        method: Method,
        known: &Known,
        asked: Option<i64>,
        body: Option<&Value>,
        rng: &mut Rng,
    ) -> Outcome {
        let path = format!("/tasks/{}", known.id);
        let etag = asked.map(|version| format!("\"{version}\""));
        let headers: Vec<_> = etag.iter().map(|etag| ("if-match", etag.as_str())).collect();
        let is_deletion = method == Method::DELETE;
        let told = call(&self.site.apis[rng.usize(..2)], method, &path, &headers, body).await;
        if let Told::Answered(answer) = &told
            && answer.status == reqwest::StatusCode::NOT_FOUND
            && !self.history.is_doomed(&known.id)
        {
            let text = format!("{}: answered 404, and nobody deleted it", known.id);
            self.findings.add(Kind::Lost, text);
        }
        let outcome = outcome(&told, is_deletion, &self.findings);
        self.history.end(number, outcome.clone());
        outcome
    }

    async fn create(&self, rng: &mut Rng) {
        let hot = self.pool().wants_hot();
        let keyed = rng.bool();
        let mut external_id = None;
        let (number, body) = self.history.begin(WriteKind::Create, None, None, |number| {
            external_id = (hot || rng.bool()).then(|| format!("own-{number}"));
            fields::whole(rng, &self.texts, &self.parents, external_id.as_deref(), number)
        });
        let key = keyed.then(|| format!("key-{number}"));
        if let Some(task) = self.send_create(number, &body, key.as_deref(), rng).await {
            let id = task["id"].as_str().unwrap_or_default().to_owned();
            self.pool().add(Known { id, external_id }, hot);
        }
    }

    /// Creates a task with this text and nothing else; the task, if it was acknowledged.
    pub(crate) async fn create_marked(&self, text: &str, key: Option<&str>) -> Option<Value> {
        let (number, body) = self.history.begin(
            WriteKind::Create,
            None,
            None,
            |number| serde_json::json!({ "description": fields::marked(text, number) }),
        );
        self.send_create(number, &body, key, &mut Rng::new()).await
    }

    /// With a key, sent again as long as its fate is unknown or nobody was there.
    async fn send_create(
        &self,
        number: usize,
        body: &Value,
        key: Option<&str>,
        rng: &mut Rng,
    ) -> Option<Value> {
        let headers: Vec<_> = key.iter().map(|key| ("idempotency-key", *key)).collect();
        let attempts = if key.is_some() { ATTEMPTS } else { 1 };
        let mut whole = None;
        for attempt in 0..attempts {
            if attempt > 0 {
                sleep(Duration::from_millis(rng.u64(500..5_000))).await;
            }
            let api = &self.site.apis[rng.usize(..2)];
            let told = call(api, Method::POST, "/tasks", &headers, Some(body)).await;
            if let Told::Answered(answer) = &told
                && answer.header("idempotency-replayed") == "true"
            {
                self.replayed.fetch_add(1, Ordering::Relaxed);
            }
            // Once unknown, refusals of later attempts say nothing about the first.
            whole = Some(match (whole, outcome(&told, false, &self.findings)) {
                (_, applied @ Outcome::Applied { .. }) => applied,
                (Some(Outcome::Unknown), _) => Outcome::Unknown,
                (_, latest) => latest,
            });
            if matches!(whole, Some(Outcome::Applied { .. })) {
                break;
            }
        }
        let whole = whole.unwrap_or(Outcome::Unknown);
        self.history.end(number, whole.clone());
        match whole {
            Outcome::Applied { task, .. } => task,
            _ => None,
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
