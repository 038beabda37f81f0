//! Connections that are used as none should be, and protocols that are not ours.

use std::time::Duration;

use super::case::{Case, Step, send};
use super::request::{ask, create, get};

const BODY: &str = r#"{"description": "a"}"#;

pub(super) fn cases(task: &str) -> Vec<Case> {
    [pipelines(task), ends(), older(), other_protocols(), garbage()].concat()
}

/// Requests sent before any of them is answered.
fn pipelines(task: &str) -> Vec<Case> {
    let ask = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
    let post = |body: &str| {
        let length = body.len();
        format!(
            "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let kinds = [
        (ask(task), 200),
        (post(BODY), 201),
        (ask("/nowhere"), 404),
        (post("{"), 400),
        (ask("/tasks/17"), 400),
    ];
    let round = || kinds.iter().cycle();
    let requests: String = round().take(99).map(|(request, _)| request.as_str()).collect();
    let statuses: Vec<u16> = round().take(99).map(|(_, status)| *status).collect();
    let last = String::from_utf8_lossy(&get("/healthz/live")).into_owned();
    let five: String = round().take(5).map(|(request, _)| request.as_str()).collect();
    let fifty: String = round().take(50).map(|(request, _)| request.as_str()).collect();
    vec![
        send("connections: 100 requests at once", requests.clone() + &last)
            .each([&statuses[..], &[200]].concat()),
        send("connections: five requests in drops", "")
            .then(Step::Drip((five + &last).into_bytes(), Duration::from_millis(1)))
            .each([&statuses[..5], &[200]].concat()),
        send(
            "connections: rubbish behind 50 requests",
            fifty.clone() + "rubbish\r\n\r\n" + &requests,
        )
        .each([&statuses[..50], &[400]].concat()),
        send(
            "connections: more behind the last request",
            last.clone() + &requests,
        )
        .done(200),
        send(
            "connections: more behind a body",
            [&create(BODY)[..], requests.as_bytes()].concat(),
        )
        .done(201),
        send(
            "connections: 99 requests, none of the answers read, and gone",
            requests,
        )
        .then(Step::Reset)
        .unheard(),
    ]
}

/// Clients who leave.
fn ends() -> Vec<Case> {
    let part = &create(BODY)[..60];
    let without_body = ask(
        "POST",
        "/tasks",
        "content-type: application/json\r\ncontent-length: 20\r\n",
    );
    vec![
        send("connections: nothing is sent", "")
            .then(Step::EndSending)
            .closed(),
        send("connections: half a head and the end", part)
            .then(Step::EndSending)
            .closed(),
        send(
            "connections: a body that never begins, and the end",
            without_body.clone(),
        )
        .then(Step::EndSending)
        .wrong(&[" incomplete-body"]),
        send(
            "connections: half a body and the end",
            [&without_body[..], b"{\"desc"].concat(),
        )
        .then(Step::EndSending)
        .wrong(&[" incomplete-body"]),
        // Taken to have left: whether the answer is quicker is chance.
        send("connections: a whole request and the end", get("/healthz/live"))
            .then(Step::EndSending)
            .unheard(),
        send("connections: a whole write and the end", create(BODY))
            .then(Step::EndSending)
            .unheard(),
        send("connections: broken off at once", "")
            .then(Step::Reset)
            .unheard(),
        send("connections: broken off in a head", part)
            .then(Step::Reset)
            .unheard(),
        send(
            "connections: broken off in a body",
            [&without_body[..], b"{\"desc"].concat(),
        )
        .then(Step::Reset)
        .unheard(),
        send(
            "connections: broken off in a chunk",
            ask("POST", "/tasks", "transfer-encoding: chunked\r\n"),
        )
        .then(Step::Send(b"ffff\r\nabc".to_vec()))
        .then(Step::Reset)
        .unheard(),
        send(
            "connections: broken off before the answer",
            get("/tasks?limit=200"),
        )
        .then(Step::Reset)
        .unheard(),
    ]
}

fn older() -> Vec<Case> {
    vec![
        send("connections: HTTP/1.0", "GET /healthz/live HTTP/1.0\r\n\r\n").done(200),
        send(
            "connections: HTTP/1.0 that stays and goes",
            "GET /healthz/live HTTP/1.0\r\nconnection: keep-alive\r\n\r\nGET /nowhere HTTP/1.0\r\n\r\n",
        )
        .each(vec![200, 404]),
        send("connections: HTTP/0.9", "GET /healthz/live\r\n\r\n").bare(400),
        send(
            "connections: HTTP/1.2",
            "GET /healthz/live HTTP/1.2\r\nhost: x\r\n\r\n",
        )
        .bare(400),
        send(
            "connections: HTTP/3.0",
            "GET /healthz/live HTTP/3.0\r\nhost: x\r\n\r\n",
        )
        .bare(400),
        send(
            "connections: a version in lower case",
            "GET /healthz/live http/1.1\r\nhost: x\r\n\r\n",
        )
        .bare(400),
        send(
            "connections: lines without CR",
            "GET /healthz/live HTTP/1.1\nhost: x\nconnection: close\n\n",
        )
        .done(200),
        send(
            "connections: empty lines before",
            [b"\r\n\r\n\r\n", &get("/healthz/live")[..]].concat(),
        )
        .done(200),
        send(
            "connections: a space before",
            [b" ", &get("/healthz/live")[..]].concat(),
        )
        .bare(400),
    ]
}

fn other_protocols() -> Vec<Case> {
    let greetings: [(&str, &[u8]); 9] = [
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x8f\x12\xa0\xff\r\n\r\n",
        ),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        ("SMTP", b"EHLO elsewhere.example\r\n\r\n"),
        (
            "the PROXY protocol",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n\r\n",
        ),
        (
            "the PROXY protocol's second version",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x0f\xa0\0\x50",
        ),
        ("Redis", b"*1\r\n$4\r\nPING\r\n\r\n"),
        ("SOCKS 5", b"\x05\x01\x00\r\n\r\n"),
        ("PostgreSQL", b"\0\0\0\x08\x04\xd2\x16\x2f\r\n\r\n"),
        ("SIP", b"OPTIONS sip:a@b SIP/2.0\r\nhost: x\r\n\r\n"),
    ];
    let mut cases: Vec<Case> = greetings
        .map(|(name, bytes)| send(format!("connections: {name}"), bytes).bare(400))
        .to_vec();
    // The preface of HTTP/2 is known to the HTTP library, which then says nothing.
    cases.push(
        send(
            "connections: HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        )
        .closed(),
    );
    cases
}

fn garbage() -> Vec<Case> {
    let mut random = fastrand::Rng::with_seed(17);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(100_000).collect();
    vec![
        send("connections: noise", noise).bare(400),
        send("connections: 10,000 NULs", vec![0; 10_000]).bare(400),
        send("connections: 100,000 letters", vec![b'A'; 100_000]).bare(431),
        send("connections: a line that is none", "\u{1f600}\r\n\r\n").bare(400),
        send(
            "connections: JSON",
            r#"{"description": "a"}"#.to_owned() + "\r\n\r\n",
        )
        .bare(400),
    ]
}
