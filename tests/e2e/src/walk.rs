//! Walking a list page by page while others write.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, Api};

/// Creations in one bulk.
const IN_A_BULK: usize = 500;

/// Every so many tasks have the category that one of the walks asks for.
const PICKED: usize = 10;

/// What a run was.
#[derive(Debug)]
pub struct WalkRun {
    /// How long it took to fill the list.
    pub filled_in: Duration,
    /// How long the walks took, side by side.
    pub walked_in: Duration,
    /// Tasks created, deleted and changed meanwhile.
    pub created: usize,
    /// See `created`.
    pub deleted: usize,
    /// See `created`.
    pub changed: usize,
    /// Pages in all.
    pub pages: usize,
}

/// How many tasks a walk has: 3,000, unless `TASKWIRE_E2E_WALK` says another number.
///
/// # Panics
/// When the variable is no number.
pub fn walk_size() -> usize {
    match std::env::var("TASKWIRE_E2E_WALK") {
        Ok(number) => number.parse().expect("TASKWIRE_E2E_WALK is a number"),
        Err(_) => 3_000,
    }
}

/// Fills an empty list with so many tasks and walks it in several ways at once, while others create, delete and change
/// tasks.
///
/// # Panics
/// When a walk shows a task twice or in the wrong place, or does not show one that was there throughout.
pub async fn check_walks(api: &Api, size: usize) -> WalkRun {
    let began = Instant::now();
    let ids = fill(api, size).await;
    let filled_in = began.elapsed();
    let scene = Scene::new(api, ids);
    let began = Instant::now();
    let walks = async {
        let wanted = |wanted: fn(usize) -> bool| scene.staying(wanted);
        let (all, picked) = (wanted(|_| true), wanted(|place| place % PICKED == 0));
        join_all([
            scene.walk("limit=50", &all, false),
            scene.walk("sort=-createdAt&limit=200", &all, true),
            scene.walk("category=picked&limit=7", &picked, false),
        ])
        .await;
        scene.over.store(true, Ordering::Relaxed);
    };
    let others = join_all([
        scene.change(Other::Creates),
        scene.change(Other::Deletes),
        scene.change(Other::Patches),
    ]);
    join(walks, others).await;
    let [created, deleted, changed, pages] = scene.counts.map(AtomicUsize::into_inner);
    assert!(
        created > 0 && deleted > 0 && changed > 0,
        "others wrote meanwhile"
    );
    WalkRun {
        filled_in,
        walked_in: began.elapsed(),
        created,
        deleted,
        changed,
        pages,
    }
}

/// Creates tasks; their ids.
async fn fill(api: &Api, size: usize) -> Vec<String> {
    let next = Mutex::new((0..size).step_by(IN_A_BULK));
    let ids = Mutex::new(vec![String::new(); size]);
    let clients = (0..4).map(async |_| {
        loop {
            let first = next.lock().unwrap().next();
            let Some(first) = first else { return };
            let places = first..size.min(first + IN_A_BULK);
            let operations = places.clone().map(|place| {
                let categories: &[&str] = if place % PICKED == 0 { &["picked"] } else { &[] };
                let task = json!({"description": format!("task {place}"), "categories": categories});
                json!({"op": "create", "task": task})
            });
            let body = json!({"operations": operations.collect::<Vec<_>>()});
            let answer = succeed(api, Method::POST, "/tasks/bulk", Some(&body)).await;
            let results = answer.body["results"].as_array().expect("a bulk has results");
            let mut ids = ids.lock().unwrap();
            for (place, result) in places.zip(results) {
                let id = result["task"]["id"].as_str();
                ids[place] = id.expect("every creation succeeds").to_owned();
            }
        }
    });
    join_all(clients).await;
    ids.into_inner().unwrap()
}

/// What others do during a walk.
#[derive(Debug, Clone, Copy)]
enum Other {
    Creates,
    Deletes,
    Patches,
}

