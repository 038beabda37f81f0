//! `Idempotency-Key`, on the two requests that honour it.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{Header, NOBODY, id, path};
use super::unique;
use crate::{Answer, Api};

rules!("idempotency":
    the_same_request_again_gets_the_first_answer,
    a_key_is_the_same_bare_and_quoted,
    another_body_under_a_used_key_is_422,
    the_first_answer_is_given_whatever_became_of_the_task,
    a_refused_request_leaves_its_key_free,
    of_twins_at_once_one_is_done_and_all_are_answered_alike,
    of_different_requests_at_once_one_gets_the_key,
    the_same_bulk_again_gets_the_first_answer,
    a_bulk_that_was_undone_leaves_its_key_free,
    of_twin_bulks_at_once_one_is_done,
    a_key_is_for_one_endpoint,
    other_writes_take_no_notice_of_a_key,
    what_is_no_key_is_400_and_named,
);

const TASKS: &str = "/tasks";
const BULK: &str = "/tasks/bulk";

/// A POST under a key, with exactly this body.
async fn post(api: &Api, path: &str, key: &str, body: &str) -> Answer {
    let headers: [Header<'_>; 2] = [("content-type", "application/json"), ("idempotency-key", key)];
    let answer = api
        .send(Method::POST, path, &headers, Some(body.as_bytes().to_vec()))
        .await;
    answer.expect("a complete answer")
}

fn is_replayed(answer: &Answer) -> bool {
    let mark = answer.header("idempotency-replayed");
    assert!(["", "true"].contains(&mark), "{answer:?}");
    mark == "true"
}

/// The same in all that is not about the single request.
#[track_caller]
fn assert_alike(first: &Answer, again: &Answer) {
    assert_eq!(again.status, first.status);
    assert!(again.bytes == first.bytes, "{first:?} {again:?}");
    let lasting = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        for passing in ["idempotency-replayed", "x-request-id", "date"] {
            headers.remove(passing);
        }
        headers
    };
    assert_eq!(lasting(again), lasting(first));
}

/// A creation that can be found again by its category.
fn creation(category: &str) -> String {
    json!({"description": "done once", "categories": [category]}).to_string()
}

async fn assert_one(api: &Api, category: &str) {
    let page = api.listed(&format!("category={category}")).await;
    assert_eq!(page.tasks().len(), 1, "{page:?}");
}

async fn the_same_request_again_gets_the_first_answer(api: Api) {
    let (key, category) = (unique(), unique());
    let first = post(&api, TASKS, &key, &creation(&category)).await;
    assert_eq!((first.status.as_u16(), is_replayed(&first)), (201, false));
    for _ in 0..3 {
        let again = post(&api, TASKS, &key, &creation(&category)).await;
        assert!(is_replayed(&again), "{again:?}");
        assert_alike(&first, &again);
        assert_eq!(again.header("location"), path(first.task()));
        assert_eq!(again.header("etag"), "\"1\"");
        assert_eq!(
            again.header("x-consistency-token"),
            format!("{}@1", id(first.task()))
        );
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    }
    assert_one(&api, &category).await;
    // The key is what makes it the same request.
    let other = post(&api, TASKS, &unique(), &creation(&unique())).await;
    assert_eq!((other.status.as_u16(), is_replayed(&other)), (201, false));
    assert_ne!(other.task()["id"], first.task()["id"]);
}

