//! Ids that are none, wherever an id stands.

use super::case::{Case, send};
use super::request::{ask, create, get, tell};

pub(super) fn cases(task: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for id in NO_IDS
        .iter()
        .map(|id| (*id).to_owned())
        .chain(["7".repeat(10_000)])
    {
        let name = &id[..id.len().min(40)];
        let in_path = format!("/tasks/{}", encoded(&id));
        cases.push(send(format!("ids: {name:?} in a path"), get(&in_path)).wrong(&["id invalid-uuid"]));
        cases.push(
            send(format!("ids: deleted {name:?}"), ask("DELETE", &in_path, "")).wrong(&["id invalid-uuid"]),
        );
        let in_query = format!("/tasks/search?parentId={}", encoded(&id));
        if in_query.len() < 16_000 {
            cases.push(
                send(format!("ids: {name:?} in a query"), get(&in_query)).wrong(&["parentId invalid-uuid"]),
            );
        }
        let quoted = serde_json::Value::from(id.as_str());
        let body = format!(r#"{{"description": "a", "parentId": {quoted}}}"#);
        cases.push(send(format!("ids: {name:?} in a body"), create(body)).wrong(&["/parentId invalid-uuid"]));
        let body = format!(r#"{{"operations": [{{"op": "delete", "id": {quoted}}}]}}"#);
        let sent = tell("POST", "/tasks/bulk", body);
        cases.push(send(format!("ids: {name:?} in a bulk"), sent).wrong(&["/operations/0/id invalid-uuid"]));
    }
    for id in NOBODY {
        let path = format!("/tasks/{id}");
        cases.push(send(format!("ids: {id}"), get(&path)).problem(404, "task-not-found"));
        cases.push(
            send(format!("ids: deleted {id}"), ask("DELETE", &path, "")).problem(404, "task-not-found"),
        );
        let patch = tell("PATCH", &path, "{}");
        cases.push(send(format!("ids: patched {id}"), patch).problem(404, "task-not-found"));
        let body = format!(r#"{{"description": "a", "parentId": "{id}"}}"#);
        cases.push(send(format!("ids: below {id}"), create(body)).wrong(&["/parentId unknown-parent"]));
    }
    let id = task.trim_start_matches("/tasks/");
    let twice = format!(r#"{{"op": "update", "id": "{id}", "patch": {{}}}}"#);
    let twice = format!(
        r#"{{"operations": [{twice}, {}]}}"#,
        twice.replace(id, &id.to_uppercase())
    );
    let sent = tell("POST", "/tasks/bulk", twice);
    cases.push(
        send("ids: the same twice in a bulk, once in capitals", sent).wrong(&["/operations/1/id duplicate"]),
    );
    let below_itself = tell(
        "PATCH",
        task,
        format!(r#"{{"parentId": "{}"}}"#, id.to_uppercase()),
    );
    cases.push(send("ids: a task below itself", below_itself).problem(409, "parent-cycle"));
    cases.push(send("ids: in capitals", get(&format!("/tasks/{}", id.to_uppercase()))).done(200));
    cases
}

const NO_IDS: [&str; 17] = [
    "17",
    " ",
    "null",
    "undefined",
    "[object Object]",
    "0199c5a07d9f7cc1a3c85f2f1d4b7a10",
    "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a1",
    "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a100",
    "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a1g",
    "0199c5a07-d9f-7cc1-a3c8-5f2f1d4b7a10",
    " 0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a1",
    "{0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10}",
    "urn:uuid:0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10",
    "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a1\u{0661}",
    "' OR '1'='1",
    "1; DROP TABLE tasks; --",
    "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10\0",
];

/// UUIDs that no task has.
const NOBODY: [&str; 4] = [
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10",
    "C232AB00-9414-11EC-B3C8-9F6BDECED846",
];

/// For a path or a query; digits as they are, so that the longest fit.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
