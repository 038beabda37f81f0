//! The `{id}` of a path.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use taskwire_domain::{FieldError, Location, TaskId};

use crate::json_object::Decoded;

/// What the router makes of `{id}`; a rejection is text that is not UTF-8 once decoded.
pub(crate) type IdInPath = Result<Path<String>, PathRejection>;

/// The task that the path names.
pub(crate) fn task_id(path: IdInPath) -> Decoded<TaskId> {
    let text = path.map(|Path(text)| text).unwrap_or_default();
    text.parse().map_err(|violation| {
        vec![FieldError {
            location: Location::Parameter("id".to_owned()),
            violation,
        }]
    })
}
