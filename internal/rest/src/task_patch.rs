//! A JSON Merge Patch (RFC 7396) of a task, decoded from JSON.
//!
//! `null` takes a field away: what may be unset is unset, anything else gets its default, and the description, which
//! has none, cannot be taken away. Objects merge with what is there, so `dates` changes only the times it names.

use serde_json::Value;
use taskwire_domain::{Categories, DatesPatch, Description, Priority, TaskPatch, Timestamp};

use crate::json_object::{Decoded, JsonObject, boolean, text};
use crate::task_fields::{SERVER_MADE, categories, check_dates, external_id, moment, priority, task_id};

/// The fields that a patch changes.
pub(crate) fn decode_task_patch(value: Value) -> Decoded<TaskPatch> {
    let mut object = JsonObject::open(value)?;
    object.ignore(&SERVER_MADE);
    let external_id = object.removable("externalId", external_id);
    let description = object.optional("description", |value| text(value, Description::parse));
    let priority = object.removable("priority", priority);
    let dates = object.removable("dates", dates);
    let is_done = object.removable("isDone", boolean);
    let parent_id = object.removable("parentId", task_id);
    let categories = object.removable("categories", categories);
    object.finish(Some(TaskPatch {
        external_id,
        description,
        priority: priority.map(|given| given.unwrap_or(Priority::default())),
        dates: dates.map_or_else(DatesPatch::default, |given| given.unwrap_or(UNSET)),
        is_done: is_done.map(Option::unwrap_or_default),
        parent_id,
        categories: categories.map(|given: Option<Categories>| given.unwrap_or_default()),
    }))
}

/// Neither a start nor a due time.
const UNSET: DatesPatch = DatesPatch {
    start: Some(None),
    due: Some(None),
};

fn dates(value: Value) -> Decoded<DatesPatch> {
    let mut object = JsonObject::open(value)?;
    let start: Option<Option<Timestamp>> = object.removable("start", moment);
    let due = object.removable("due", moment);
    let patch = object.finish(Some(DatesPatch { start, due }))?;
    // With one of them alone, the other is known only where the patch is applied.
    check_dates(start.flatten(), due.flatten())?;
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskwire_domain::{ExternalId, Location};

    use super::*;

    fn errors(value: Value) -> Vec<(String, &'static str)> {
        let errors = decode_task_patch(value).unwrap_err();
        errors
            .into_iter()
            .map(|error| match error.location {
                Location::Pointer(pointer) => (pointer, error.violation.code),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn an_absent_field_stays_and_null_takes_away() {
        assert_eq!(decode_task_patch(json!({})), Ok(TaskPatch::default()));
        let nulls = json!({
            "externalId": null, "priority": null, "dates": null, "isDone": null, "parentId": null, "categories": null
        });
        let wanted = TaskPatch {
            external_id: Some(None),
            description: None,
            priority: Some(Priority::None),
            dates: UNSET,
            is_done: Some(false),
            parent_id: Some(None),
            categories: Some(Categories::default()),
        };
        assert_eq!(decode_task_patch(nulls), Ok(wanted));
        assert_eq!(
            errors(json!({"description": null})),
            [("/description".to_owned(), "wrong-type")]
        );
    }

    #[test]
    fn dates_merge_with_what_is_there() {
        let due = json!({"dates": {"due": "2026-05-01T09:00:00Z"}});
        let patch = decode_task_patch(due).unwrap().dates;
        assert_eq!(
            (patch.start, patch.due),
            (None, Some("2026-05-01T09:00:00Z".parse().ok()))
        );
        let patch = decode_task_patch(json!({"dates": {"start": null}}))
            .unwrap()
            .dates;
        assert_eq!((patch.start, patch.due), (Some(None), None));
        let patch = decode_task_patch(json!({"dates": {}})).unwrap().dates;
        assert_eq!(patch, DatesPatch::default());
    }

    #[test]
    fn what_was_answered_can_be_sent_back() {
        let patch = decode_task_patch(crate::docs::examples::task()).unwrap();
        assert_eq!(patch.external_id, Some(ExternalId::parse("JIRA-17".into()).ok()));
        assert_eq!(patch.dates.start, Some(None));
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let found = errors(json!({
            "externalId": 1, "description": " ", "priority": "urgent", "isDone": 0, "parentId": "17", "a/b": 1,
            "dates": {"start": 1, "end": null}, "categories": ["a", "A"]
        }));
        let wanted = [
            ("/externalId", "wrong-type"),
            ("/description", "blank"),
            ("/priority", "unknown-priority"),
            ("/dates/start", "wrong-type"),
            ("/dates/end", "unknown-field"),
            ("/isDone", "wrong-type"),
            ("/parentId", "invalid-uuid"),
            ("/categories/1", "duplicate"),
            ("/a~1b", "unknown-field"),
        ];
        assert_eq!(found, wanted.map(|(pointer, code)| (pointer.to_owned(), code)));
        let both_ways = json!({"dates": {"start": "2026-05-02T00:00:00Z", "due": "2026-05-01T00:00:00Z"}});
        assert_eq!(errors(both_ways), [("/dates".to_owned(), "start-after-due")]);
        assert_eq!(errors(json!([])), [(String::new(), "wrong-type")]);
    }
}
