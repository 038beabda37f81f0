//! Every field with a value of every type that it does not take.

use super::case::{Case, send};
use super::request::{tell, template};
use Type::{Array, Boolean, Null, Number, Object, Text};

pub(super) fn cases(task: &str) -> Vec<Case> {
    let written = [("POST", "/tasks"), ("PUT", task)].map(|(method, target)| wrong(method, target, &TASK));
    let searched = wrong("POST", "/tasks/search", &SEARCH);
    let patched = wrong("PATCH", task, &PATCH);
    let bulk = wrong("POST", "/tasks/bulk", &BULK);
    [written.concat(), patched, searched, bulk, at_once(task)].concat()
}

/// A type of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

impl Type {
    const ALL: [Self; 6] = [Null, Boolean, Number, Text, Array, Object];

    /// A value of it.
    fn value(self) -> &'static str {
        match self {
            Null => "null",
            Boolean => "true",
            Number => "17",
            Text => "\"\"",
            Array => "[]",
            Object => "{}",
        }
    }
}

/// A body around a field, `$` where its value goes; where the field is; the types that it takes.
type Field = (&'static str, &'static str, &'static [Type]);

const TASK: [Field; 10] = [
    (
        r#"{"description": "a", "externalId": $}"#,
        "/externalId",
        &[Null, Text],
    ),
    (r#"{"description": $}"#, "/description", &[Text]),
    (r#"{"description": "a", "priority": $}"#, "/priority", &[Text]),
    (r#"{"description": "a", "dates": $}"#, "/dates", &[Object]),
    (
        r#"{"description": "a", "dates": {"start": $}}"#,
        "/dates/start",
        &[Null, Text],
    ),
    (
        r#"{"description": "a", "dates": {"due": $}}"#,
        "/dates/due",
        &[Null, Text],
    ),
    (r#"{"description": "a", "isDone": $}"#, "/isDone", &[Boolean]),
    (
        r#"{"description": "a", "parentId": $}"#,
        "/parentId",
        &[Null, Text],
    ),
    (
        r#"{"description": "a", "categories": $}"#,
        "/categories",
        &[Array],
    ),
    (
        r#"{"description": "a", "categories": ["a", $]}"#,
        "/categories/1",
        &[Text],
    ),
];

/// Null takes a field away, unless it has to be there.
const PATCH: [Field; 10] = [
    (r#"{"externalId": $}"#, "/externalId", &[Null, Text]),
    (r#"{"description": $}"#, "/description", &[Text]),
    (r#"{"priority": $}"#, "/priority", &[Null, Text]),
    (r#"{"dates": $}"#, "/dates", &[Null, Object]),
    (r#"{"dates": {"start": $}}"#, "/dates/start", &[Null, Text]),
    (r#"{"dates": {"due": $}}"#, "/dates/due", &[Null, Text]),
    (r#"{"isDone": $}"#, "/isDone", &[Null, Boolean]),
    (r#"{"parentId": $}"#, "/parentId", &[Null, Text]),
    (r#"{"categories": $}"#, "/categories", &[Null, Array]),
    (r#"{"categories": ["a", $]}"#, "/categories/1", &[Text]),
];

/// Null is no condition.
const SEARCH: [Field; 9] = [
    (r#"{"description": $}"#, "/description", &[Null, Text]),
    (r#"{"isDone": $}"#, "/isDone", &[Null, Boolean]),
    (r#"{"priority": $}"#, "/priority", &[Null, Text]),
    (r#"{"categories": $}"#, "/categories", &[Null, Array]),
    (r#"{"categories": [$]}"#, "/categories/0", &[Text]),
    (r#"{"parentId": $}"#, "/parentId", &[Null, Text]),
    (r#"{"externalId": $}"#, "/externalId", &[Null, Text]),
    (r#"{"from": $}"#, "/from", &[Null, Number]),
    (r#"{"size": $}"#, "/size", &[Null, Number]),
];

const BULK: [Field; 5] = [
    (r#"{"operations": $}"#, "/operations", &[Array]),
    (r#"{"operations": [$]}"#, "/operations/0", &[Object]),
    (r#"{"operations": [{"op": $}]}"#, "/operations/0/op", &[Text]),
    (
        r#"{"operations": [{"op": "delete", "id": $}]}"#,
        "/operations/0/id",
        &[Text],
    ),
    (
        r#"{"operations": [{"op": "delete", "id": "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10", "ifMatch": $}]}"#,
        "/operations/0/ifMatch",
        &[Null, Text],
    ),
];

fn wrong(method: &str, target: &str, fields: &[Field]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (body, pointer, takes) in fields {
        for other in Type::ALL.into_iter().filter(|kind| !takes.contains(kind)) {
            let sent = tell(method, target, body.replace('$', other.value()));
            let name = format!("fields: {other:?} as {pointer} of {method} {}", template(target));
            cases.push(send(name, sent).wrong(&[&format!("{pointer} wrong-type")]));
        }
    }
    cases
}

/// A client that gets everything wrong is told everything.
fn at_once(task: &str) -> Vec<Case> {
    let body = r#"{"externalId": 1, "description": " ", "priority": "x", "dates": {"start": "x", "due": 1, "y": 2},
        "isDone": 0, "parentId": "x", "categories": [null, "a", "", "A"], "z": []}"#;
    let named = [
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
        "/categories/3 duplicate",
        "/z unknown-field",
    ];
    [("POST", "/tasks"), ("PUT", task), ("PATCH", task)]
        .map(|(method, target)| {
            send(
                format!("fields: everything at once by {method}"),
                tell(method, target, body),
            )
            .wrong(&named)
        })
        .to_vec()
}