struct Scene<'a> {
    api: &'a Api,
    /// By place; those at odd places may be deleted.
    ids: Vec<String>,
    doomed: Mutex<HashSet<String>>,
    over: AtomicBool,
    /// Created, deleted, changed; pages.
    counts: [AtomicUsize; 4],
}

impl<'a> Scene<'a> {
    fn new(api: &'a Api, ids: Vec<String>) -> Self {
        let doomed = ids.iter().skip(1).step_by(2).cloned().collect();
        Self {
            api,
            ids,
            doomed: Mutex::new(doomed),
            over: AtomicBool::new(false),
            counts: Default::default(),
        }
    }

    /// The ids at those places that nobody deletes.
    fn staying(&self, wanted: fn(usize) -> bool) -> HashSet<String> {
        let places = (0..self.ids.len()).step_by(2).filter(|place| wanted(*place));
        places.map(|place| self.ids[place].clone()).collect()
    }

    /// Walks from the first page to the last. The task that a page ends with is deleted before the next, if it may be.
    async fn walk(&self, query: &str, staying: &HashSet<String>, descending: bool) {
        let mut seen = HashSet::new();
        let mut last = None;
        let mut cursor = String::new();
        loop {
            let page = succeed(self.api, Method::GET, &format!("/tasks?{query}{cursor}"), None).await;
            self.counts[3].fetch_add(1, Ordering::Relaxed);
            for task in page.body["tasks"].as_array().expect("a page has tasks") {
                let key = sort_key(task);
                assert!(seen.insert(key.1.clone()), "{query}: {task} is shown twice");
                let in_order = last.as_ref().is_none_or(|last| (&key > last) != descending);
                assert!(in_order, "{query}: {task} comes after {last:?}");
                last = Some(key);
            }
            match page.body["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
            if let Some((_, id)) = &last
                && self.doomed.lock().unwrap().remove(id)
            {
                self.delete(id).await;
            }
        }
        let missed: Vec<_> = staying.difference(&seen).take(5).collect();
        assert!(
            missed.is_empty(),
            "{query}: was there throughout and is not shown: {missed:?}"
        );
    }

    /// Does one thing after the other until the walks are over.
    async fn change(&self, other: Other) {
        let mut number = 0;
        while !self.over.load(Ordering::Relaxed) {
            number += 1;
            match other {
                Other::Creates => {
                    let body = json!({"description": format!("meanwhile {number}")});
                    succeed(self.api, Method::POST, "/tasks", Some(&body)).await;
                    self.counts[0].fetch_add(1, Ordering::Relaxed);
                }
                Other::Deletes => {
                    let id = self.doomed.lock().unwrap().iter().next().cloned();
                    let Some(id) = id else { return };
                    if self.doomed.lock().unwrap().remove(&id) {
                        self.delete(&id).await;
                    }
                }
                Other::Patches => {
                    let id = &self.ids[fastrand::usize(..self.ids.len() / 2) * 2];
                    let body = json!({"description": format!("changed {number}"), "isDone": number % 3 == 0});
                    succeed(self.api, Method::PATCH, &format!("/tasks/{id}"), Some(&body)).await;
                    self.counts[2].fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    async fn delete(&self, id: &str) {
        succeed(self.api, Method::DELETE, &format!("/tasks/{id}"), None).await;
        self.counts[1].fetch_add(1, Ordering::Relaxed);
    }
}

/// What the list is sorted by: text that sorts as the times and ids do.
fn sort_key(task: &Value) -> (String, String) {
    let text = |name: &str| task[name].as_str().expect("a task has it").to_owned();
    (text("createdAt"), text("id"))
}

async fn succeed(api: &Api, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let answer = api
        .call(method.clone(), path, body)
        .await
        .expect("a complete answer");
    let expected = [StatusCode::OK, StatusCode::CREATED];
    assert!(expected.contains(&answer.status), "{method} {path}: {answer:?}");
    answer
}
