//! The schema of what the service announces on its topic. The value of an event is the task of an answer, so its
//! shape stands here already and is said once.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use taskwire_domain::{EventKind, Version};

use super::Component;

/// What each header of a record holds.
const HEADERS: [(&str, &str); 9] = [
    ("content-type", "`application/json`"),
    ("ce_specversion", "`1.0`, the version of CloudEvents"),
    (
        "ce_id",
        "`<task id>:<version>`, the same for every delivery of one event",
    ),
    ("ce_type", "the `type` of the value"),
    ("ce_source", "`/tasks`"),
    ("ce_time", "when the change was made"),
    ("ce_subject", "the task's id, as the record's key"),
    ("ce_taskversion", "the version that the change made"),
    (
        "traceparent",
        "the trace of the request (W3C Trace Context), if that was sampled; absent otherwise",
    ),
];

/// The shapes that events share with answers.
const SHARED: [Component; 3] = [Component::Task, Component::Dates, Component::Priority];

static SCHEMA: LazyLock<String> = LazyLock::new(|| {
    // Strings, numbers and lists under string keys: writing them as JSON cannot fail.
    serde_json::to_string_pretty(&schema()).unwrap_or_default() + "\n"
});

/// The JSON Schema (2020-12) of the values of the topic `tasks`, indented, with a line feed at its end: what
/// `docs/events.schema.json` holds.
pub fn events_schema() -> &'static str {
    &SCHEMA
}

fn schema() -> Value {
    let mut shapes: Map<String, Value> = SHARED
        .map(|shape| (shape.name(), shared(shape)))
        .into_iter()
        .collect();
    shapes.insert("DeletedTask".to_owned(), deleted_task(&shapes));
    let mut events = Vec::new();
    for kind in EventKind::ALL {
        let name = kind.as_str().replace('.', "");
        events.push(json!({"$ref": format!("#/$defs/{name}")}));
        shapes.insert(name, event(kind));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:taskwire:events",
        "title": "Events of Taskwire",
        "description": description(),
        "oneOf": events,
        "$defs": shapes,
    })
}

fn event(kind: EventKind) -> Value {
    let (value, description) = match kind {
        EventKind::Created => ("Task", "A task came to be; `value` is the whole task."),
        EventKind::Updated => (
            "Task",
            "A task changed; `value` is the whole task after the change.",
        ),
        EventKind::Deleted => ("DeletedTask", "A task is gone; `value` is what remains of it."),
    };
    json!({
        "type": "object",
        "description": description,
        "required": ["type", "value"],
        "properties": {"type": {"const": kind.as_str()}, "value": {"$ref": format!("#/$defs/{value}")}},
    })
}

fn deleted_task(shapes: &Map<String, Value>) -> Value {
    let of_task = |name: &str, description: &str| {
        let mut shape = shapes["Task"]["properties"][name].clone();
        shape["description"] = json!(description);
        shape
    };
    let mut version = of_task("version", "Its last version plus one.");
    version["minimum"] = json!(Version::FIRST.next());
    json!({
        "type": "object",
        "description": "What remains of a deleted task.",
        "required": ["id", "version", "deletedAt"],
        "properties": {
            "id": of_task("id", "The task that is gone."),
            "version": version,
            "deletedAt": of_task("updatedAt", "When it was deleted."),
        },
    })
}

/// A shape of the OpenAPI document, which speaks the same dialect, with its references led to this one.
fn shared(shape: Component) -> Value {
    // As above, both ways.
    let text = serde_json::to_string(&shape.schema()).unwrap_or_default();
    let text = text.replace("#/components/schemas/", "#/$defs/");
    serde_json::from_str(&text).unwrap_or_default()
}

fn description() -> String {
    let headers = HEADERS.map(|(name, meaning)| format!("- `{name}`: {meaning}"));
    format!(
        "\
The values of the records in the topic `tasks`. A record's key is the task's id, so that the events of one task stand \
in one partition, in the order of their versions. An event may be delivered more than once; a version that was seen \
before is the same event again. Ignore fields that you do not know: later releases may add some, and never remove one \
or change its type.

Headers of a record (the Kafka binding of CloudEvents 1.0, binary mode):

{}",
        headers.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};
    use taskwire_domain::{DeletedTask, TaskEvent};

    use super::*;
    use crate::docs::adherence::{EVENTS, check};
    use crate::testing::{NOW, TASK, TestApi, json_request, request};

    #[test]
    fn the_committed_schema_is_the_one_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.schema.json");
        let committed = fs::read_to_string(path).unwrap_or_default();
        let committed: Value = serde_json::from_str(&committed).unwrap_or_default();
        assert!(
            committed == *EVENTS,
            "docs/events.schema.json is not what the code says: run `cargo xtask openapi` and read the difference"
        );
    }

    #[tokio::test]
    async fn every_event_of_the_service_has_the_shape() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        let full = crate::docs::examples::task().to_string();
        api.send(json_request("PUT", &path, &[], full)).await;
        api.send(request("DELETE", &path, &[])).await;
        let mut seen = Vec::new();
        for (event, _) in api.events() {
            check(&EVENTS, &event, "").unwrap();
            seen.push(event["type"].as_str().unwrap().to_owned());
            // Nothing is in an event that its schema does not know.
            let name = seen.last().unwrap().replace('.', "");
            let value = EVENTS["$defs"][&name]["properties"]["value"]["$ref"]
                .as_str()
                .unwrap();
            let known = EVENTS.pointer(&format!("{}/properties", &value[1..])).unwrap();
            let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(known).len(), names(&event["value"]).len());
            assert!(
                names(&event["value"])
                    .iter()
                    .all(|name| known.get(name).is_some()),
                "{event}"
            );
        }
        assert_eq!(seen, ["Task.Created", "Task.Updated", "Task.Deleted"]);
    }

    #[test]
    fn what_is_no_event_does_not_fit() {
        let deleted = json!({"id": TASK, "version": 2, "deletedAt": NOW});
        check(&EVENTS, &json!({"type": "Task.Deleted", "value": deleted}), "").unwrap();
        for wrong in [
            json!({"type": "Task.Created", "value": deleted}),
            json!({"type": "Task.Renamed", "value": deleted}),
            json!({"type": "Task.Deleted", "value": {"id": TASK, "version": 1, "deletedAt": NOW}}),
            json!({"value": deleted}),
        ] {
            assert!(check(&EVENTS, &wrong, "").is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_header_of_a_record_is_described() {
        let deleted = DeletedTask {
            id: TASK.parse().unwrap(),
            version: Version::FIRST,
            deleted_at: NOW.parse().unwrap(),
        };
        let event = TaskEvent::Deleted(&deleted).encode(Some("00-1-2-01")).unwrap();
        let names: Vec<_> = event.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(HEADERS.map(|(name, _)| name).to_vec(), names);
    }
}
