//! The table, sent to a service of its own.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use reqwest::Method;
use serde_json::json;

use super::case::Case;
use super::exchange::converse;
use super::verdict::complaint;
use super::{cases, memory};
use crate::Api;
use crate::contract::Family;

/// How many conversations run beside one another. More would only show how fast the engines are. Those that reach a
/// limit of time have no place among them: they all wait together.
const AT_A_TIME: usize = 8;

/// How often the whole table is sent between two looks at the memory.
const ROUNDS: usize = 3;

/// By how many bytes the service may have grown then. Generous, for what the allocator keeps is its own affair; had it
/// kept a tenth of what it was sent in large bodies alone, it would be more.
const MAY_GROW: i64 = 32 * 1024 * 1024;

/// How long a service that was sent all this may take to create a task.
const ALIVE_WITHIN: Duration = Duration::from_secs(10);

/// Sends it all to a service that is nobody else's; what was done and how it went, in a sentence.
///
/// # Panics
/// When anything is answered wrongly, the service does not live, or its memory grows.
pub async fn withstands_it_all(family: impl Family) -> String {
    let api = family.api();
    let standing = api.create(&json!({"description": "stands throughout"})).await;
    let task = format!("/tasks/{}", standing["id"].as_str().expect("a task has an id"));
    let (slow, quick): (Vec<_>, Vec<_>) = cases(&task).into_iter().partition(|case| case.is_slow);
    let table = Table {
        api,
        complaints: Mutex::default(),
    };
    let began = Instant::now();
    // A process takes what it needs to work at all when it first works. The search index grows with the tasks that are
    // created, so that most of them are in this round.
    tokio::join!(
        run(&slow, None, async |case| table.check_and_create(case).await),
        run(&quick, Some(AT_A_TIME), async |case| table
            .check_and_create(case)
            .await),
    );
    let before = memory::resident(family.process());
    let (all_slow, all_quick) = ([&slow[..]; ROUNDS].concat(), [&quick[..]; ROUNDS].concat());
    tokio::join!(
        run(&all_slow, None, async |case| table.check(case).await),
        run(&all_quick, Some(AT_A_TIME), async |case| table.check(case).await),
    );
    let grown = memory::resident(family.process()) - before;
    let summary = format!(
        "{} cases, {} of them slow, in {:.1?}; resident memory {} MiB, {:+} KiB after {ROUNDS} rounds more",
        slow.len() + quick.len(),
        slow.len(),
        began.elapsed(),
        before >> 20,
        grown >> 10
    );
    table.assert_no_complaints();
    let read = api.call(Method::GET, &task, None).await;
    let read = read.expect("a complete answer");
    assert_eq!(read.task(), &standing, "a hostile request changed a task");
    assert!(grown < MAY_GROW, "the service has grown by {grown} bytes");
    family.check_equality().await;
    summary
}

/// So many of the cases at a time, or all of them.
async fn run(cases: &[Case], at_a_time: Option<usize>, each: impl AsyncFn(&Case)) {
    let all = stream::iter(cases).for_each_concurrent(at_a_time, |case| each(case));
    all.await;
}

struct Table<'a> {
    api: &'a Api,
    /// By the case's name: what is wrong in each round is said once.
    complaints: Mutex<BTreeMap<String, String>>,
}

impl Table<'_> {
    /// Holds the conversation.
    async fn check(&self, case: &Case) {
        let address = self.api.base().trim_start_matches("http://");
        let heard = converse(address, &case.steps).await;
        let wrong = match heard {
            Ok(heard) => complaint(&case.wanted, &heard),
            Err(trouble) => Some(trouble),
        };
        if let Some(wrong) = wrong {
            self.complain(case, wrong);
        }
    }

    /// Holds it, and afterwards creates a task on another connection.
    async fn check_and_create(&self, case: &Case) {
        self.check(case).await;
        self.check_life(case).await;
    }

    async fn check_life(&self, case: &Case) {
        let fields = json!({"description": "the service lives"});
        let created = self.api.call(Method::POST, "/tasks", Some(&fields));
        let lives = match tokio::time::timeout(ALIVE_WITHIN, created).await {
            Ok(Ok(answer)) => answer.status == 201,
            Ok(Err(_)) | Err(_) => false,
        };
        if !lives {
            self.complain(case, "no task can be created afterwards".to_owned());
        }
    }

    fn complain(&self, case: &Case, complaint: String) {
        let mut complaints = self.complaints.lock().expect("nobody panics while complaining");
        complaints.insert(case.name.clone(), complaint);
    }

    fn assert_no_complaints(&self) {
        let complaints = self.complaints.lock().expect("nobody panics while complaining");
        let all: Vec<String> = complaints
            .iter()
            .map(|(name, complaint)| format!("{name}: {complaint}"))
            .collect();
        assert!(
            all.is_empty(),
            "{} answers are wrong:\n\n{}",
            all.len(),
            all.join("\n\n")
        );
    }
}
