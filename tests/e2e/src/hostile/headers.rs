//! Headers that mean nothing, mean two things, are no headers, or are too many.

use super::case::{Case, send};
use super::request::{ask, get, tell_with};

const BODY: &str = r#"{"description": "a"}"#;

pub(super) fn cases(task: &str) -> Vec<Case> {
    [
        conditions(task),
        keys(),
        media_types(task),
        hosts(),
        malformed(),
        amounts(),
        passed_over(task),
    ]
    .concat()
}

/// `If-Match` and `If-None-Match`. No condition that could match is tried: the task is to stay.
fn conditions(task: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for tag in [
        "",
        ",",
        "1",
        "\"1",
        "1\"",
        "'1'",
        "\"1\" \"2\"",
        "w/\"1\"",
        "*, \"1\"",
        "**",
        "\"a b\"",
        "\"1\";q=1",
    ] {
        let header = format!("if-match: {tag}\r\n");
        let wrong = ["if-match malformed-entity-tag"];
        cases.push(
            send(
                format!("headers: If-Match {tag}, deleted"),
                ask("DELETE", task, &header),
            )
            .wrong(&wrong),
        );
        let put = tell_with("PUT", task, &header, BODY);
        cases.push(send(format!("headers: If-Match {tag}, replaced"), put).wrong(&wrong));
        let copies = ask("GET", task, &format!("if-none-match: {tag}\r\n"));
        cases.push(
            send(format!("headers: If-None-Match {tag}"), copies)
                .wrong(&["if-none-match malformed-entity-tag"]),
        );
    }
    let many = (2..2_000).map(|n| format!("\"{n}\",")).collect::<String>();
    for tag in [
        "W/\"1\"",
        "\"01\"",
        "\"+1\"",
        "\"-1\"",
        "\"0\"",
        "\"\"",
        "\"99999999999999999999\"",
        "\"\u{e9}\"",
        many.as_str(),
    ] {
        let header = format!("if-match: {tag}\r\n");
        let name = format!("headers: If-Match {}", tag.chars().take(30).collect::<String>());
        let sent = tell_with("PATCH", task, &header, BODY);
        cases.push(send(name, sent).problem(412, "version-mismatch"));
    }
    cases
}

fn keys() -> Vec<Case> {
    let long = "x".repeat(256);
    let keys: [(&str, &str); 8] = [
        ("", "invalid-length"),
        ("\"\"", "invalid-length"),
        (&long, "invalid-length"),
        ("\u{43a}\u{43b}\u{44e}\u{447}", "not-printable"),
        ("a\tb", "not-printable"),
        ("\"a", "malformed-string"),
        ("\"a\"; b=1", "malformed-string"),
        ("a\r\nidempotency-key: a", "repeated"),
    ];
    let mut cases = Vec::new();
    for (key, code) in keys {
        for target in ["/tasks", "/tasks/bulk"] {
            let headers = format!("idempotency-key: {key}\r\n");
            let name = format!(
                "headers: Idempotency-Key {:?} to {target}",
                &key[..key.len().min(30)]
            );
            let sent = tell_with("POST", target, &headers, "[]");
            cases.push(send(name, sent).wrong(&[&format!("idempotency-key {code}"), " wrong-type"]));
        }
    }
    cases
}

fn media_types(task: &str) -> Vec<Case> {
    let posting = |headers: &str| {
        let headers = format!("content-length: {}\r\n{headers}", BODY.len());
        [&ask("POST", "/tasks", &headers), BODY.as_bytes()].concat()
    };
    let mut cases = Vec::new();
    for types in [
        "",
        "content-type:\r\n",
        "content-type: text/plain\r\n",
        "content-type: application/jsonl\r\n",
        "content-type: application/json, text/plain\r\n",
        "content-type: application/merge-patch+json\r\n",
        "content-type: application/json\r\ncontent-type: application/json\r\n",
        "content-type: multipart/form-data; boundary=a\r\n",
        "content-type: application/\u{435}json\r\n",
        "content-type: ;application/json\r\n",
    ] {
        let name = format!("headers: {types:?}");
        cases.push(send(name, posting(types)).problem(415, "unsupported-media-type"));
    }
    for coding in ["gzip", "br", "gzip, gzip", "identity, gzip", "a"] {
        let sent = tell_with("POST", "/tasks", &format!("content-encoding: {coding}\r\n"), BODY);
        let name = format!("headers: Content-Encoding {coding}");
        cases.push(send(name, sent).problem(415, "unsupported-content-encoding"));
    }
    let charset = posting("content-type: application/json; charset=utf-16; boundary=a\r\n");
    cases.push(send("headers: a charset, which JSON does not have", charset).done(201));
    let ranges = "a/b,".repeat(3_000);
    for accept in [
        "text/html",
        "application/json;q=0",
        "application/json;q=0.000, */*",
        "application/xml, */*;q=0",
        &ranges,
    ] {
        let sent = ask("DELETE", task, &format!("accept: {accept}\r\n"));
        let name = format!("headers: Accept {}", &accept[..accept.len().min(30)]);
        cases.push(send(name, sent).problem(406, "not-acceptable"));
    }
    for accept in ["", ";;;,,,", "*/*;q=, a", "\u{e9}"] {
        let sent = ask("GET", task, &format!("accept: {accept}\r\n"));
        cases.push(send(format!("headers: Accept {accept:?}"), sent).done(200));
    }
    cases
}