async fn a_key_is_the_same_bare_and_quoted(api: Api) {
    let word = unique();
    for (bare, quoted) in [
        (word.clone(), format!("\"{word}\"")),
        (format!("{word} \\ \" z"), format!(r#""{word} \\ \" z""#)),
        (
            "k".repeat(255 - 16) + &word,
            format!("\"{}{word}\"", "k".repeat(255 - 16)),
        ),
    ] {
        let category = unique();
        let first = post(&api, TASKS, &bare, &creation(&category)).await;
        let again = post(&api, TASKS, &quoted, &creation(&category)).await;
        assert_eq!(
            (is_replayed(&first), is_replayed(&again)),
            (false, true),
            "{bare}"
        );
        assert_alike(&first, &again);
        assert_one(&api, &category).await;
    }
    // Keys are compared as they stand.
    let other = post(&api, TASKS, &word.to_uppercase(), &creation(&unique())).await;
    assert_eq!((other.status.as_u16(), is_replayed(&other)), (201, false));
}

async fn another_body_under_a_used_key_is_422(api: Api) {
    let (key, category) = (unique(), unique());
    let body = creation(&category);
    assert_eq!(post(&api, TASKS, &key, &body).await.status, 201);
    // Even one that says the same: it is the bytes that are compared.
    for other in [creation(&unique()), format!("{body} "), body.replace(':', ": ")] {
        let answer = post(&api, TASKS, &key, &other).await;
        answer.assert_problem(422, "idempotency-key-reused");
    }
    // What is wrong with it comes first.
    let wrong = post(&api, TASKS, &key, "{}").await;
    wrong.assert_wrong(&["/description missing"]);
    assert!(is_replayed(&post(&api, TASKS, &key, &body).await));
    assert_one(&api, &category).await;
}

async fn the_first_answer_is_given_whatever_became_of_the_task(api: Api) {
    let (key, category) = (unique(), unique());
    let first = post(&api, TASKS, &key, &creation(&category)).await;
    assert_eq!(
        api.patch(first.task(), &json!({"isDone": true})).await.status,
        200
    );
    assert_alike(&first, &post(&api, TASKS, &key, &creation(&category)).await);
    assert_eq!(api.delete(first.task()).await.status, 200);
    assert_alike(&first, &post(&api, TASKS, &key, &creation(&category)).await);
    assert_eq!(api.listed(&format!("category={category}")).await.tasks().len(), 0);
}

async fn a_refused_request_leaves_its_key_free(api: Api) {
    let (key, taken) = (unique(), unique());
    let holder = api
        .create(&json!({"description": unique(), "externalId": taken}))
        .await;
    let conflict = json!({"description": unique(), "externalId": taken}).to_string();
    let orphan = json!({"description": unique(), "parentId": NOBODY}).to_string();
    for _ in 0..2 {
        let answer = post(&api, TASKS, &key, &conflict).await;
        answer.assert_problem(409, "external-id-taken");
        let answer = post(&api, TASKS, &key, &orphan).await;
        answer.assert_wrong(&["/parentId unknown-parent"]);
        let answer = post(&api, TASKS, &key, "{\"description\"").await;
        answer.assert_wrong(&[" malformed-json"]);
    }
    // The same request, once nothing stands against it.
    assert_eq!(api.delete(&holder).await.status, 200);
    let done = post(&api, TASKS, &key, &conflict).await;
    assert_eq!((done.status.as_u16(), is_replayed(&done)), (201, false));
    assert!(is_replayed(&post(&api, TASKS, &key, &conflict).await));
}

/// Sends the same many times at once: one is done, all are answered alike. The answer.
async fn twins(api: &Api, path: &str, body: &str) -> Answer {
    let key = unique();
    let mut answers = join_all((0..16).map(|_| post(api, path, &key, body))).await;
    let first = answers.iter().position(|answer| !is_replayed(answer));
    let first = answers.swap_remove(first.expect("one is done"));
    for again in &answers {
        assert!(is_replayed(again), "one alone is done: {again:?}");
        assert_alike(&first, again);
    }
    first
}

async fn of_twins_at_once_one_is_done_and_all_are_answered_alike(api: Api) {
    for _ in 0..5 {
        let category = unique();
        let first = twins(&api, TASKS, &creation(&category)).await;
        assert_eq!(first.status, 201, "{first:?}");
        assert_one(&api, &category).await;
    }
}

async fn of_different_requests_at_once_one_gets_the_key(api: Api) {
    let (key, category) = (unique(), unique());
    let bodies: Vec<_> = (0..8)
        .map(|number| json!({"description": number.to_string(), "categories": [category]}).to_string())
        .collect();
    let answers = join_all(bodies.iter().map(|body| post(&api, TASKS, &key, body))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(done.len(), 1, "{answers:?}");
    for answer in refused {
        answer.assert_problem(422, "idempotency-key-reused");
    }
    assert_one(&api, &category).await;
}

fn bulk(category: &str) -> String {
    let create = json!({"op": "create", "task": {"description": "done once", "categories": [category]}});
    json!({"operations": [create, {"op": "delete", "id": NOBODY}]}).to_string()
}

async fn the_same_bulk_again_gets_the_first_answer(api: Api) {
    let (key, category) = (unique(), unique());
    let first = post(&api, BULK, &key, &bulk(&category)).await;
    let statuses: Vec<_> = first.results().iter().map(|result| &result["status"]).collect();
    assert_eq!(
        statuses,
        [201, 404],
        "refusals of single operations are part of what succeeded"
    );
    assert!(!is_replayed(&first));
    // `atomic=false` is what it was without.
    for (path, key) in [
        (BULK, key.clone()),
        ("/tasks/bulk?atomic=false", format!("\"{key}\"")),
    ] {
        let again = post(&api, path, &key, &bulk(&category)).await;
        assert!(is_replayed(&again), "{again:?}");
        assert_alike(&first, &again);
    }
    assert_one(&api, &category).await;
    // The same operations to be done otherwise, and others, are other requests.
    for (path, body) in [
        ("/tasks/bulk?atomic=true", bulk(&category)),
        (BULK, bulk(&unique())),
        (BULK, bulk(&category) + " "),
    ] {
        let answer = post(&api, path, &key, &body).await;
        answer.assert_problem(422, "idempotency-key-reused");
    }
    assert_one(&api, &category).await;
}

async fn a_bulk_that_was_undone_leaves_its_key_free(api: Api) {
    let (key, category) = (unique(), unique());
    let atomic = "/tasks/bulk?atomic=true";
    for _ in 0..2 {
        let answer = post(&api, atomic, &key, &bulk(&category)).await;
        let statuses: Vec<_> = answer.results().iter().map(|result| &result["status"]).collect();
        assert_eq!(
            (statuses, is_replayed(&answer)),
            (vec![&json!(424), &json!(404)], false)
        );
    }
    let envelope = post(&api, atomic, &key, "{\"operations\": []}").await;
    envelope.assert_wrong(&["/operations too-few"]);
    let done = post(&api, BULK, &key, &bulk(&category)).await;
    assert_eq!((done.results().len(), is_replayed(&done)), (2, false));
    assert!(is_replayed(&post(&api, BULK, &key, &bulk(&category)).await));
    assert_one(&api, &category).await;
}

async fn of_twin_bulks_at_once_one_is_done(api: Api) {
    for _ in 0..5 {
        let category = unique();
        let first = twins(&api, BULK, &bulk(&category)).await;
        assert_eq!(first.results()[0]["status"], 201, "{first:?}");
        assert_one(&api, &category).await;
    }
}

async fn a_key_is_for_one_endpoint(api: Api) {
    let (key, category) = (unique(), unique());
    let one = post(&api, TASKS, &key, &creation(&unique())).await;
    let many = post(&api, BULK, &key, &bulk(&category)).await;
    assert_eq!((one.status.as_u16(), many.status.as_u16()), (201, 200));
    assert!(!is_replayed(&one) && !is_replayed(&many));
}

async fn other_writes_take_no_notice_of_a_key(api: Api) {
    let (key, task) = (unique(), api.described(&unique()).await);
    let headers: [Header<'_>; 1] = [("idempotency-key", &key)];
    for version in 2..=3 {
        let patch = json!({"description": unique()});
        let answer = api.tell(Method::PATCH, &path(&task), &headers, &patch).await;
        assert_eq!(
            (&answer.task()["version"], is_replayed(&answer)),
            (&json!(version), false)
        );
    }
    let answer = api
        .tell(
            Method::PUT,
            &path(&task),
            &headers,
            &json!({"description": unique()}),
        )
        .await;
    assert_eq!(
        (&answer.task()["version"], is_replayed(&answer)),
        (&json!(4), false)
    );
    assert_eq!(api.ask(Method::DELETE, &path(&task), &headers).await.status, 200);
    let again = api.ask(Method::DELETE, &path(&task), &headers).await;
    again.assert_problem(404, "task-not-found");
}

async fn what_is_no_key_is_400_and_named(api: Api) {
    let category = unique();
    let long = "k".repeat(256);
    for (key, code) in [
        ("", "invalid-length"),
        ("\"\"", "invalid-length"),
        (long.as_str(), "invalid-length"),
        ("a\tb", "not-printable"),
        ("\"a", "malformed-string"),
        ("\"a\"b", "malformed-string"),
        ("\"a\"; b", "malformed-string"),
        (r#""a\b""#, "malformed-string"),
    ] {
        for (path, body) in [(TASKS, creation(&category)), (BULK, bulk(&category))] {
            let answer = post(&api, path, key, &body).await;
            answer.assert_wrong(&[&format!("idempotency-key {code}")]);
        }
    }
    let body: Value = json!({"description": 1});
    let twice: [Header<'_>; 2] = [("idempotency-key", "a"), ("idempotency-key", "a")];
    let answer = api.tell(Method::POST, TASKS, &twice, &body).await;
    answer.assert_wrong(&["idempotency-key repeated", "/description wrong-type"]);
    assert_eq!(api.listed(&format!("category={category}")).await.tasks().len(), 0);
}
