//! What is no JSON, is JSON in a shape that nobody means, or is too much of it.

use super::bodies::{no_json, refused_by_all};
use super::case::{Case, Sent, send};
use super::request::{create, tell};

pub(super) fn cases(task: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, body) in NO_JSON {
        cases.extend(no_json(task, &format!("json: {name}"), body));
    }
    for (name, body) in too_deep() {
        cases.extend(no_json(task, &format!("json: {name}"), body));
    }
    for (name, body) in NO_OBJECT {
        cases.extend(refused_by_all(
            task,
            &format!("json: {name}"),
            body,
            &[" wrong-type"],
        ));
    }
    for (name, body, named) in REPEATED {
        cases.extend(refused_by_all(task, &format!("json: {name}"), body, &[named]));
    }
    cases.extend(too_much());
    cases.extend(odd(task));
    cases
}

const NO_JSON: [(&str, &str); 31] = [
    ("nothing", ""),
    ("white space", " \r\n\t "),
    ("an open object", "{"),
    ("a closed object that was never open", "}"),
    ("an object cut off in a name", r#"{"descr"#),
    ("an object cut off behind a name", r#"{"description""#),
    ("an object cut off behind a colon", r#"{"description":"#),
    ("an object cut off in a string", r#"{"description": "a"#),
    ("an object cut off in an escape", r#"{"description": "a\"#),
    ("an object cut off in a word", r#"{"isDone": tru"#),
    ("an object cut off before its end", r#"{"description": "a""#),
    ("an array closed as an object", r#"{"categories": ["a"}}"#),
    ("a comma behind the last member", r#"{"description": "a",}"#),
    ("a comma behind the last item", r#"{"categories": ["a",]}"#),
    ("a comma too many", r#"{"description": "a",, "isDone": true}"#),
    ("no comma", r#"{"description": "a" "isDone": true}"#),
    ("no colon", r#"{"description" "a"}"#),
    ("a comment in a line", "{\"description\": \"a\" // b\n}"),
    ("a comment between stars", r#"{"description": "a" /* b */}"#),
    ("a comment of a shell", "# b\n{\"description\": \"a\"}"),
    ("single quotes", "{'description': 'a'}"),
    ("a name without quotes", r#"{description: "a"}"#),
    ("a number as a name", r#"{1: "a"}"#),
    ("a word in capitals", r#"{"isDone": True}"#),
    ("a word of another language", r#"{"isDone": undefined}"#),
    ("a call", r#"callback({"description": "a"})"#),
    ("a prefix against hijacking", ")]}',\n{\"description\": \"a\"}"),
    ("two documents", r#"{"description": "a"}{"description": "b"}"#),
    (
        "two documents on two lines",
        "{\"description\": \"a\"}\n{\"description\": \"b\"}\n",
    ),
    ("a document and a word", r#"{"description": "a"} null"#),
    ("a form", "description=a&isDone=true"),
];

const NO_OBJECT: [(&str, &str); 6] = [
    ("null", "null"),
    ("a word", "true"),
    ("a number", "-1.5e3"),
    ("a string", r#""{\"description\": \"a\"}""#),
    ("an empty array", "[]"),
    ("an array of what is wanted", r#"[{"description": "a"}]"#),
];

const REPEATED: [(&str, &str, &str); 5] = [
    (
        "a name twice",
        r#"{"description": "a", "description": "a"}"#,
        "/description duplicate-name",
    ),
    (
        "a name twice by an escape",
        r#"{"isDone": true, "is\u0044one": false}"#,
        "/isDone duplicate-name",
    ),
    (
        "a nested name twice",
        r#"{"dates": {"due": null, "due": null}}"#,
        "/dates/due duplicate-name",
    ),
    (
        "a name twice in an item",
        r#"{"operations": [{"op": "create", "op": "delete"}]}"#,
        "/operations/0/op duplicate-name",
    ),
    ("an empty name twice", r#"{"": 1, "": 2}"#, "/ duplicate-name"),
];

/// Deeper than the reader follows.
fn too_deep() -> Vec<(&'static str, String)> {
    let nested = |open: &str, depth: usize, close: &str| {
        format!(
            r#"{{"description": {}1{}}}"#,
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    vec![
        ("10,000 arrays within one another", nested("[", 10_000, "]")),
        (
            "10,000 objects within one another",
            nested(r#"{"a":"#, 10_000, "}"),
        ),
        ("10,000 of both", nested(r#"[{"a":"#, 5_000, "}]")),
        ("200 arrays", nested("[", 200, "]")),
        ("100,000 arrays that nobody closes", "[".repeat(100_000)),
        (
            "10,000 arrays in a field that is passed over",
            nested("[", 10_000, "]").replace("description", "version"),
        ),
    ]
}

fn created(name: &str, body: String) -> Sent {
    send(format!("json: {name}"), create(body))
}

fn with(members: &str) -> String {
    format!(r#"{{"description": "a", {members}}}"#)
}

fn too_much() -> Vec<Case> {
    let described = |text: String| format!(r#"{{"description": "{text}"}}"#);
    let names: String = (0..12_000).map(|n| format!(r#""{n}": 1,"#)).collect();
    let operations = "{},".repeat(500) + "{}";
    let bulk = tell(
        "POST",
        "/tasks/bulk",
        format!(r#"{{"operations": [{operations}]}}"#),
    );
    let invalid = "invalid-request";
    vec![
        created(
            "a description of 120,000 characters",
            described("x".repeat(120_000)),
        )
        .wrong(&["/description too-long"]),
        created(
            "a description of 20,000 escapes",
            described(r"\u00e9".repeat(20_000)),
        )
        .wrong(&["/description too-long"]),
        created(
            "a name of 100,000 characters",
            with(&format!(r#""{}": 1"#, "x".repeat(100_000))),
        )
        .problem(400, invalid),
        created("12,000 unknown names", with(names.trim_end_matches(','))).problem(400, invalid),
        created(
            "a name 20,001 times",
            with(&(r#""a":1,"#.repeat(20_000) + r#""a":1"#)),
        )
        .problem(400, invalid),
        created(
            "40,001 categories",
            with(&format!(r#""categories": [{}[]]"#, "[],".repeat(40_000))),
        )
        .wrong(&["/categories too-many"]),
        created(
            "white space to the limit",
            described("a".to_owned()) + &" ".repeat(131_000),
        )
        .done(201),
        send("json: 501 operations", bulk).wrong(&["/operations too-many"]),
    ]
}

fn odd(task: &str) -> Vec<Case> {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let way = "/a".repeat(100);
    let (before, after) = (r#"{"a":"#.repeat(100), "}".repeat(100));
    let json_patch = tell("PATCH", task, r#"[{"op": "remove", "path": "/description"}]"#);
    vec![
        created(
            "a repeated name 100 objects deep",
            format!(r#"{before}{{"b": 1, "b": 2}}{after}"#),
        )
        .wrong(&[&format!("{way}/b duplicate-name")]),
        created(
            "100 arrays in a field that is passed over",
            with(&format!(r#""version": {deep}"#)),
        )
        .done(201),
        created("100 arrays in an unknown field", with(&format!(r#""a": {deep}"#)))
            .wrong(&["/a unknown-field"]),
        created("slashes and tildes in names", with(r#""a/b": 1, "c~d": 2"#))
            .wrong(&["/a~1b unknown-field", "/c~0d unknown-field"]),
        created(
            "the names of another language's insides",
            with(r#""__proto__": {"isDone": true}, "constructor": 1"#),
        )
        .wrong(&["/__proto__ unknown-field", "/constructor unknown-field"]),
        send("json: a patch of another kind", json_patch).wrong(&[" wrong-type"]),
    ]
}
