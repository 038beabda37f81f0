//! Bodies that are no JSON, or JSON that breaks rules.

use bytes::Bytes;

use super::{Case, bad, refuse_all, task_path};
use crate::testing::{TestApi, json_request, post};

/// The same body, created and put in place of an existing task.
fn in_a_task(name: &str, body: impl AsRef<[u8]>, wrong: &[&str]) -> Vec<Case> {
    let body = Bytes::copy_from_slice(body.as_ref());
    vec![
        bad(
            &format!("POST {name}"),
            json_request("POST", "/tasks", &[], body.clone()),
            wrong,
        ),
        bad(
            &format!("PUT {name}"),
            json_request("PUT", &task_path(), &[], body),
            wrong,
        ),
    ]
}

/// The same body where others are read.
fn elsewhere(name: &str, body: &[u8], wrong: &[&str]) -> Vec<Case> {
    let task = task_path();
    let places = [
        ("POST", "/tasks/search"),
        ("POST", "/tasks/bulk"),
        ("PATCH", task.as_str()),
    ];
    let case = |(method, path): (&str, &str)| {
        let sent = json_request(method, path, &[], body.to_vec());
        bad(&format!("{method} {path} {name}"), sent, wrong)
    };
    places.map(case).into()
}

#[tokio::test]
async fn what_is_not_one_json_object_is_refused_with_its_place() {
    let malformed = [" malformed-json"];
    let wrong_type = [" wrong-type"];
    let deep = format!("{{\"description\": {}1{}}}", "[".repeat(200), "]".repeat(200));
    let cases: [(&str, &[u8], &[&str]); 26] = [
        ("an empty body", b"", &malformed),
        ("white space", b" \n ", &malformed),
        ("an open object", b"{\"description\": \"a\"", &malformed),
        ("an open string", b"{\"description\": \"a", &malformed),
        ("a trailing comma", b"{\"description\": \"a\",}", &malformed),
        ("single quotes", b"{'description': 'a'}", &malformed),
        ("an unquoted name", b"{description: \"a\"}", &malformed),
        ("a comment", b"{\"description\": \"a\" /* b */}", &malformed),
        ("NaN", b"{\"description\": NaN}", &malformed),
        ("a leading zero", b"{\"version\": 01}", &malformed),
        ("a number beyond all bounds", b"{\"version\": 1e999}", &malformed),
        ("trailing data", b"{\"description\": \"a\"} {}", &malformed),
        (
            "a byte order mark",
            b"\xef\xbb\xbf{\"description\": \"a\"}",
            &malformed,
        ),
        (
            "bytes that are not UTF-8",
            b"{\"description\": \"\xff\xfe\"}",
            &malformed,
        ),
        (
            "a lone high surrogate",
            b"{\"description\": \"\\ud800\"}",
            &malformed,
        ),
        (
            "a lone low surrogate",
            b"{\"description\": \"\\udc00 a\"}",
            &malformed,
        ),
        (
            "a raw control character",
            b"{\"description\": \"a\nb\"}",
            &malformed,
        ),
        ("an unknown escape", b"{\"description\": \"\\x41\"}", &malformed),
        ("deep nesting", deep.as_bytes(), &malformed),
        ("null", b"null", &wrong_type),
        ("a string", b"\"description\"", &wrong_type),
        ("an array", b"[{\"description\": \"a\"}]", &wrong_type),
        ("a number", b"17", &wrong_type),
        (
            "a name twice",
            b"{\"description\": \"a\", \"description\": \"a\"}",
            &["/description duplicate-name"],
        ),
        (
            "a name twice by an escape",
            b"{\"isDone\": true, \"is\\u0044one\": false}",
            &["/isDone duplicate-name"],
        ),
        (
            "a nested name twice",
            b"{\"description\": \"a\", \"dates\": {\"due\": null, \"due\": null}}",
            &["/dates/due duplicate-name"],
        ),
    ];
    for (name, body, wrong) in cases {
        refuse_all(in_a_task(name, body, wrong)).await;
        refuse_all(elsewhere(name, body, wrong)).await;
    }
}

#[tokio::test]
async fn malformed_json_is_refused_with_line_and_column() {
    let api = TestApi::new();
    let answer = api
        .send(post("/tasks", "{\"description\": \"a\",\n  \"isDone\" true}"))
        .await;
    assert_eq!(answer.problem(), (400, "invalid-request"));
    let detail = &answer.body["errors"][0]["detail"];
    assert_eq!(detail, "expected `:`, at line 2, column 12");
}