fn hosts() -> Vec<Case> {
    let with = |host: &str| format!("GET /tasks?limit=1 HTTP/1.1\r\nconnection: close\r\n{host}\r\n");
    let case = |name: &str, host: &str| send(format!("headers: {name}"), with(host));
    vec![
        case("no host", "").wrong(&["host missing"]),
        case("two hosts", "host: x\r\nhost: y\r\n").wrong(&["host repeated"]),
        case("the same host twice", "Host: x\r\nhost: x\r\n").wrong(&["host repeated"]),
        case("an empty host", "host:\r\n").done(200),
        case("a host that is none", "host: a b<c>@[::1\r\n").wrong(&["host malformed-host"]),
    ]
}

/// The HTTP library refuses them.
fn malformed() -> Vec<Case> {
    let lines: [(&str, &[u8]); 17] = [
        ("a folded line", b"x-a: 1\r\n 2\r\n"),
        ("a line folded by a tab", b"x-a: 1\r\n\t2\r\n"),
        ("a first line that is folded", b" x-a: 1\r\n"),
        ("a space before the colon", b"x-a : 1\r\n"),
        ("no colon", b"x-a\r\n"),
        ("no name", b": 1\r\n"),
        ("a space in a name", b"x a: 1\r\n"),
        ("a name that is no ASCII", b"x-\xc3\xa9: 1\r\n"),
        ("NUL in a name", b"x-\0: 1\r\n"),
        ("a bracket in a name", b"x(a): 1\r\n"),
        ("NUL in a value", b"x-a: 1\0\r\n"),
        ("an escape character in a value", b"x-a: \x1b[2J\r\n"),
        ("a bell in a value", b"x-a: \x07\r\n"),
        ("DEL in a value", b"x-a: \x7f\r\n"),
        ("a vertical tab in a value", b"x-a: 1\x0b2\r\n"),
        ("a lone CR in a value", b"x-a: 1\r2\r\n"),
        ("a CR instead of a line end", b"x-a: 1\rx-b: 2\r\n"),
    ];
    let refused = lines.iter().map(|(name, line)| {
        let head = [
            b"GET /healthz/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n",
            *line,
            b"\r\n",
        ]
        .concat();
        send(format!("headers: {name}"), head).bare(400)
    });
    refused.collect()
}

fn amounts() -> Vec<Case> {
    let live = |headers: &str| ask("GET", "/healthz/live", headers);
    let many = |count: usize| (0..count).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    let valued = |bytes: usize| format!("x-a: {}\r\n", "a".repeat(bytes));
    let named = |bytes: usize| format!("{}: 1\r\n", "a".repeat(bytes));
    vec![
        // Two are there already.
        send("headers: 100", live(&many(98))).done(200),
        send("headers: 101", live(&many(99))).bare(431),
        send("headers: 2,000", live(&many(2_000))).bare(431),
        send("headers: 16,000 bytes", live(&valued(16_000))).done(200),
        send("headers: 16 KiB and more", live(&valued(16 * 1024))).problem(431, "headers-too-large"),
        send("headers: 60 KiB", live(&valued(60 * 1024))).problem(431, "headers-too-large"),
        send(
            "headers: 200,000 bytes, more than is read",
            live(&valued(200_000)),
        )
        .bare(431),
        send("headers: 1 MiB", live(&valued(1024 * 1024))).bare(431),
        send("headers: 40 of 1 KiB", live(&valued(1024).repeat(40))).problem(431, "headers-too-large"),
        send("headers: a name of 8 KiB", live(&named(8 * 1024))).done(200),
        send("headers: a name of 30 KiB", live(&named(30 * 1024))).problem(431, "headers-too-large"),
        send(
            "headers: too large, with a body",
            tell_with("POST", "/tasks", &valued(20_000), BODY),
        )
        .problem(431, "headers-too-large"),
        send(
            "headers: too large, with too large a body",
            tell_with("POST", "/tasks", &valued(20_000), "x".repeat(1_000_000)),
        )
        .problem(431, "headers-too-large"),
    ]
}

/// Headers that change nothing.
fn passed_over(task: &str) -> Vec<Case> {
    let headers = [
        "x-http-method-override: DELETE\r\n",
        "x-method-override: PUT\r\n",
        "x-forwarded-for: ', 1=1, %s%n, 999.999.999.999, ::::\r\n",
        "forwarded: for=\";\r\n",
        "x-request-id: \u{e9}\u{e9}\r\n",
        "x-request-id: a\tb\r\n",
        "traceparent: 00-zz-zz-01\r\n",
        "traceparent: ff-00000000000000000000000000000000-0000000000000000-ff\r\n",
        "range: bytes=0-0, 5-2\r\n",
        "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: a\r\n",
        "upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        "expect: wonders\r\n",
        "te: trailers, chunked;q=9\r\n",
        "accept-encoding: gzip;q=-1, a;b;c=d, *;q=2\r\n",
        "accept-language: ${jndi:ldap://x/a}\r\n",
        "user-agent: () { :; }; /bin/true\r\n",
        "cookie: a=b; a=c; =; ;;;\r\n",
        "authorization: Basic !!!!\r\n",
        "origin: null\r\n",
        "if-modified-since: never\r\nif-range: \"\r\nif-unmodified-since: ever\r\n",
        "content-md5: a\r\ndigest: b\r\nmax-forwards: -1\r\n",
    ];
    let passed =
        headers.map(|header| send(format!("headers: {header:?}"), ask("GET", task, header)).done(200));
    let long_id = format!("x-request-id: {}\r\n", "a".repeat(129));
    let nowhere = send("headers: a request id too long", ask("GET", "/nowhere", &long_id));
    [
        &passed[..],
        &[
            nowhere.problem(404, "unknown-path"),
            send("headers: none but those", get(task)).done(200),
        ],
    ]
    .concat()
}
