//! Methods that a path does not have, that nobody has, and that are none.

use super::case::{Case, send};
use super::request::{ask, tell, template};

pub(super) fn cases(task: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for method in [
        "TRACE",
        "OPTIONS",
        "CONNECT",
        "BREW",
        "PROPFIND",
        "get",
        "Get",
        "!#$%&'*+-.^_`|~",
        "PRI",
    ] {
        for target in [
            task,
            "/tasks",
            "/tasks/bulk",
            "/tasks/search",
            "/healthz/live",
            "/openapi.json",
            "/",
        ] {
            let sent = send(
                format!("methods: {method} {}", template(target)),
                ask(method, target, ""),
            );
            cases.push(sent.problem(405, "method-not-allowed"));
        }
    }
    [cases, odd(task), heads(task), none()].concat()
}

fn odd(task: &str) -> Vec<Case> {
    vec![
        send("methods: a long one", ask(&"A".repeat(10_000), "/tasks", ""))
            .problem(405, "method-not-allowed"),
        send("methods: TRACE with a body", tell("TRACE", "/tasks", "{}")).problem(405, "method-not-allowed"),
        send("methods: GET with a body", tell("GET", task, "{}")).done(200),
        send(
            "methods: DELETE with a body that is no JSON",
            tell("DELETE", "/tasks/17", "}{"),
        )
        .wrong(&["id invalid-uuid"]),
        send("methods: OPTIONS of everything", ask("OPTIONS", "*", "")).problem(404, "unknown-path"),
        send("methods: GET of everything", ask("GET", "*", "")).problem(404, "unknown-path"),
        send(
            "methods: CONNECT to elsewhere",
            ask("CONNECT", "elsewhere.example:443", ""),
        )
        .problem(404, "unknown-path"),
        send(
            "methods: GET as to a proxy",
            ask("GET", "elsewhere.example:443", ""),
        )
        .problem(404, "unknown-path"),
    ]
}

/// To a HEAD everything is said but the body.
fn heads(task: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (target, status) in [
        (task, 200),
        ("/tasks?limit=1", 200),
        ("/healthz/live", 200),
        ("/tasks/17", 400),
        ("/nowhere", 404),
        ("/tasks/bulk", 405),
    ] {
        cases.push(
            send(
                format!("methods: HEAD {}", template(target)),
                ask("HEAD", target, ""),
            )
            .head(status),
        );
    }
    cases
}

/// The HTTP library refuses them.
fn none() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in ["", " ", "GET,POST", "G\0T", "G\u{e9}T", "GET/", "(GET)", "GET\t"] {
        let sent = send(
            format!("methods: {method:?}, which is none"),
            ask(method, "/tasks", ""),
        );
        cases.push(sent.bare(400));
    }
    cases
}