/// Tries each body, under its name, on both ways to write a task.
async fn refuse_tasks(cases: &[(&str, &str, &[&str])]) {
    for (name, body, wrong) in cases {
        refuse_all(in_a_task(name, body, wrong)).await;
    }
}

#[tokio::test]
async fn a_description_that_breaks_rules_is_refused() {
    let long = format!("{{\"description\": \"{}\"}}", "x".repeat(5_000));
    refuse_tasks(&[
        ("none", "{}", &["/description missing"]),
        ("null", r#"{"description": null}"#, &["/description wrong-type"]),
        ("number", r#"{"description": 5}"#, &["/description wrong-type"]),
        (
            "object",
            r#"{"description": {"a": 1}}"#,
            &["/description wrong-type"],
        ),
        ("empty", r#"{"description": ""}"#, &["/description blank"]),
        (
            "blank",
            r#"{"description": " \t\n\u3000"}"#,
            &["/description blank"],
        ),
        (
            "NUL",
            r#"{"description": "a\u0000b"}"#,
            &["/description nul-character"],
        ),
        ("5,000 characters", &long, &["/description too-long"]),
    ])
    .await;
}

#[tokio::test]
async fn a_priority_or_a_flag_that_is_none_is_refused() {
    refuse_tasks(&[
        (
            "unknown",
            r#"{"description": "a", "priority": "urgent"}"#,
            &["/priority unknown-priority"],
        ),
        (
            "capitals",
            r#"{"description": "a", "priority": "High"}"#,
            &["/priority unknown-priority"],
        ),
        (
            "number",
            r#"{"description": "a", "priority": 3}"#,
            &["/priority wrong-type"],
        ),
        (
            "null",
            r#"{"description": "a", "priority": null}"#,
            &["/priority wrong-type"],
        ),
        (
            "string flag",
            r#"{"description": "a", "isDone": "true"}"#,
            &["/isDone wrong-type"],
        ),
        (
            "numeric flag",
            r#"{"description": "a", "isDone": 1}"#,
            &["/isDone wrong-type"],
        ),
        (
            "null flag",
            r#"{"description": "a", "isDone": null}"#,
            &["/isDone wrong-type"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn dates_that_break_rules_are_refused() {
    let both_ways =
        r#"{"description": "a", "dates": {"start": "2026-05-02T00:00:00Z", "due": "2026-05-01T00:00:00Z"}}"#;
    refuse_tasks(&[
        (
            "null",
            r#"{"description": "a", "dates": null}"#,
            &["/dates wrong-type"],
        ),
        (
            "array",
            r#"{"description": "a", "dates": []}"#,
            &["/dates wrong-type"],
        ),
        (
            "unknown",
            r#"{"description": "a", "dates": {"end": null}}"#,
            &["/dates/end unknown-field"],
        ),
        ("start after due", both_ways, &["/dates start-after-due"]),
    ])
    .await;
    for time in [
        r#""2026-05-01""#,
        r#""2026-05-01T09:00:00""#,
        r#""2026-02-30T09:00:00Z""#,
        r#""10000-01-01T00:00:00Z""#,
        r#""""#,
    ] {
        let body = format!(r#"{{"description": "a", "dates": {{"due": {time}, "start": 1777626000}}}}"#);
        let wrong: &[&str] = &["/dates/start wrong-type", "/dates/due invalid-time"];
        refuse_tasks(&[(time, &body, wrong)]).await;
    }
}

#[tokio::test]
async fn keys_that_break_rules_are_refused() {
    let long = format!(
        "{{\"description\": \"a\", \"externalId\": \"{}\"}}",
        "x".repeat(256)
    );
    refuse_tasks(&[
        (
            "parent",
            r#"{"description": "a", "parentId": "17"}"#,
            &["/parentId invalid-uuid"],
        ),
        (
            "numeric parent",
            r#"{"description": "a", "parentId": 17}"#,
            &["/parentId wrong-type"],
        ),
        (
            "empty key",
            r#"{"description": "a", "externalId": ""}"#,
            &["/externalId invalid-length"],
        ),
        ("long key", &long, &["/externalId invalid-length"]),
        (
            "tab in a key",
            r#"{"description": "a", "externalId": "a\tb"}"#,
            &["/externalId not-printable"],
        ),
        (
            "list of keys",
            r#"{"description": "a", "externalId": ["a"]}"#,
            &["/externalId wrong-type"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn categories_that_break_rules_are_refused_by_their_index() {
    let numbers: Vec<_> = (0..33).map(|number| number.to_string()).collect();
    let many = format!("{{\"description\": \"a\", \"categories\": {numbers:?}}}");
    let long = format!(
        "{{\"description\": \"a\", \"categories\": [\"{}\"]}}",
        "x".repeat(65)
    );
    let mixed = [
        "/categories/0 wrong-type",
        "/categories/2 wrong-type",
        "/categories/3 invalid-length",
        "/categories/4 duplicate",
    ];
    refuse_tasks(&[
        (
            "null",
            r#"{"description": "a", "categories": null}"#,
            &["/categories wrong-type"],
        ),
        (
            "string",
            r#"{"description": "a", "categories": "a"}"#,
            &["/categories wrong-type"],
        ),
        ("33", &many, &["/categories too-many"]),
        ("long", &long, &["/categories/0 invalid-length"]),
        (
            "NUL",
            r#"{"description": "a", "categories": ["\u0000"]}"#,
            &["/categories/0 nul-character"],
        ),
        (
            "alike",
            r#"{"description": "a", "categories": ["a", "b", "A "]}"#,
            &["/categories/2 duplicate"],
        ),
        (
            "mixed",
            r#"{"description": "a", "categories": [null, "a", 3, "", "A"]}"#,
            &mixed,
        ),
    ])
    .await;
}

#[tokio::test]
async fn unknown_fields_and_all_else_that_is_wrong_are_named_at_once() {
    let escaped = ["/ unknown-field", "/a~1b unknown-field", "/c~0d unknown-field"];
    let much = r#"{"externalId": 1, "description": " ", "priority": "x", "dates": {"start": "x", "due": 1, "y": 2},
        "isDone": 0, "parentId": "x", "categories": {}, "z": []}"#;
    let all_of_it = [
        "/externalId wrong-type",
        "/description blank",
        "/priority unknown-priority",
        "/dates/start invalid-time",
        "/dates/due wrong-type",
        "/dates/y unknown-field",
        "/isDone wrong-type",
        "/parentId invalid-uuid",
        "/categories wrong-type",
        "/z unknown-field",
    ];
    let misspelt = ["/description missing", "/Description unknown-field"];
    refuse_tasks(&[
        (
            "unknown",
            r#"{"description": "a", "Priority": "low"}"#,
            &["/Priority unknown-field"],
        ),
        (
            "to be escaped",
            r#"{"description": "a", "a/b": 1, "c~d": 1, "": 1}"#,
            &escaped,
        ),
        ("misspelt", r#"{"Description": "a"}"#, &misspelt),
        ("much at once", much, &all_of_it),
    ])
    .await;
}

#[tokio::test]
async fn a_search_that_breaks_rules_is_refused_with_every_field() {
    let long = format!("{{\"description\": \"{}\"}}", "ж".repeat(1_025));
    let cases: [(&str, &str, &[&str]); 15] = [
        ("long text", &long, &["/description too-long"]),
        (
            "a numeric text",
            r#"{"description": 1}"#,
            &["/description wrong-type"],
        ),
        (
            "isDone as a string",
            r#"{"isDone": "no"}"#,
            &["/isDone wrong-type"],
        ),
        (
            "an unknown priority",
            r#"{"priority": ""}"#,
            &["/priority unknown-priority"],
        ),
        (
            "a blank category",
            r#"{"categories": ["a", " "]}"#,
            &["/categories/1 invalid-length"],
        ),
        (
            "a parent that is no UUID",
            r#"{"parentId": "x"}"#,
            &["/parentId invalid-uuid"],
        ),
        (
            "an external id that is none",
            r#"{"externalId": ""}"#,
            &["/externalId invalid-length"],
        ),
        ("a negative start", r#"{"from": -1}"#, &["/from out-of-range"]),
        ("a page of 101", r#"{"size": 101}"#, &["/size out-of-range"]),
        ("a broken number", r#"{"size": 1.5}"#, &["/size out-of-range"]),
        (
            "a huge number",
            r#"{"from": 99999999999999999999999}"#,
            &["/from out-of-range"],
        ),
        ("a number as a string", r#"{"size": "10"}"#, &["/size wrong-type"]),
        (
            "a window beyond the limit",
            r#"{"from": 9901, "size": 100}"#,
            &["/from window-too-large"],
        ),
        (
            "server-made fields",
            r#"{"id": "x", "version": 1}"#,
            &["/id unknown-field", "/version unknown-field"],
        ),
        (
            "much at once",
            r#"{"from": true, "size": -5, "priority": [], "query": "a"}"#,
            &[
                "/priority wrong-type",
                "/from wrong-type",
                "/size out-of-range",
                "/query unknown-field",
            ],
        ),
    ];
    for (name, body, wrong) in cases {
        refuse_all(vec![bad(name, post("/tasks/search", body), wrong)]).await;
    }
}
