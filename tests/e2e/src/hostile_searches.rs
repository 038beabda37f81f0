//! Searches that nobody means well with, by both ways to search: each is answered, rightly, and the service lives.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use taskwire_testkit::{HostileSearch, hostile_searches};

use crate::{Answer, Api, many_real_texts, until};

/// How many are on their way at a time.
const AT_A_TIME: usize = 8;

/// Tasks with real texts, so that there are words that others are like.
const TASKS: usize = 2_000;

/// What a client can send at all, in bytes.
const LONGEST_TARGET: usize = 60_000;

/// What a value can be told to be wrong with.
const KNOWN: [&str; 5] = [
    "too-long",
    "too-many-words",
    "too-many-phrases",
    "window-too-large",
    "not-printable",
];

/// How often each status was answered, by the way to search.
pub type Answered = BTreeMap<(&'static str, u16), usize>;

/// Makes every search of the list, in both ways.
///
/// # Panics
/// When one is answered otherwise than with tasks or a documented problem, when the two ways differ, or when the service does
/// not live afterwards.
pub async fn check_hostile_searches(api: &Api) -> Answered {
    fill(api).await;
    let document = api.call(Method::GET, "/openapi.json", None).await;
    let document = document.expect("a complete answer").body;
    let (complaints, answered) = (Mutex::new(Vec::new()), Mutex::new(Answered::new()));
    let searches = hostile_searches();
    stream::iter(&searches)
        .for_each_concurrent(AT_A_TIME, async |search| {
            let HostileSearch { name, body, .. } = search;
            let mut wrong = Vec::new();
            let mut both = Vec::new();
            for (way, method, target, body) in [
                ("post", Method::POST, "/tasks/search".to_owned(), Some(body)),
                ("get", Method::GET, search.target(), None),
            ] {
                if target.len() > LONGEST_TARGET {
                    continue;
                }
                match api.call(method, &target, body).await {
                    Ok(answer) => both.push((way, answer)),
                    Err(error) => wrong.push(format!("{name} by {way}: {error:?}")),
                }
            }
            for (way, answer) in &both {
                let complaint = complaint(way, answer, &document);
                wrong.extend(complaint.map(|complaint| format!("{name} by {way}: {complaint}")));
                let mut answered = answered.lock().unwrap();
                *answered.entry((*way, answer.status.as_u16())).or_default() += 1;
            }
            if let [(_, by_body), (_, by_query)] = &both[..]
                && by_query.status != StatusCode::URI_TOO_LONG
                && is_other(by_body, by_query)
            {
                wrong.push(format!("{name}: {by_body:?} by POST is {by_query:?} by GET"));
            }
            complaints.lock().unwrap().extend(wrong);
        })
        .await;
    let complaints = complaints.into_inner().unwrap();
    assert!(
        complaints.is_empty(),
        "{} are answered wrongly:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
    let found = api.search("the").await;
    assert!(!found.is_empty(), "searches go on");
    let answered = answered.into_inner().unwrap();
    let done = |way| answered.get(&(way, 200)).copied().unwrap_or_default();
    assert!(
        done("post") > 500 && done("get") > 500,
        "most of them are searches: {answered:?}"
    );
    answered
}

/// Real texts, and the hostile ones as descriptions, all of which searches see afterwards.
async fn fill(api: &Api) {
    let texts = many_real_texts(TASKS).into_iter();
    let hostile = hostile_searches().into_iter().map(|search| search.text);
    let storable =
        |text: &String| !text.contains('\0') && !text.trim().is_empty() && text.chars().count() <= 4_096;
    let texts: Vec<_> = texts.chain(hostile).filter(storable).collect();
    for texts in texts.chunks(100) {
        let create = |text| json!({"op": "create", "task": {"description": text}});
        let operations: Vec<_> = texts.iter().map(create).collect();
        let answer = api
            .call(
                Method::POST,
                "/tasks/bulk",
                Some(&json!({"operations": operations})),
            )
            .await;
        let answer = answer.expect("a complete answer");
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let results = answer.body["results"].as_array().expect("a bulk has results");
        assert!(results.iter().all(|result| result["status"] == 201), "{answer:?}");
        let tokens: Vec<_> = results.iter().map(|result| &result["consistencyToken"]).collect();
        let query = json!({"after": tokens, "timeout": "5s", "size": 0});
        let seen = || async {
            let answer = api.call(Method::POST, "/tasks/search", Some(&query)).await;
            (answer.ok()?.body["consistent"] == true).then_some(())
        };
        until("searches see what was written", Duration::from_secs(60), seen).await;
    }
}

/// Whether two ways to search tell different things, of what is found or of what is wrong.
fn is_other(one: &Answer, other: &Answer) -> bool {
    let codes = |answer: &Answer| -> Vec<String> {
        let errors = answer.body["errors"].as_array().into_iter().flatten();
        errors.map(|error| error["code"].to_string()).collect()
    };
    one.status != other.status
        || codes(one) != codes(other)
        || (one.status == StatusCode::OK && one.body != other.body)
}

/// What is wrong with an answer.
fn complaint(way: &str, answer: &Answer, document: &Value) -> Option<String> {
    let status = answer.status.as_u16();
    let right = match status {
        200 => answer.body["tasks"].is_array() && answer.body["total"].is_u64(),
        400 | 413 | 414 => is_problem(answer),
        _ => false,
    };
    let documented = document["paths"]["/tasks/search"][way]["responses"].get(status.to_string());
    let problem = if !right {
        "it is answered wrongly"
    } else if documented.is_none() {
        "nobody documents this status"
    } else {
        return None;
    };
    let said: String = String::from_utf8_lossy(&answer.bytes).chars().take(500).collect();
    Some(format!("{problem}: {status} {said}"))
}

fn is_problem(answer: &Answer) -> bool {
    let body = &answer.body;
    let status = answer.status.as_u16();
    let errors = body["errors"].as_array();
    let known = match status {
        400 => errors.is_some_and(|errors| {
            let known = |error: &Value| error["code"].as_str().is_some_and(|code| KNOWN.contains(&code));
            !errors.is_empty() && errors.iter().all(known) && body["code"] == "invalid-request"
        }),
        _ => errors.is_none() && body["code"].is_string(),
    };
    known && answer.header("content-type") == "application/problem+json" && body["status"] == status
}
