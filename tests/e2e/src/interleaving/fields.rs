//! What a write makes of a task, by the contract alone.

use serde_json::{Map, Value, json};

use super::call::Verb;

/// What a client can write.
const WRITABLE: [&str; 7] = [
    "externalId",
    "description",
    "priority",
    "dates",
    "isDone",
    "parentId",
    "categories",
];

/// The writable fields of a task.
pub(super) fn of(task: &Value) -> Value {
    let fields = WRITABLE
        .iter()
        .map(|name| ((*name).to_owned(), task[*name].clone()));
    fields.collect::<Map<_, _>>().into()
}

/// The fields that a write with this body gives a task that has `before`; `None` for a verb that gives none.
pub(super) fn after(verb: Verb, before: Option<&Value>, body: &Value) -> Option<Value> {
    let given = match verb {
        Verb::Create | Verb::Replace => merged(&json!({}), body),
        Verb::Patch => merged(before?, body),
        Verb::Read | Verb::Delete | Verb::Cascade => return None,
    };
    Some(of(&filled(given)))
}

/// RFC 7396, section 2.
fn merged(target: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut result = target.as_object().cloned().unwrap_or_default();
    for (name, value) in patch {
        if value.is_null() {
            result.remove(name);
        } else {
            let before = result.get(name).unwrap_or(&Value::Null);
            result.insert(name.clone(), merged(before, value));
        }
    }
    result.into()
}

/// With the default of every field that is absent.
fn filled(fields: Value) -> Value {
    let mut all = json!({
        "externalId": null, "priority": "none", "dates": {"start": null, "due": null}, "isDone": false,
        "parentId": null, "categories": [],
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        if name == "dates" {
            for (end, time) in value.as_object().into_iter().flatten() {
                all["dates"][end] = time.clone();
            }
        } else {
            all[name] = value.clone();
        }
    }
    all
}

/// What is wrong with what the server itself wrote on a version, given the one before.
pub(super) fn wrong_in(before: Option<&Value>, task: &Value) -> Option<&'static str> {
    let time = |task: &Value, name: &str| task[name].as_str().unwrap_or_default().to_owned();
    let is_done = task["isDone"] == true;
    if task["completedAt"].is_null() == is_done {
        return Some("completedAt is there exactly when it is done");
    }
    let before = before?;
    if before["createdAt"] != task["createdAt"] {
        return Some("createdAt never changes");
    }
    if time(before, "updatedAt") > time(task, "updatedAt") {
        return Some("updatedAt never goes back");
    }
    let since = if before["isDone"] == true {
        &before["completedAt"]
    } else {
        &task["updatedAt"]
    };
    (is_done && task["completedAt"] != *since).then_some("completedAt is when it became done")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_a_replacement_all() {
        let before =
            filled(json!({"description": "a", "priority": "high", "dates": {"start": "s", "due": "d"}}));
        let patch = json!({"priority": null, "dates": {"due": null}, "isDone": true});
        let wanted = filled(json!({"description": "a", "dates": {"start": "s"}, "isDone": true}));
        assert_eq!(after(Verb::Patch, Some(&before), &patch), Some(wanted));
        let body = json!({"description": "b"});
        assert_eq!(after(Verb::Replace, Some(&before), &body), Some(filled(body)));
    }
}
