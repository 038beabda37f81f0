//! Bulk requests that go wrong in part or as a whole, on a server that does as the test says. These tests need no engine.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use support::fake_server::{Asked, FakeServer, Said, bulk_answer, said};
use support::{id, index_at, index_settings, plain, raw};
use taskwire_domain::{IndexFault, IndexOperation, ItemOutcome, TaskIndex};
use taskwire_elasticsearch::IndexSettings;
use tokio::sync::{Barrier, Semaphore};

const KIB: u64 = 1024;

fn is_retry(outcome: &ItemOutcome) -> bool {
    matches!(outcome, ItemOutcome::Retry { .. })
}

fn is_rejected(outcome: &ItemOutcome) -> bool {
    matches!(outcome, ItemOutcome::Rejected { .. })
}

fn halt(result: Result<Vec<ItemOutcome>, IndexFault>) -> String {
    match result {
        Err(IndexFault::Halt { detail, .. }) => detail,
        other => panic!("expected a halt, got {other:?}"),
    }
}

fn small(count: u32) -> Vec<IndexOperation> {
    (0..count).map(|n| plain(n, 1)).collect()
}

/// Operations of about 8 KiB.
fn large(count: u32) -> Vec<IndexOperation> {
    let text = "x".repeat(8_000);
    (0..count)
        .map(|n| raw(n, 1, &json!({ "description": text })))
        .collect()
}

/// Sixteen of the large operations in a request, four such requests at once.
fn narrow() -> IndexSettings {
    IndexSettings {
        bulk_bytes: 128 * KIB,
        in_flight_bytes: 512 * KIB,
        ..index_settings()
    }
}

