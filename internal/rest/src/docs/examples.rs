//! Specimens of what is sent and answered. Tests send the requests and expect them to be accepted.

use serde_json::{Value, json};
use taskwire_domain::{Conflict, Error, FieldError, Version, Violation};
use utoipa::openapi::example::{Example, ExampleBuilder};

use crate::problem;

/// The task of all examples.
pub(super) const TASK_ID: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";

const OTHER_ID: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a11";

/// Named specimens: name, what it shows, the value.
pub(crate) type Examples = Vec<(&'static str, &'static str, Value)>;

/// The task that most examples are about.
pub(crate) fn task() -> Value {
    json!({
        "id": TASK_ID, "externalId": "JIRA-17", "description": "buy oat milk", "priority": "high",
        "dates": {"start": null, "due": "2030-01-31T18:00:00.000Z"}, "isDone": false, "parentId": null,
        "categories": ["home", "errands"], "createdAt": "2026-05-01T09:00:00.000Z",
        "updatedAt": "2026-05-01T09:00:00.000Z", "completedAt": null, "version": 1
    })
}

/// Bodies that write a task.
pub(crate) fn task_inputs() -> Examples {
    let full = json!({
        "externalId": "JIRA-17", "description": "buy oat milk", "priority": "high",
        "dates": {"due": "2030-01-31T18:00:00Z"}, "categories": ["home", "errands"]
    });
    vec![
        (
            "description",
            "Only what must be there",
            json!({"description": "buy oat milk"}),
        ),
        ("fields", "Most of what can be said", full),
        ("read", "What a GET answered, sent back", task()),
    ]
}

/// Merge patches of a task.
pub(crate) fn task_patches() -> Examples {
    let merged = json!({"dates": {"due": "2030-02-28T18:00:00Z"}, "categories": ["errands"]});
    let removed = json!({"dates": null, "externalId": null});
    vec![
        ("done", "One field, the others stay", json!({"isDone": true})),
        (
            "merged",
            "A due time without the start, and all of the labels",
            merged,
        ),
        ("removed", "What is unset", removed),
    ]
}

/// Bodies that write many tasks.
pub(crate) fn bulk_requests() -> Examples {
    let mixed = json!({"operations": [
        {"op": "create", "task": {"description": "buy oat milk", "priority": "high"}},
        {"op": "update", "id": TASK_ID, "patch": {"isDone": true}, "ifMatch": "\"1\""},
        {"op": "delete", "id": OTHER_ID}
    ]});
    vec![("mixed", "One of each", mixed)]
}

/// What came of many writes.
pub(crate) fn bulk_answers() -> Examples {
    let problem = |error: Error| {
        let document = problem::part_document(&error, problem::MAX_WRONG_FIELDS);
        json!({"status": document.status(), "problem": document})
    };
    let missing = FieldError::at_pointer(
        "/operations/0/task/description",
        Violation::new("missing", "is required"),
    );
    let done = json!({"status": 201, "task": task(), "consistencyToken": format!("{TASK_ID}@1")});
    let invalid = problem(Error::Invalid(vec![missing]));
    let mismatch = Conflict::VersionMismatch {
        current: Version::FIRST.next(),
    };
    let mixed = json!({"results": [done, problem(Error::Conflict(mismatch))]});
    let atomic = json!({"results": [invalid, problem(Error::Conflict(Conflict::RolledBack))]});
    vec![
        ("mixed", "A creation, and a change that was refused", mixed),
        ("atomic", "One was refused, and undid the other", atomic),
    ]
}

/// Pages of a list.
pub(crate) fn task_pages() -> Examples {
    vec![
        (
            "more",
            "There are more",
            json!({"tasks": [task()], "nextCursor": "AQEkbWfX"}),
        ),
        ("last", "The last page", json!({"tasks": [], "nextCursor": null})),
    ]
}

/// Bodies that search.
pub(crate) fn search_requests() -> Examples {
    let filtered = json!({
        "description": "oat milk", "isDone": false, "priority": "high", "categories": ["home"], "from": 0, "size": 20
    });
    vec![
        (
            "words",
            "Both words, the last perhaps unfinished",
            json!({"description": "oat mil"}),
        ),
        ("filtered", "Words and exact conditions", filtered),
        (
            "phrase",
            "A phrase, and a word that must not occur",
            json!({"description": "\"oat milk\" -chocolate", "highlight": true}),
        ),
        (
            "suggest",
            "What was meant, should nothing be found",
            json!({"description": "aot milk", "suggest": true}),
        ),
        (
            "after",
            "What was just written, too",
            json!({"description": "oat milk", "after": [format!("{TASK_ID}@1")], "timeout": "1s"}),
        ),
        (
            "sorted",
            "What is due next, and how much on which day",
            json!({"isDone": false, "dueAfter": "2030-01-01T00:00:00Z", "sort": "due", "facets": ["due", "priority"]}),
        ),
        (
            "walk",
            "All tasks that are not done, 100 at a time",
            json!({"isDone": false, "sort": "createdAt", "size": 100, "cursor": "*"}),
        ),
        (
            "everything",
            "The first tasks of all, and how many there are",
            json!({}),
        ),
    ]
}

/// The answer that holds the task.
pub(crate) fn task_answers() -> Examples {
    vec![("task", "A task", json!({"task": task()}))]
}

/// What is found.
pub(crate) fn search_results() -> Examples {
    let detailed = json!({
        "tasks": [task()], "total": 1,
        "facets": {"due": [{"value": "2030-01-31", "count": 1}], "isDone": [
            {"value": false, "count": 1}, {"value": true, "count": 0}
        ]},
        "highlights": {TASK_ID: ["buy <em>oat</em> <em>milk</em>"]}
    });
    vec![
        ("one", "One task", json!({"tasks": [task()], "total": 1})),
        (
            "detailed",
            "With facets and highlights, which were asked for",
            detailed,
        ),
        (
            "page",
            "A page of a walk, with what leads on",
            json!({"tasks": [task()], "total": 12_345, "nextCursor": "AXrLg2JhZmY"}),
        ),
        ("none", "No task", json!({"tasks": [], "total": 0})),
        (
            "suggestion",
            "No task, and the text that would find one",
            json!({"tasks": [], "total": 0, "suggestion": "oat milk"}),
        ),
    ]
}

/// Reports of a process that can serve.
pub(crate) fn ready() -> Examples {
    vec![
        ("ok", "Everything is there", health("ok", "ok", "ok")),
        (
            "degraded",
            "Searches would fail",
            health("degraded", "ok", "unavailable"),
        ),
        (
            "doubtful",
            "Searches answer, but the index has documents that are newer than the database",
            doubtful(),
        ),
    ]
}

/// Reports of one that cannot.
pub(crate) fn not_ready() -> Examples {
    vec![(
        "unavailable",
        "Every request would fail",
        health("unavailable", "unavailable", "ok"),
    )]
}

fn health(status: &str, database: &str, search: &str) -> Value {
    json!({"status": status, "checks": {"postgresql": {"status": database}, "elasticsearch": {"status": search}}})
}

fn doubtful() -> Value {
    let search = json!({"status": "degraded", "detail": "database restored: reindex"});
    json!({"status": "degraded", "checks": {"postgresql": {"status": "ok"}, "elasticsearch": search}})
}

/// These as the document holds them.
pub(super) fn to_openapi(examples: Examples) -> Vec<(&'static str, Example)> {
    examples
        .into_iter()
        .map(|(name, summary, value)| {
            let example = ExampleBuilder::new().summary(summary).value(Some(value)).build();
            (name, example)
        })
        .collect()
}
