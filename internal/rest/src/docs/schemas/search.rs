//! Searches and what they find.

use serde_json::json;
use taskwire_domain::{SearchQuery, SearchWindow};
use utoipa::openapi::schema::{ArrayBuilder, Schema, Type};

use super::Component;
use super::parts::{
    Described, OrNull, accepting, boolean, external_id, integer, labels, nullable_array, nullable_priority,
    object, of, uuid,
};

/// What the words of a search mean.
pub(in crate::docs) const WORDS: &str = "Words that must all occur; the last may be the beginning of one, and small typos are forgiven. Without any, the \
     conditions alone decide.";

/// What the size of a page means.
pub(in crate::docs) const SIZE: &str = "How many to return; 0 only counts.";

/// What the start of a page means.
pub(in crate::docs) fn from_description() -> String {
    format!(
        "How many results to pass over; from and size together may be at most {}.",
        SearchWindow::LIMIT
    )
}

pub(super) fn search_request() -> Schema {
    let window = SearchWindow::default();
    let from = integer(0).maximum(Some(SearchWindow::LIMIT)).or_null();
    let size = integer(0).maximum(Some(SearchWindow::MAX_SIZE)).or_null();
    let text = of(Type::String)
        .max_length(Some(SearchQuery::MAX_TEXT_CHARS))
        .or_null();
    accepting(vec![
        ("description", text.described(WORDS)),
        ("isDone", boolean().or_null().described("Done, or not done.")),
        ("priority", nullable_priority().described("This priority.")),
        ("categories", labels().schema_type(nullable_array()).into()),
        ("parentId", uuid().or_null().described("Sub-tasks of this task.")),
        (
            "externalId",
            external_id()
                .or_null()
                .described("The task with this external id."),
        ),
        (
            "from",
            from.default(Some(json!(window.from)))
                .described(&from_description()),
        ),
        ("size", size.default(Some(json!(window.size))).described(SIZE)),
    ])
    .description(Some(
        "Conditions that all apply. An absent or null one is none: absent `isDone` finds both.",
    ))
    .into()
}

pub(super) fn search_result() -> Schema {
    let tasks = ArrayBuilder::new()
        .items(Component::Task.reference())
        .max_items(usize::try_from(SearchWindow::MAX_SIZE).ok())
        .description(Some("The tasks found, best first."));
    object(vec![
        ("tasks", tasks.into()),
        (
            "total",
            integer(0).described("How many there are in all, exactly."),
        ),
    ])
    .into()
}