#[tokio::test]
async fn operations_that_are_told_to_wait_inside_a_success_are_the_ones_to_be_sent_again() {
    let kinds = [
        (429, "es_rejected_execution_exception"),
        (429, "circuit_breaking_exception"),
        (429, "cluster_block_exception"),
        (403, "cluster_block_exception"),
        (503, "unavailable_shards_exception"),
        (503, "no_shard_available_action_exception"),
        (503, "process_cluster_event_timeout_exception"),
        (404, "shard_not_found_exception"),
    ];
    for (status, kind) in kinds {
        // Three of ten, the first time they are seen.
        let seen: Arc<Mutex<HashSet<String>>> = Arc::default();
        let answer = move |asked: &Asked| {
            let mut seen = seen.lock().unwrap();
            let is_busy: HashSet<_> = asked
                .ids()
                .into_iter()
                .filter(|id| seen.insert(id.clone()))
                .collect();
            asked.each(|id| match is_busy.contains(id) && id.ends_with(['0', '3', '7']) {
                true => format!(r#""status":{status},"error":{{"type":"{kind}","reason":"wait"}}"#),
                false => r#""status":200"#.to_owned(),
            })
        };
        let server = FakeServer::start(answer).await;
        let index = index_at(&server.url, &index_settings());
        let operations = small(100);
        let outcomes = index.apply(&operations).await.unwrap();
        let mut again = Vec::new();
        for (operation, outcome) in operations.iter().zip(&outcomes) {
            let is_busy = operation.id.to_string().ends_with(['0', '3', '7']);
            assert_eq!(is_retry(outcome), is_busy, "{kind}: {outcome:?}");
            assert_eq!(*outcome == ItemOutcome::Done, !is_busy, "{kind}: {outcome:?}");
            if is_busy {
                again.push(operation.clone());
            }
        }
        assert!(!again.is_empty());
        let outcomes = index.apply(&again).await.unwrap();
        assert_eq!(outcomes, vec![ItemOutcome::Done; again.len()]);
    }
}

#[tokio::test]
async fn an_operation_that_is_not_understood_halts_whatever_became_of_the_others() {
    for item in [
        r#""status":403,"error":{"type":"security_exception","reason":"no"}"#,
        r#""status":404,"error":{"type":"index_not_found_exception","reason":"no"}"#,
        r#""status":400,"error":{"type":"index_closed_exception","reason":"no"}"#,
        r#""status":400,"error":{"type":"never_heard_of_exception","reason":"no"}"#,
        r#""status":302"#,
    ] {
        let first = id(3).to_string();
        let answer = move |asked: &Asked| {
            asked.each(|id| match id == first {
                true => item.to_owned(),
                false => r#""status":201"#.to_owned(),
            })
        };
        let server = FakeServer::start(answer).await;
        halt(index_at(&server.url, &index_settings()).apply(&small(5)).await);
    }
}

#[tokio::test]
async fn an_answer_to_other_operations_halts() {
    let item = |n| format!(r#"{{"index":{{"_id":"{}","status":201}}}}"#, id(n));
    let not_these = [
        bulk_answer([0, 1, 2, 3].map(item).into_iter()),
        bulk_answer([0, 1].map(item).into_iter()),
        bulk_answer([1, 0, 2].map(item).into_iter()),
        bulk_answer([0, 1, 9].map(item).into_iter()),
        bulk_answer(std::iter::empty()),
        r#"{"items":[{"index":{"status":201}},{"index":{"status":201}},{"index":{"status":201}}]}"#
            .to_owned(),
        bulk_answer([0, 1, 2].map(|n| item(n).replace("index", "create")).into_iter()),
        "<html>hello</html>".to_owned(),
        "{}".to_owned(),
        String::new(),
    ];
    for body in not_these {
        let answer = said(200, &body);
        let server = FakeServer::start(move |_| answer.clone()).await;
        let index = index_at(&server.url, &index_settings());
        let sentence = halt(index.apply(&small(3)).await);
        assert!(sentence.contains("ELASTICSEARCH_URL"), "{body}: {sentence}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let breaks: [fn(Said) -> Said; 4] = [
        |said| said.cut_at(0),
        |said| said.cut_at(40),
        |said| said.shortened_to(40),
        |said| said.shortened_to(1),
    ];
    for break_off in breaks {
        let server = FakeServer::start(move |asked| break_off(asked.all_done())).await;
        let fault = index_at(&server.url, &index_settings()).apply(&small(3)).await;
        assert!(matches!(fault, Err(IndexFault::Retry { .. })), "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_too_large_is_halved_until_it_fits_and_what_never_fits_is_rejected() {
    // As if the server took four lines, and never the line that says "huge".
    let answer = |asked: &Asked| match asked.body.lines().count() {
        lines if lines > 4 || asked.body.contains("huge") => said(413, ""),
        _ => asked.all_done(),
    };
    let server = FakeServer::start(answer).await;
    let mut operations = small(21);
    operations[13] = raw(13, 1, &json!({ "description": "huge" }));
    let index = index_at(&server.url, &index_settings());
    let outcomes = index.apply(&operations).await.unwrap();
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(is_rejected(outcome), n == 13, "{n}: {outcome:?}");
        assert_eq!(*outcome == ItemOutcome::Done, n != 13, "{n}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_size_that_was_refused_is_not_sent_again() {
    let refusals: Arc<Mutex<u32>> = Arc::default();
    let counted = refusals.clone();
    let server = FakeServer::start(move |asked| match asked.body.len() {
        0..200_000 => asked.all_done(),
        _ => {
            *counted.lock().unwrap() += 1;
            said(413, "<html>nginx</html>")
        }
    })
    .await;
    let index = index_at(&server.url, &index_settings());
    let operations = large(64);
    for _ in 0..5 {
        let outcomes = index.apply(&operations).await.unwrap();
        assert_eq!(outcomes, vec![ItemOutcome::Done; 64]);
    }
    // 512 KiB, then its halves; since then 128 KiB at most.
    assert_eq!(*refusals.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_request_refused_as_a_whole_is_narrowed_down_to_the_ones_to_blame() {
    // In these words the server refuses everything for one action that it finds wrong before it begins, or cannot read.
    let refusals = [
        r#"{"error":{"type":"action_request_validation_exception","reason":"odd"},"status":400}"#,
        r#"{"error":{"type":"illegal_argument_exception","reason":"Malformed action/metadata line [1]: odd"},"status":400}"#,
        r#"{"error":{"type":"x_content_parse_exception","reason":"odd"},"status":400}"#,
    ];
    for refusal in refusals {
        let answer = move |asked: &Asked| match asked.body.contains("odd") {
            true => said(400, refusal),
            false => asked.all_done(),
        };
        let server = FakeServer::start(answer).await;
        for guilty in [&[0][..], &[6], &[99], &[0, 1, 50, 99]] {
            let mut operations = small(100);
            for &n in guilty {
                operations[n] = raw(u32::try_from(n).unwrap(), 1, &json!({ "description": "odd" }));
            }
            let index = index_at(&server.url, &index_settings());
            let outcomes = index.apply(&operations).await.unwrap();
            let rejected: Vec<_> = (0..100).filter(|&n| outcomes[n] != ItemOutcome::Done).collect();
            assert_eq!(rejected, guilty);
            assert!(
                matches!(&outcomes[guilty[0]], ItemOutcome::Rejected { detail } if detail.ends_with("odd")),
                "{outcomes:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_refuses_every_request_halts_and_parks_nothing() {
    let refusal = r#"{"error":{"type":"illegal_argument_exception","reason":"odd"},"status":400}"#;
    for answer in [said(400, refusal), said(413, "")] {
        let server = FakeServer::start(move |_| answer.clone()).await;
        let index = index_at(&server.url, &index_settings());
        let sentence = halt(index.apply(&small(200)).await);
        assert!(sentence.contains("the cause is not in the tasks"), "{sentence}");
    }
}

#[tokio::test]
async fn trouble_in_the_middle_of_a_batch_leaves_what_was_answered() {
    // The second request, and whatever comes after it.
    let requests: Arc<Mutex<u32>> = Arc::default();
    let counted = requests.clone();
    let server = FakeServer::start(move |asked| {
        let mut requests = counted.lock().unwrap();
        *requests += 1;
        match *requests {
            1 => asked.all_done(),
            _ => said(503, ""),
        }
    })
    .await;
    let settings = IndexSettings {
        bulk_bytes: 128 * KIB,
        in_flight_bytes: 128 * KIB,
        ..index_settings()
    };
    let index = index_at(&server.url, &settings);
    let outcomes = index.apply(&large(64)).await.unwrap();
    let done = outcomes
        .iter()
        .take_while(|outcome| **outcome == ItemOutcome::Done)
        .count();
    assert_eq!(done, 16);
    assert!(outcomes[16..].iter().all(is_retry), "{outcomes:?}");
    // Nothing was sent past the trouble.
    assert_eq!(*requests.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_server_that_falls_silent_in_the_middle_of_a_batch_is_given_up_at_the_limit() {
    let requests = Arc::new(Semaphore::new(3));
    let server = FakeServer::start_slow(move |asked: Asked| {
        let requests = requests.clone();
        async move {
            requests.acquire().await.unwrap().forget();
            asked.all_done()
        }
    })
    .await;
    let settings = IndexSettings {
        // Long enough for the three answers on a machine that is busy.
        write_limit_ms: 2_000,
        ..narrow()
    };
    let started = Instant::now();
    let outcomes = index_at(&server.url, &settings).apply(&large(64)).await.unwrap();
    let done = outcomes.iter().filter(|outcome| **outcome == ItemOutcome::Done);
    assert_eq!(done.count(), 48);
    assert_eq!(outcomes.iter().filter(|outcome| is_retry(outcome)).count(), 16);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_busy_server_is_sent_less_at_once_and_more_again_when_it_bears_it() {
    // The bodies that came in, and whether the server is busy.
    let bodies: Arc<Mutex<Vec<usize>>> = Arc::default();
    let is_busy = Arc::new(AtomicBool::new(true));
    let (noted, busy) = (bodies.clone(), is_busy.clone());
    let server = FakeServer::start(move |asked| {
        noted.lock().unwrap().push(asked.body.len());
        match busy.load(Ordering::SeqCst) {
            true => said(
                429,
                r#"{"error":{"type":"circuit_breaking_exception","reason":"full"}}"#,
            ),
            false => asked.all_done(),
        }
    })
    .await;
    let index = index_at(&server.url, &narrow());
    let operations = large(64);
    // Nothing is sent past the first refusal, so what came in is what was sent at once.
    let sent_at_once = || std::mem::take(&mut *bodies.lock().unwrap());
    for (requests, most_bytes) in [(4, 128), (2, 128), (1, 128), (1, 64), (1, 64)] {
        let fault = index.apply(&operations).await;
        assert!(matches!(fault, Err(IndexFault::Retry { .. })), "{fault:?}");
        let sent = sent_at_once();
        let fit = |bytes: &usize| (most_bytes - 8) * 1024 < *bytes && *bytes <= most_bytes * 1024;
        assert!(sent.len() == requests && sent.iter().all(fit), "{sent:?}");
    }
    is_busy.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        let outcomes = index.apply(&operations).await.unwrap();
        assert_eq!(outcomes, vec![ItemOutcome::Done; 64]);
    }
    is_busy.store(true, Ordering::SeqCst);
    sent_at_once();
    index.apply(&operations).await.unwrap_err();
    assert_eq!(sent_at_once().len(), 4);
}

#[tokio::test]
async fn operations_told_to_wait_make_less_be_sent_too() {
    let requests: Arc<Mutex<usize>> = Arc::default();
    let counted = requests.clone();
    let server = FakeServer::start(move |asked| {
        let mut requests = counted.lock().unwrap();
        *requests += 1;
        match *requests {
            1 => asked.each(|_| r#""status":429"#.to_owned()),
            _ => said(429, ""),
        }
    })
    .await;
    let index = index_at(&server.url, &narrow());
    // One that fits into one request.
    let outcomes = index.apply(&small(1)).await.unwrap();
    assert!(outcomes.iter().all(is_retry), "{outcomes:?}");
    index.apply(&large(64)).await.unwrap_err();
    assert_eq!(*requests.lock().unwrap(), 1 + 2);
}

/// What a server has taken in and not answered.
#[derive(Default)]
struct Open {
    requests: usize,
    bytes: usize,
    most: (usize, usize),
}

impl Open {
    fn take_in(&mut self, bytes: usize) {
        self.requests += 1;
        self.bytes += bytes;
        self.most = (self.most.0.max(self.requests), self.most.1.max(self.bytes));
    }

    fn let_go(&mut self, bytes: usize) {
        self.requests -= 1;
        self.bytes -= bytes;
    }
}

#[tokio::test]
async fn requests_are_made_side_by_side_and_stay_within_one_budget_whoever_sends() {
    let open: Arc<Mutex<Open>> = Arc::default();
    let four = Arc::new(Barrier::new(4));
    let counted = open.clone();
    let server = FakeServer::start_slow(move |asked: Asked| {
        let (open, four) = (counted.clone(), four.clone());
        async move {
            let bytes = asked.body.len();
            open.lock().unwrap().take_in(bytes);
            // Fewer than four at once would never be answered.
            four.wait().await;
            open.lock().unwrap().let_go(bytes);
            asked.all_done()
        }
    })
    .await;
    let index = index_at(&server.url, &narrow());
    let (twin, operations) = (index.clone(), large(64));
    let (one, other) = tokio::join!(index.apply(&operations), twin.apply(&operations));
    for outcomes in [one, other] {
        assert_eq!(outcomes.unwrap(), vec![ItemOutcome::Done; 64]);
    }
    let (requests, bytes) = open.lock().unwrap().most;
    assert_eq!(requests, 4);
    assert!(bytes <= 512 * 1024, "{bytes}");
}
