//! Targets that would lead elsewhere if anybody resolved them.

use super::case::{Case, send};
use super::request::get;

pub(super) fn cases() -> Vec<Case> {
    let nowhere = NOWHERE
        .iter()
        .map(|target| send(format!("paths: {target}"), get(target)).problem(404, "unknown-path"));
    let no_ids = NO_IDS
        .iter()
        .map(|target| send(format!("paths: {target}"), get(target)).wrong(&["id invalid-uuid"]));
    let malformed = MALFORMED.iter().map(|target| {
        let head = [
            b"GET ",
            *target,
            b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        ]
        .concat();
        send(format!("paths: {}", String::from_utf8_lossy(target)), head).bare(400)
    });
    let long = |bytes: usize| get(&format!("/{}", "a".repeat(bytes)));
    let others = [
        send("paths: absolute", get("http://elsewhere.example/healthz/live")).done(200),
        send(
            "paths: absolute, with somebody's password",
            get("http://a:b@elsewhere.example/healthz/live"),
        )
        .done(200),
        send(
            "paths: absolute, at a port that there is not",
            get("http://elsewhere.example:99999999/healthz/live"),
        )
        .done(200),
        send(
            "paths: absolute, of another kind",
            get("gopher://elsewhere.example/nowhere"),
        )
        .problem(404, "unknown-path"),
        send("paths: 16,000 bytes", long(16_000)).problem(404, "unknown-path"),
        send("paths: 17,000 bytes", long(17_000)).problem(414, "target-too-long"),
        send("paths: 60,000 bytes", long(60_000)).problem(414, "target-too-long"),
        send("paths: 200,000 bytes, more than is read", long(200_000)).bare(431),
        send("paths: 8,000 steps up", get(&"/..".repeat(5_000))).problem(404, "unknown-path"),
        send("paths: a fragment", get("/healthz/live#/../../etc/passwd")).done(200),
    ];
    nowhere.chain(no_ids).chain(malformed).chain(others).collect()
}

const NOWHERE: [&str; 24] = [
    "//tasks",
    "///",
    "/tasks/",
    "/tasks//",
    "/TASKS",
    "/tasks;v=1",
    "/tasks.json",
    "/./healthz/live",
    "/tasks/../healthz/live",
    "/tasks/%2e%2e/healthz/live",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/healthz%2flive",
    "/healthz%2Flive",
    "/healthz\\live",
    "/healthz/live%00",
    "/healthz/live%20",
    "/docs/%2e%2e/%2e%2e/Cargo.toml",
    "/docs/..%2f..%2fetc%2fpasswd",
    "/docs/%252e%252e/etc/passwd",
    "/docs/swagger-ui.css/",
    "/.git/config",
    "/.env",
    "/metrics",
    "/\u{442}\u{430}\u{441}\u{43a}\u{438}",
];

const NO_IDS: [&str; 13] = [
    "/tasks/..",
    "/tasks/.",
    "/tasks/%2e%2e",
    "/tasks/%2e%2e%2fhealthz%2flive",
    "/tasks/%00",
    "/tasks/%ff",
    "/tasks/%",
    "/tasks/%zz",
    "/tasks/%u0041",
    "/tasks/%0d%0ax-injected:%201",
    "/tasks/;id=1",
    "/tasks/*",
    "/tasks/\u{1f600}",
];

/// No targets at all: the HTTP library refuses them.
const MALFORMED: [&[u8]; 8] = [
    b"",
    b"/a b",
    b"/a\tb",
    b"/\0",
    b"/\x7f",
    b"/\xff\xfe",
    b"http://[",
    b"http://",
];
