//! What a caller writes about a task, decoded from JSON.

use std::str::FromStr;

use serde_json::Value;
use taskwire_domain::{
    Categories, Dates, Description, ExternalId, FieldError, Priority, TaskFields, TaskId, Timestamp,
    Violation,
};

use crate::json_object::{Decoded, JsonObject, boolean, here, items, text};

/// Accepted with any value and ignored, so that what GET returned can be PUT back.
pub(crate) const SERVER_MADE: [&str; 5] = ["id", "createdAt", "updatedAt", "completedAt", "version"];

/// The writable fields of a task; absent ones have their defaults.
pub(crate) fn decode_task_fields(value: Value) -> Decoded<TaskFields> {
    let mut object = JsonObject::open(value)?;
    object.ignore(&SERVER_MADE);
    let external_id = object.nullable("externalId", external_id);
    let description = object.required("description", |value| text(value, Description::parse));
    let priority = object.optional("priority", priority);
    let dates = object.optional("dates", dates);
    let is_done = object.optional("isDone", boolean);
    let parent_id = object.nullable("parentId", task_id);
    let categories = object.optional("categories", categories);
    object.finish(description.map(|description| TaskFields {
        external_id,
        description,
        priority: priority.unwrap_or_default(),
        dates: dates.unwrap_or_default(),
        is_done: is_done.unwrap_or_default(),
        parent_id,
        categories: categories.unwrap_or_default(),
    }))
}

/// A caller's own key.
pub(crate) fn external_id(value: Value) -> Decoded<ExternalId> {
    text(value, ExternalId::parse)
}

/// The name of a priority.
pub(crate) fn priority(value: Value) -> Decoded<Priority> {
    from_text(value)
}

/// A point in time.
pub(crate) fn time(value: Value) -> Decoded<Timestamp> {
    from_text(value)
}

/// The id of another task.
pub(crate) fn task_id(value: Value) -> Decoded<TaskId> {
    from_text(value)
}

/// A list of labels; an error about one is at its index.
pub(crate) fn categories(value: Value) -> Decoded<Categories> {
    let (names, mut errors) = items(value, Categories::MAX_COUNT, |value| text(value, Ok))?;
    // The rules are checked on the strings alone, and each remembers where it stood.
    let (places, names): (Vec<_>, Vec<_>) = names
        .into_iter()
        .enumerate()
        .filter_map(|(place, name)| Some((place, name?)))
        .unzip();
    match Categories::parse(names) {
        Ok(categories) if errors.is_empty() => Ok(categories),
        Ok(_) => Err(errors),
        Err(violations) => {
            errors.extend(violations.into_iter().map(|(position, violation)| {
                let pointer = position
                    .and_then(|position| places.get(position))
                    .map(|place| format!("/{place}"));
                FieldError::at_pointer(pointer.unwrap_or_default(), violation)
            }));
            Err(errors)
        }
    }
}

/// A point in time.
pub(crate) fn moment(value: Value) -> Decoded<Timestamp> {
    from_text(value)
}

fn dates(value: Value) -> Decoded<Dates> {
    let mut object = JsonObject::open(value)?;
    let start = object.nullable("start", moment);
    let due = object.nullable("due", moment);
    let (start, due) = object.finish(Some((start, due)))?;
    check_dates(start, due)
}

/// The rule between the two times.
pub(crate) fn check_dates(start: Option<Timestamp>, due: Option<Timestamp>) -> Decoded<Dates> {
    Dates::new(start, due).map_err(here)
}

fn from_text<T: FromStr<Err = Violation>>(value: Value) -> Decoded<T> {
    text(value, |text| text.parse())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskwire_domain::Location;

    use super::*;

    fn errors(value: Value) -> Vec<(String, &'static str)> {
        let errors = decode_task_fields(value).unwrap_err();
        errors
            .into_iter()
            .map(|error| match error.location {
                Location::Pointer(pointer) => (pointer, error.violation.code),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn absent_fields_have_their_defaults() {
        let fields = decode_task_fields(json!({"description": "a"})).unwrap();
        let wanted = TaskFields {
            external_id: None,
            description: Description::parse("a".into()).unwrap(),
            priority: Priority::None,
            dates: Dates::default(),
            is_done: false,
            parent_id: None,
            categories: Categories::default(),
        };
        assert_eq!(fields, wanted);
    }

    #[test]
    fn what_was_answered_can_be_sent_back() {
        let sent = json!({
            "id": "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10", "externalId": "J-1", "description": "a",
            "priority": "high", "dates": {"start": "2026-05-01T09:00:00.000Z", "due": null}, "isDone": true,
            "parentId": "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a11", "categories": ["x"], "createdAt": 1,
            "updatedAt": [], "completedAt": {}, "version": "any"
        });
        let fields = decode_task_fields(sent.clone()).unwrap();
        let again = serde_json::to_value(&fields).unwrap();
        for (name, value) in again.as_object().unwrap() {
            assert_eq!(&sent[name], value, "{name}");
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once_and_nested_ones_by_their_way() {
        let found = errors(json!({
            "externalId": "", "priority": "urgent", "isDone": null, "parentId": "17", "a/b~c": 1,
            "dates": {"start": "yesterday", "due": 5, "end": null}, "categories": ["ok", 7, " ", "OK"]
        }));
        let wanted = [
            ("/externalId", "invalid-length"),
            ("/description", "missing"),
            ("/priority", "unknown-priority"),
            ("/dates/start", "invalid-time"),
            ("/dates/due", "wrong-type"),
            ("/dates/end", "unknown-field"),
            ("/isDone", "wrong-type"),
            ("/parentId", "invalid-uuid"),
            ("/categories/1", "wrong-type"),
            ("/categories/2", "invalid-length"),
            ("/categories/3", "duplicate"),
            ("/a~1b~0c", "unknown-field"),
        ];
        assert_eq!(found, wanted.map(|(pointer, code)| (pointer.to_owned(), code)));
    }
}
