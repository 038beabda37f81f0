//! Query strings: badly encoded, repeated, unknown, endless; and words that would be some engine's syntax.

use super::case::{Case, send};
use super::request::{ask, get, tell};

pub(super) fn cases(task: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (query, named) in WRONG_LISTS {
        cases.push(send(format!("queries: list {query}"), get(&format!("/tasks?{query}"))).wrong(named));
    }
    for (query, named) in WRONG_SEARCHES {
        cases.push(
            send(
                format!("queries: search {query}"),
                get(&format!("/tasks/search?{query}")),
            )
            .wrong(named),
        );
    }
    for query in HARMLESS {
        cases.push(
            send(
                format!("queries: list {query}"),
                get(&format!("/tasks?limit=1&{query}")),
            )
            .done(200),
        );
    }
    for words in SYNTAX {
        let encoded: String = words.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let target = format!("/tasks/search?size=1&q={encoded}");
        cases.push(send(format!("queries: search for {words}"), get(&target)).done(200));
        let body = serde_json::json!({"description": words, "size": 1}).to_string();
        cases.push(
            send(
                format!("queries: search in a body for {words}"),
                tell("POST", "/tasks/search", body),
            )
            .done(200),
        );
    }
    let endpoints = [
        ("GET", task),
        ("DELETE", task),
        ("PUT", task),
        ("PATCH", task),
        ("POST", "/tasks"),
    ];
    for (method, target) in endpoints {
        let target = format!("{target}?pretty=1&Cascade=true");
        let sent = match method {
            "GET" | "DELETE" => ask(method, &target, ""),
            _ => tell(method, &target, r#"{"description": "a"}"#),
        };
        let named = ["Cascade unknown-parameter", "pretty unknown-parameter"];
        cases.push(send(format!("queries: unknown to {method}"), sent).wrong(&named));
    }
    cases.extend(too_much());
    cases
}

/// A cursor belongs to a list: one that we never gave is refused whatever it says.
const WRONG_LISTS: [(&str, &[&str]); 30] = [
    ("limit=", &["limit wrong-type"]),
    ("limit", &["limit wrong-type"]),
    ("limit=0", &["limit out-of-range"]),
    ("limit=201", &["limit out-of-range"]),
    ("limit=-1", &["limit out-of-range"]),
    ("limit=1e2", &["limit wrong-type"]),
    ("limit=1.0", &["limit wrong-type"]),
    ("limit=%2B5", &["limit wrong-type"]),
    ("limit=+5", &["limit wrong-type"]),
    ("limit=0x10", &["limit wrong-type"]),
    ("limit=%D9%A1", &["limit wrong-type"]),
    ("limit=99999999999999999999999", &["limit out-of-range"]),
    ("limit=%", &["limit wrong-type"]),
    ("limit=%5", &["limit wrong-type"]),
    ("limit=%zz", &["limit wrong-type"]),
    ("limit=%ff", &["limit not-utf-8"]),
    ("limit=1&limit=1", &["limit repeated"]),
    ("limit=1&%6cimit=1", &["limit repeated"]),
    ("isDone=1", &["isDone wrong-type"]),
    ("isDone=TRUE", &["isDone wrong-type"]),
    ("priority=", &["priority unknown-priority"]),
    ("sort=", &["sort unknown-sort"]),
    ("sort=--due", &["sort unknown-sort"]),
    ("sort=due,priority", &["sort unknown-sort"]),
    ("category=%00", &["category nul-character"]),
    ("category=%ED%A0%80", &["category not-utf-8"]),
    ("externalId=%0d%0aset-cookie:%20a", &["externalId not-printable"]),
    ("cursor=", &["cursor invalid-cursor"]),
    ("cursor=e30.e30", &["cursor invalid-cursor"]),
    ("=1&%ff=2", &[" unknown-parameter", "\u{fffd} unknown-parameter"]),
];

const WRONG_SEARCHES: [(&str, &[&str]); 8] = [
    ("q=a&q=b", &["q repeated"]),
    ("q=%ff", &["q not-utf-8"]),
    ("q=%c0%80", &["q not-utf-8"]),
    ("size=101", &["size out-of-range"]),
    ("from=10001", &["from out-of-range"]),
    ("from=9901&size=100", &["from window-too-large"]),
    ("category=a&category=A", &["category duplicate"]),
    (
        "Q=a&description=b",
        &["Q unknown-parameter", "description unknown-parameter"],
    ),
];

const HARMLESS: [&str; 6] = [
    "",
    "&&&&",
    "category=%",
    "category=%zz",
    "category=a%20b+c",
    "category=%26%3D%23",
];

/// Words to whoever searches, whatever an engine would make of them.
const SYNTAX: [&str; 20] = [
    "*",
    "*:*",
    "id:[* TO *]",
    "description:a OR priority:high",
    "AND OR NOT",
    "a AND",
    "NOT a",
    "+a -b",
    "-",
    "--",
    "\"never closed",
    "\"\"",
    "((((((((",
    "a~2 b^9",
    "/.*(a|b){1,99}/",
    "a\\",
    "{\"match_all\": {}}",
    "<script>alert(1)</script>",
    "'; DROP TABLE tasks; --",
    "a\0b",
];

fn too_much() -> Vec<Case> {
    let many_names: String = (0..1_500).map(|n| format!("p{n}&")).collect();
    let quotes = "%22".repeat(1_000);
    let minuses = "-a+".repeat(300);
    vec![
        send(
            "queries: 1,500 unknown parameters",
            get(&format!("/tasks?{many_names}")),
        )
        .problem(400, "invalid-request"),
        send(
            "queries: one parameter 3,000 times",
            get(&format!("/tasks?{}", "a=1&".repeat(3_000))),
        )
        .wrong(&["a unknown-parameter"]),
        send(
            "queries: 10,000 ampersands",
            get(&format!("/tasks?limit=1{}", "&".repeat(10_000))),
        )
        .done(200),
        send(
            "queries: a cursor of 10,000 characters",
            get(&format!("/tasks?cursor={}", "A".repeat(10_000))),
        )
        .wrong(&["cursor invalid-cursor"]),
        send(
            "queries: 1,025 characters to search for",
            get(&format!("/tasks/search?q={}", "a".repeat(1_025))),
        )
        .wrong(&["q too-long"]),
        send("queries: 1,000 quotes", get(&format!("/tasks/search?q={quotes}"))).done(200),
        send(
            "queries: 300 exclusions",
            get(&format!("/tasks/search?q={minuses}")),
        )
        .wrong(&["q too-many-words"]),
        send(
            "queries: the longest word that there is",
            get(&format!("/tasks/search?q={}", "a".repeat(255))),
        )
        .done(200),
        send(
            "queries: 512 words",
            get(&format!("/tasks/search?q={}", "a+".repeat(512))),
        )
        .wrong(&["q too-many-words"]),
        send(
            "queries: 17 exclusions",
            get(&format!("/tasks/search?q={}", "-a+".repeat(17))),
        )
        .wrong(&["q too-many-phrases"]),
        send(
            "queries: as many words and exclusions as there may be",
            get(&format!(
                "/tasks/search?q={}{}",
                "a+".repeat(112),
                "-a+".repeat(16)
            )),
        )
        .done(200),
        send(
            "queries: 17,000 bytes",
            get(&format!("/tasks?category={}", "a".repeat(17_000))),
        )
        .problem(414, "target-too-long"),
        send(
            "queries: 60,000 bytes",
            get(&format!("/tasks?category={}", "a".repeat(60_000))),
        )
        .problem(414, "target-too-long"),
    ]
}
