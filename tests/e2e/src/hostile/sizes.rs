//! Too much, and what comes too slowly.

use std::time::Duration;

use super::case::{Case, Step, send};
use super::request::{ask, create, tell, template};

const LIMIT: usize = 128 * 1024;
const BULK_LIMIT: usize = 1024 * 1024;

pub(super) fn cases(task: &str) -> Vec<Case> {
    [
        announced(),
        sent_whole(task),
        endless(),
        slow_within_bounds(),
        too_slow(),
    ]
    .concat()
}

fn head(framing: &str) -> Vec<u8> {
    ask(
        "POST",
        "/tasks",
        &format!("content-type: application/json\r\n{framing}"),
    )
}

/// One who asks before sending is told at once.
fn announced() -> Vec<Case> {
    ["10000000000", "9223372036854775807", "131073"]
        .map(|length| {
            let framing = format!("content-length: {length}\r\nexpect: 100-continue\r\n");
            send(
                format!("sizes: asks before sending {length} bytes"),
                head(&framing),
            )
            .problem(413, "body-too-large")
        })
        .to_vec()
}

fn sent_whole(task: &str) -> Vec<Case> {
    let sized = |bytes: usize| " ".repeat(bytes);
    let mut cases = Vec::new();
    for (method, target, limit) in [
        ("POST", "/tasks", LIMIT),
        ("POST", "/tasks/search", LIMIT),
        ("PUT", task, LIMIT),
        ("PATCH", task, LIMIT),
        ("DELETE", "/tasks/17", LIMIT),
        ("POST", "/tasks/bulk", BULK_LIMIT),
        ("POST", "/nowhere", LIMIT),
    ] {
        for bytes in [limit + 1, 10_000_000] {
            let sent = tell(method, target, sized(bytes));
            let name = format!("sizes: {bytes} bytes to {method} {}", template(target));
            cases.push(send(name, sent).problem(413, "body-too-large"));
        }
    }
    cases.extend([
        send("sizes: just within the limit", create(sized(LIMIT))).wrong(&[" malformed-json"]),
        send(
            "sizes: a bulk just within its limit",
            tell("POST", "/tasks/bulk", sized(BULK_LIMIT)),
        )
        .wrong(&[" malformed-json"]),
        send(
            "sizes: a long path to a bulk that is none",
            tell("POST", "/tasks//bulk", sized(LIMIT + 1)),
        )
        .problem(413, "body-too-large"),
    ]);
    cases
}

/// Chunks without end, as fast as they are taken: not all of them are read, and the answer is still heard.
fn endless() -> Vec<Case> {
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let small = [b"40\r\n".to_vec(), vec![b' '; 0x40], b"\r\n".to_vec()].concat();
    let endless = |name: &str, chunk: Vec<u8>| {
        send(
            format!("sizes: {name} without end"),
            head("transfer-encoding: chunked\r\n"),
        )
        .then(Step::Forever(chunk, Duration::ZERO))
    };
    vec![
        endless("large chunks", chunk)
            .problem(413, "body-too-large")
            .slowly(),
        endless("small chunks", small.repeat(100))
            .problem(413, "body-too-large")
            .slowly(),
    ]
}

/// One byte at a time is nobody's fault while it is not for ever.
fn slow_within_bounds() -> Vec<Case> {
    let pause = Duration::from_millis(5);
    let body = br#"{"description": "one byte at a time"}"#;
    vec![
        send("sizes: a head and a body in drops", "")
            .then(Step::Drip(create(body), pause))
            .done(201),
        send("sizes: a refusal in drops", "")
            .then(Step::Drip(create("{"), pause))
            .wrong(&[" malformed-json"]),
        send("sizes: chunks in drops", head("transfer-encoding: chunked\r\n"))
            .then(Step::Drip(b"2\r\n{}\r\n0\r\n\r\n".to_vec(), pause))
            .wrong(&["/description missing"]),
    ]
}

/// The limit of a request's time is ten seconds.
fn too_slow() -> Vec<Case> {
    let pause = Duration::from_millis(100);
    let megabyte = vec![b' '; 1_000_000];
    vec![
        send("sizes: a body that never comes", head("content-length: 20\r\n")).problem(408, "body-too-slow"),
        send(
            "sizes: a body in drops without end",
            head("content-length: 1000\r\n"),
        )
        .then(Step::Forever(b" ".to_vec(), pause))
        .problem(408, "body-too-slow"),
        send(
            "sizes: chunks in drops without end",
            head("transfer-encoding: chunked\r\n"),
        )
        .then(Step::Forever(b"1\r\n \r\n".to_vec(), pause))
        .problem(408, "body-too-slow"),
        send(
            "sizes: 10 GB, announced and never sent",
            head("content-length: 10000000000\r\n"),
        )
        .problem(413, "body-too-large"),
        send(
            "sizes: 10 GB, announced and sent slowly",
            head("content-length: 10000000000\r\n"),
        )
        .then(Step::Forever(megabyte, pause))
        .problem(413, "body-too-large"),
        send("sizes: 10 GB in drops", head("content-length: 10000000000\r\n"))
            .then(Step::Forever(b" ".to_vec(), pause))
            .problem(413, "body-too-large"),
    ]
    .into_iter()
    .map(Case::slowly)
    .collect()
}
