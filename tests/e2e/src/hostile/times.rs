//! Points in time that there are not, or that are written as nobody can read them.

use super::case::{Case, send};
use super::request::{create, get, tell};

pub(super) fn cases(task: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let long = format!("2026-05-01T09:00:00.{}", "0".repeat(5_000));
    for text in NO_TIMES.iter().copied().chain([long.as_str()]) {
        let name = &text[..text.len().min(40)];
        let body = format!(r#"{{"description": "a", "dates": {{"due": "{text}"}}}}"#);
        cases.push(send(format!("times: {name:?}"), create(&body)).wrong(&["/dates/due invalid-time"]));
        cases.push(
            send(format!("times: {name:?} in a patch"), tell("PATCH", task, &body))
                .wrong(&["/dates/due invalid-time"]),
        );
        let target = format!("/tasks?dueBefore={}", encoded(text));
        cases.push(
            send(format!("times: {name:?} in a query"), get(&target)).wrong(&["dueBefore invalid-time"]),
        );
    }
    for text in TIMES {
        let body = format!(r#"{{"description": "a", "dates": {{"due": "{text}"}}}}"#);
        cases.push(send(format!("times: {text:?}"), create(body)).done(201));
        let target = format!("/tasks?limit=1&dueAfter={}", encoded(text));
        cases.push(send(format!("times: {text:?} in a query"), get(&target)).done(200));
    }
    let backwards = r#"{"description": "a", "dates": {"start": "2026-05-01T00:00:00Z", "due": "2026-05-01T01:59:59+02:00"}}"#;
    cases.push(
        send(
            "times: a start after its due time, by the offset",
            create(backwards),
        )
        .wrong(&["/dates start-after-due"]),
    );
    cases
}

const NO_TIMES: [&str; 42] = [
    "",
    " ",
    "now",
    "Z",
    "1777626000",
    "2026-05-01",
    "2026-05-01T09:00Z",
    "2026-05-01T09:00:00",
    "20260501T090000Z",
    "2026-W18-5T09:00:00Z",
    "2026-121T09:00:00Z",
    "2026-5-1T9:0:0Z",
    "05/01/2026 09:00:00",
    "Fri, 01 May 2026 09:00:00 GMT",
    "2026-02-30T09:00:00Z",
    "2025-02-29T09:00:00Z",
    "1900-02-29T09:00:00Z",
    "2026-04-31T09:00:00Z",
    "2026-00-01T09:00:00Z",
    "2026-13-01T09:00:00Z",
    "2026-05-00T09:00:00Z",
    "2026-05-32T09:00:00Z",
    "2026-05-01T24:00:00Z",
    "2026-05-01T09:60:00Z",
    "2026-05-01T09:00:61Z",
    "2026-05-01T09:00:00+24:00",
    "2026-05-01T09:00:00+02:60",
    "2026-05-01T09:00:00+0200",
    "2026-05-01T09:00:00+02",
    "2026-05-01T09:00:00 Europe/Berlin",
    "2026-05-01T09:00:00Z[UTC]",
    "2026-05-01T09:00:00,5Z",
    "2026-05-01T09:00:00.Z",
    " 2026-05-01T09:00:00Z",
    "2026-05-01T09:00:00Z ",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "-0001-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "+10000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-00:01",
    "\u{0662}\u{0660}\u{0662}\u{0666}-05-01T09:00:00Z",
];

const TIMES: [&str; 9] = [
    "2016-12-31T23:59:60Z",
    "2017-01-01T00:59:60+01:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "2024-02-29T09:00:00Z",
    "2026-05-01t09:00:00z",
    "2026-05-01T09:00:00-00:00",
    "2026-05-01T09:00:00+23:59",
    "2026-05-01T09:00:00.123456789123456789Z",
];

/// For a query, whole.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
