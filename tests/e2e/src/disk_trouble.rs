//! A disk that takes no more, and then takes more: what the one-process service owes its callers meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, Standalone, until};

/// The most writes until the disk must be full.
const MANY: usize = 20_000;

/// Long, so that few are enough.
fn fields(number: usize) -> Value {
    json!({"description": format!("{number} {}", "takes room ".repeat(300))})
}

async fn create(service: &Standalone, number: usize) -> Answer {
    let answer = service
        .api
        .call(Method::POST, "/tasks", Some(&fields(number)))
        .await;
    answer.expect("a complete answer")
}

fn keep(answer: &Answer, acknowledged: &mut BTreeMap<String, Value>) {
    let task = answer.task().clone();
    acknowledged.insert(task["id"].as_str().expect("a task has an id").to_owned(), task);
}

/// Writes until the disk takes no more; what was acknowledged.
pub async fn write_until_refused(service: &Standalone) -> BTreeMap<String, Value> {
    let mut acknowledged = BTreeMap::new();
    for number in 0..MANY {
        let answer = create(service, number).await;
        if answer.status != StatusCode::CREATED {
            assert_refused(&answer);
            return acknowledged;
        }
        keep(&answer, &mut acknowledged);
    }
    panic!("{MANY} writes and the disk is not full")
}

/// Certainly not applied, and worth another try.
fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.body["code"], "unavailable", "{answer:?}");
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
}

/// While it is full: every kind of write is refused, reading and searching go on, and it says that it is not ready.
///
/// # Panics
/// When it is otherwise.
pub async fn assert_reads_only(service: &Standalone, acknowledged: &BTreeMap<String, Value>) {
    let (id, task) = acknowledged
        .first_key_value()
        .expect("something was written before");
    let path = format!("/tasks/{id}");
    let call = async |method, path: &str, body: Option<&Value>| {
        let answer = service.api.call(method, path, body).await;
        answer.expect("a complete answer")
    };
    for round in 0..3 {
        assert_refused(&create(service, round).await);
        assert_refused(&call(Method::PUT, &path, Some(&fields(MANY + round))).await);
        assert_refused(&call(Method::DELETE, &path, None).await);
        assert_eq!(call(Method::GET, &path, None).await.task(), task);
        let found = call(
            Method::POST,
            "/tasks/search",
            Some(&json!({"description": "room"})),
        )
        .await;
        assert_eq!(found.status, StatusCode::OK, "{found:?}");
    }
    // A report is good for a second.
    let unready = || async {
        let ready = call(Method::GET, "/healthz/ready", None).await;
        (ready.status == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    };
    until("readiness fails", Duration::from_secs(10), unready).await;
    let live = call(Method::GET, "/healthz/live", None).await;
    assert_eq!(live.status, StatusCode::OK);
}

/// Once there is room: writes succeed without a restart, and exactly what was acknowledged is there and searchable.
///
/// # Panics
/// When it is otherwise.
pub async fn assert_recovers(service: &Standalone, acknowledged: &mut BTreeMap<String, Value>) {
    let taken = || async {
        let answer = create(service, 0).await;
        if answer.status == StatusCode::CREATED {
            return Some(answer);
        }
        assert_refused(&answer);
        None
    };
    let (answer, _) = until("writes go on", Duration::from_secs(30), taken).await;
    keep(&answer, acknowledged);
    service.ready().await;
    service.await_searchable(acknowledged).await;
    for (id, task) in acknowledged {
        let read = service.api.call(Method::GET, &format!("/tasks/{id}"), None).await;
        assert_eq!(read.expect("a complete answer").task(), task);
    }
}
