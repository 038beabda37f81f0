//! Changes of single fields.

use crate::{
    Categories, Dates, Description, ExternalId, FieldError, Priority, TaskFields, TaskId, Timestamp,
};

/// The fields to change; the others stay as they are. Made from a JSON Merge Patch (RFC 7396), in which `null`
/// removes a field: one that may be unset is unset, any other gets its default, and the description, which has none,
/// cannot be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskPatch {
    /// The caller's own key; `Some(None)` unsets it.
    pub external_id: Option<Option<ExternalId>>,
    /// What is to be done.
    pub description: Option<Description>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When it starts and is due.
    pub dates: DatesPatch,
    /// Whether it is done.
    pub is_done: Option<bool>,
    /// The task it is a part of; `Some(None)` makes it a part of none.
    pub parent_id: Option<Option<TaskId>>,
    /// Its labels, all of them.
    pub categories: Option<Categories>,
}

/// The times to change; `Some(None)` unsets one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatesPatch {
    /// When it starts.
    pub start: Option<Option<Timestamp>>,
    /// When it is due.
    pub due: Option<Option<Timestamp>>,
}

impl TaskPatch {
    /// The fields as they are after the change.
    ///
    /// # Errors
    /// At `/dates` when the start would be after the due time: the one rule that holds between fields.
    pub fn apply(&self, fields: &TaskFields) -> Result<TaskFields, FieldError> {
        let dates = Dates::new(
            self.dates.start.unwrap_or(fields.dates.start()),
            self.dates.due.unwrap_or(fields.dates.due()),
        )
        .map_err(|violation| FieldError::at_pointer("/dates", violation))?;
        Ok(TaskFields {
            external_id: self
                .external_id
                .clone()
                .unwrap_or_else(|| fields.external_id.clone()),
            description: self
                .description
                .clone()
                .unwrap_or_else(|| fields.description.clone()),
            priority: self.priority.unwrap_or(fields.priority),
            dates,
            is_done: self.is_done.unwrap_or(fields.is_done),
            parent_id: self.parent_id.unwrap_or(fields.parent_id),
            categories: self
                .categories
                .clone()
                .unwrap_or_else(|| fields.categories.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn fields() -> TaskFields {
        TaskFields {
            external_id: Some(ExternalId::parse("J-1".into()).unwrap()),
            description: Description::parse("a".into()).unwrap(),
            priority: Priority::High,
            dates: Dates::new(Some(at("2026-05-01T09:00:00Z")), Some(at("2026-05-02T09:00:00Z"))).unwrap(),
            is_done: true,
            parent_id: None,
            categories: Categories::parse(vec!["home".into()]).unwrap(),
        }
    }

    #[test]
    fn what_a_patch_does_not_name_stays() {
        assert_eq!(TaskPatch::default().apply(&fields()), Ok(fields()));
        let patch = TaskPatch {
            priority: Some(Priority::Low),
            external_id: Some(None),
            ..TaskPatch::default()
        };
        let wanted = TaskFields {
            priority: Priority::Low,
            external_id: None,
            ..fields()
        };
        assert_eq!(patch.apply(&fields()), Ok(wanted));
    }

    #[test]
    fn one_time_alone_is_judged_with_the_other_that_stays() {
        let due = |text: &str| TaskPatch {
            dates: DatesPatch {
                start: None,
                due: Some(Some(at(text))),
            },
            ..TaskPatch::default()
        };
        let error = due("2026-04-01T09:00:00Z").apply(&fields()).unwrap_err();
        assert_eq!(error.violation.code, "start-after-due");
        let patched = due("2026-06-01T09:00:00Z").apply(&fields()).unwrap();
        assert_eq!(
            (patched.dates.start(), patched.dates.due()),
            (Some(at("2026-05-01T09:00:00Z")), Some(at("2026-06-01T09:00:00Z")))
        );
    }
}
