//! From an operation to a document.

use std::collections::BTreeSet;

use tantivy::{TantivyDocument, Term};
use taskwire_domain::{Document, IndexOperation, Task, TaskId, lowercase};

use crate::schema::Fields;

/// The term by which a task's document is replaced.
pub(crate) fn id_term(fields: &Fields, id: TaskId) -> Term {
    Term::from_field_bytes(fields.id, id.as_uuid().as_bytes())
}

/// The document of an operation, or a sentence about why there can be none: a document that is no task would be found by
/// a search and could not be returned.
pub(crate) fn document(fields: &Fields, operation: &IndexOperation) -> Result<TantivyDocument, String> {
    let mut document = TantivyDocument::new();
    let (high, low) = operation.id.as_uuid().as_u64_pair();
    document.add_bytes(fields.id, operation.id.as_uuid().as_bytes());
    document.add_u64(fields.id_high, high);
    document.add_u64(fields.id_low, low);
    document.add_i64(fields.version, operation.version.get());
    match &operation.document {
        Document::Tombstone { .. } => document.add_bool(fields.deleted, true),
        Document::Live {
            source,
            priority_rank,
        } => {
            let task: Task = serde_json::from_slice(source)
                .map_err(|error| format!("the document is not a task: {error}"))?;
            document.add_bool(fields.deleted, false);
            document.add_bytes(fields.source, source);
            document.add_i64(fields.priority_rank, i64::from(*priority_rank));
            add_task(fields, &mut document, &task);
        }
    }
    Ok(document)
}

fn add_task(fields: &Fields, document: &mut TantivyDocument, task: &Task) {
    let description = task.fields.description.as_str();
    document.add_text(fields.description, description);
    document.add_text(fields.beginnings, description);
    document.add_bool(fields.is_done, task.fields.is_done);
    document.add_i64(fields.created_at, task.created_at.unix_millis());
    document.add_i64(fields.updated_at, task.updated_at.unix_millis());
    let dates = task.fields.dates;
    for (field, time) in [(fields.start, dates.start()), (fields.due, dates.due())] {
        if let Some(time) = time {
            document.add_i64(field, time.unix_millis());
        }
    }
    if let Some(parent) = task.fields.parent_id {
        document.add_bytes(fields.parent_id, parent.as_uuid().as_bytes());
    }
    if let Some(external_id) = &task.fields.external_id {
        document.add_text(fields.external_id, external_id.as_str());
    }
    // Two names can differ in case alone by rules that a language has and the index has not; they count once.
    let categories = task.fields.categories.as_slice().iter();
    for category in categories.map(|name| lowercase(name)).collect::<BTreeSet<_>>() {
        document.add_text(fields.categories, category);
    }
}
