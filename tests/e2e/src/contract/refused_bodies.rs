//! Bodies that break rules: refused with everything that is wrong at once, and nothing is written.

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::path;
use super::unique;
use crate::Api;

rules!("refused_bodies":
    what_is_no_json_is_refused_with_line_and_column,
    what_is_not_one_object_without_repeated_names_is_refused,
    each_field_that_breaks_a_rule_is_named,
    all_that_is_wrong_is_named_at_once,
    an_unknown_field_is_named_with_its_pointer_escaped,
    a_search_names_all_that_is_wrong_at_once,
    what_is_refused_is_not_written,
);

/// The body is refused for each way to write a task, naming these.
async fn refuse(api: &Api, task: &Value, body: &[u8], wrong: &[&str]) {
    for (method, path) in [(Method::POST, "/tasks"), (Method::PUT, path(task).as_str())] {
        let answer = api
            .send(
                method,
                path,
                &[("content-type", "application/json")],
                Some(body.to_vec()),
            )
            .await;
        answer.expect("a complete answer").assert_wrong(wrong);
    }
}

async fn what_is_no_json_is_refused_with_line_and_column(api: Api) {
    let task = api.described(&unique()).await;
    let deep = format!(
        "{{\"description\": {}1{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let bodies: [&[u8]; 13] = [
        b"",
        b" \n ",
        b"{\"description\": \"a\"",
        b"{\"description\": \"a\",}",
        b"{'description': 'a'}",
        b"{\"description\": NaN}",
        b"{\"version\": 01}",
        b"{\"description\": \"a\"} {}",
        b"\xef\xbb\xbf{\"description\": \"a\"}",
        b"{\"description\": \"\xff\xfe\"}",
        b"{\"description\": \"\\ud800\"}",
        b"{\"description\": \"a\nb\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        refuse(&api, &task, body, &[" malformed-json"]).await;
    }
    let answer = api
        .send(
            Method::POST,
            "/tasks",
            &[("content-type", "application/json")],
            Some(b"{\"description\": \"a\",\n  \"isDone\" true}".to_vec()),
        )
        .await
        .expect("a complete answer");
    let detail = &answer.body["errors"][0]["detail"];
    assert_eq!(detail, "expected `:`, at line 2, column 12");
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn what_is_not_one_object_without_repeated_names_is_refused(api: Api) {
    let task = api.described(&unique()).await;
    let cases: [(&str, &str); 7] = [
        ("null", " wrong-type"),
        ("\"description\"", " wrong-type"),
        ("[{\"description\": \"a\"}]", " wrong-type"),
        ("17", " wrong-type"),
        (
            r#"{"description": "a", "description": "a"}"#,
            "/description duplicate-name",
        ),
        (
            r#"{"isDone": true, "is\u0044one": false}"#,
            "/isDone duplicate-name",
        ),
        (
            r#"{"description": "a", "dates": {"due": null, "due": null}}"#,
            "/dates/due duplicate-name",
        ),
    ];
    for (body, wrong) in cases {
        refuse(&api, &task, body.as_bytes(), &[wrong]).await;
    }
    assert_eq!(api.read(&task).await.task(), &task);
}

/// Fields beside a sound description, and the one thing that is wrong with them.
fn wrong_fields() -> Vec<(Value, &'static str)> {
    let dates = json!({"start": "2026-02-01T00:00:00Z", "due": "2026-01-01T00:00:00Z"});
    let many: Vec<String> = (0..33).map(|number| number.to_string()).collect();
    vec![
        (json!({"description": null}), "/description wrong-type"),
        (json!({"description": 7}), "/description wrong-type"),
        (json!({"description": ""}), "/description blank"),
        (json!({"description": " \u{3000}\n"}), "/description blank"),
        (json!({"description": "x".repeat(4_097)}), "/description too-long"),
        (json!({"description": "a\0b"}), "/description nul-character"),
        (json!({"priority": "High"}), "/priority unknown-priority"),
        (json!({"priority": null}), "/priority wrong-type"),
        (json!({"isDone": "true"}), "/isDone wrong-type"),
        (json!({"isDone": 1}), "/isDone wrong-type"),
        (json!({"dates": []}), "/dates wrong-type"),
        (json!({"dates": {"end": null}}), "/dates/end unknown-field"),
        (json!({"dates": dates}), "/dates start-after-due"),
        (json!({"dates": {"due": "2026-05-01"}}), "/dates/due invalid-time"),
        (
            json!({"dates": {"due": "2026-02-30T09:00:00Z"}}),
            "/dates/due invalid-time",
        ),
        (
            json!({"dates": {"due": "10000-01-01T00:00:00Z"}}),
            "/dates/due invalid-time",
        ),
        (
            json!({"dates": {"start": 1_777_626_000}}),
            "/dates/start wrong-type",
        ),
        (json!({"parentId": "17"}), "/parentId invalid-uuid"),
        (json!({"parentId": 17}), "/parentId wrong-type"),
        (json!({"externalId": ""}), "/externalId invalid-length"),
        (
            json!({"externalId": "x".repeat(256)}),
            "/externalId invalid-length",
        ),
        (json!({"externalId": "a\tb"}), "/externalId not-printable"),
        (json!({"categories": "a"}), "/categories wrong-type"),
        (json!({"categories": many}), "/categories too-many"),
        (
            json!({"categories": ["a", "x".repeat(65)]}),
            "/categories/1 invalid-length",
        ),
        (json!({"categories": ["a", " "]}), "/categories/1 invalid-length"),
        (json!({"categories": ["a", "b", " A"]}), "/categories/2 duplicate"),
        (json!({"categories": ["\u{0}"]}), "/categories/0 nul-character"),
    ]
}

async fn each_field_that_breaks_a_rule_is_named(api: Api) {
    let task = api.described(&unique()).await;
    for (mut fields, wrong) in wrong_fields() {
        let fields = fields.as_object_mut().expect("fields are an object");
        fields.entry("description").or_insert_with(|| json!("sound"));
        let body = serde_json::to_vec(fields).expect("fields are JSON");
        refuse(&api, &task, &body, &[wrong]).await;
    }
    refuse(&api, &task, b"{}", &["/description missing"]).await;
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn all_that_is_wrong_is_named_at_once(api: Api) {
    let task = api.described(&unique()).await;
    let body = r#"{"externalId": 1, "description": " ", "priority": "x", "dates": {"start": "x", "due": 1, "y": 2},
        "isDone": 0, "parentId": "x", "categories": [null, "a", ""], "z": []}"#;
    let wrong = [
        "/externalId wrong-type",
        "/description blank",
        "/priority unknown-priority",
        "/dates/start invalid-time",
        "/dates/due wrong-type",
        "/dates/y unknown-field",
        "/isDone wrong-type",
        "/parentId invalid-uuid",
        "/categories/0 wrong-type",
        "/categories/2 invalid-length",
        "/z unknown-field",
    ];
    refuse(&api, &task, body.as_bytes(), &wrong).await;
}

async fn an_unknown_field_is_named_with_its_pointer_escaped(api: Api) {
    let task = api.described(&unique()).await;
    let body = r#"{"description": "a", "Priority": "low", "a/b": 1, "c~d": 1, "": 1, "ö": 1}"#;
    let mut wrong = ["/Priority", "/a~1b", "/c~0d", "/", "/ö"].map(|place| format!("{place} unknown-field"));
    let answer = api
        .send(
            Method::POST,
            "/tasks",
            &[("content-type", "application/json")],
            Some(body.as_bytes().to_vec()),
        )
        .await
        .expect("a complete answer");
    answer.assert_problem(400, "invalid-request");
    // In whatever order: unknown names have none that means anything.
    let mut named: Vec<String> = answer.body["errors"]
        .as_array()
        .expect("a 400 lists what is wrong")
        .iter()
        .map(|error| {
            format!(
                "{} {}",
                error["pointer"].as_str().unwrap_or("?"),
                error["code"].as_str().unwrap_or("?")
            )
        })
        .collect();
    named.sort();
    wrong.sort();
    assert_eq!(named, wrong);
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn a_search_names_all_that_is_wrong_at_once(api: Api) {
    let cases: [(Value, &[&str]); 6] = [
        (
            json!({"description": "ж".repeat(1_025)}),
            &["/description too-long"],
        ),
        (json!({"size": 101}), &["/size out-of-range"]),
        (json!({"from": 9_901, "size": 100}), &["/from window-too-large"]),
        (
            json!({"from": -1, "size": 1.5}),
            &["/from out-of-range", "/size out-of-range"],
        ),
        (
            json!({"isDone": "no", "parentId": "x", "categories": ["a", " "]}),
            &[
                "/isDone wrong-type",
                "/categories/1 invalid-length",
                "/parentId invalid-uuid",
            ],
        ),
        (json!({"colour": "red"}), &["/colour unknown-field"]),
    ];
    for (body, wrong) in cases {
        let answer = api.tell(Method::POST, "/tasks/search", &[], &body).await;
        answer.assert_wrong(wrong);
    }
}

async fn what_is_refused_is_not_written(api: Api) {
    let key = unique();
    for (mut fields, _) in wrong_fields() {
        let fields = fields.as_object_mut().expect("fields are an object");
        if fields.contains_key("externalId") {
            continue;
        }
        fields.insert("externalId".to_owned(), json!(key));
        let answer = api
            .tell(Method::POST, "/tasks", &[], &Value::Object(fields.clone()))
            .await;
        answer.assert_problem(400, "invalid-request");
    }
    // Nobody has the key.
    api.create(&json!({"description": unique(), "externalId": key}))
        .await;
}
