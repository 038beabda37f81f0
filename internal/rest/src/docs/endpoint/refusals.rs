//! With which codes the values of a request can be refused, told from what its endpoint reads.

use std::collections::BTreeSet;

use serde_json::json;
use taskwire_domain::{FieldError, Location, TaskId, Violation};

use super::{Component, Parameter, Tag};
use crate::bulk_operations::decode_operations;
use crate::handlers::{list_tasks, search_tasks, search_tasks_by_query};
use crate::json_object::Decoded;
use crate::task_fields::decode_task_fields;
use crate::task_patch::decode_task_patch;
use crate::violation_table::meaning;

/// What can be wrong before a request reaches its endpoint: its host, or that its body does not arrive.
const OF_EVERY_REQUEST: &[&str] = &["incomplete-body", "malformed-host", "missing", "repeated"];

const OF_JSON: &[&str] = &["duplicate-name", "malformed-json", "unknown-field", "wrong-type"];

const OF_TASKS: &[&str] = &[
    "blank",
    "duplicate",
    "invalid-length",
    "invalid-time",
    "invalid-uuid",
    "not-printable",
    "nul-character",
    "start-after-due",
    "too-deep",
    "too-long",
    "too-many",
    "unknown-parent",
    "unknown-priority",
];

const OF_BULKS: &[&str] = &["malformed-entity-tag", "too-few", "unknown-operation"];

/// How the values of a request can be wrong.
pub(super) struct Refusals {
    codes: BTreeSet<&'static str>,
    specimen: Vec<FieldError>,
}

impl Refusals {
    /// Those of a request of which nothing else is read.
    pub(super) fn of_every_request(tag: Tag) -> Self {
        let mut codes = BTreeSet::from_iter(OF_EVERY_REQUEST.iter().copied());
        if matches!(tag, Tag::Tasks | Tag::Search) {
            codes.insert("unknown-parameter");
        }
        let no_host = FieldError {
            location: Location::Header("host".to_owned()),
            violation: Violation::new("missing", "is required"),
        };
        Self {
            codes,
            specimen: vec![no_host],
        }
    }

    /// Those of a parameter, besides.
    pub(super) fn add_parameter(&mut self, parameter: Parameter) {
        self.codes.extend(of_parameter(parameter));
        if parameter.is_in_query() {
            self.codes.extend(["not-utf-8", "repeated"]);
        }
        self.show(specimen_of_parameter(parameter));
    }

    /// Those of a body, besides.
    pub(super) fn add_body(&mut self, shape: Component) {
        self.codes.extend(OF_JSON);
        match shape {
            Component::SearchRequest => self
                .codes
                .extend(Parameter::OF_SEARCH.into_iter().flat_map(of_parameter)),
            Component::BulkRequest => self.codes.extend(OF_TASKS.iter().chain(OF_BULKS)),
            _ => self.codes.extend(OF_TASKS),
        }
        self.show(specimen_of_body(shape));
    }

    fn show(&mut self, specimen: Vec<FieldError>) {
        if !specimen.is_empty() {
            self.specimen = specimen;
        }
    }

    /// Wrong values, as they are answered.
    pub(super) fn specimen(&self) -> Vec<FieldError> {
        self.specimen.clone()
    }

    /// Every code with what it means, as a list.
    pub(super) fn list(&self) -> String {
        let codes = self.codes.iter();
        let lines: Vec<_> = codes
            .map(|code| format!("- `{code}`: {}", meaning(code).unwrap_or_default()))
            .collect();
        lines.join("\n")
    }
}

fn of_parameter(parameter: Parameter) -> &'static [&'static str] {
    match parameter {
        Parameter::TaskId | Parameter::ParentId => &["invalid-uuid"],
        Parameter::Cascade
        | Parameter::Atomic
        | Parameter::IsDone
        | Parameter::Highlight
        | Parameter::Suggest
        | Parameter::Strict => &["wrong-type"],
        Parameter::Words => &["too-long", "too-many-phrases", "too-many-words"],
        Parameter::Priority => &["unknown-priority"],
        Parameter::Category => &["invalid-length", "nul-character"],
        Parameter::Categories => &["duplicate", "invalid-length", "nul-character", "too-many"],
        Parameter::ExternalId => &["invalid-length", "not-printable"],
        Parameter::DueBefore
        | Parameter::DueAfter
        | Parameter::StartBefore
        | Parameter::StartAfter
        | Parameter::CreatedBefore
        | Parameter::CreatedAfter => &["invalid-time"],
        Parameter::Sort | Parameter::SearchSort => &["unknown-sort"],
        Parameter::Facets => &["unknown-facet"],
        Parameter::After => &["invalid-token", "too-many"],
        Parameter::Timeout => &["invalid-duration"],
        Parameter::Limit => &["out-of-range", "wrong-type"],
        Parameter::From => &[
            "from-with-cursor",
            "out-of-range",
            "window-too-large",
            "wrong-type",
        ],
        Parameter::Size => &["empty-page", "out-of-range", "wrong-type"],
        Parameter::Cursor | Parameter::SearchCursor => &["invalid-cursor"],
        Parameter::IfMatch | Parameter::IfNoneMatch | Parameter::UnlessMatch => &["malformed-entity-tag"],
        Parameter::IdempotencyKey => &["invalid-length", "malformed-string", "not-printable", "repeated"],
        // One that is not as it should be is as if it were absent.
        Parameter::RequestId | Parameter::Traceparent => &[],
    }
}

/// Wrong values as the decoder of the whole names them, at the parameter that tells which one that is.
fn specimen_of_parameter(parameter: Parameter) -> Vec<FieldError> {
    match parameter {
        Parameter::TaskId => vec![FieldError {
            location: Location::Parameter("id".to_owned()),
            violation: match "17".parse::<TaskId>() {
                Ok(_) => return Vec::new(),
                Err(violation) => violation,
            },
        }],
        Parameter::Sort => errors(list_tasks::decode_request(Some(
            "isDone=yes&sort=-relevance&limit=0",
        ))),
        Parameter::Words => errors(search_tasks_by_query::decode_request(Some(
            "q=milk&sort=newest&facet=due&facet=colour&timeout=1m&size=101&description=milk",
        ))),
        _ => Vec::new(),
    }
}

/// Wrong values as the decoder of the body names them.
fn specimen_of_body(shape: Component) -> Vec<FieldError> {
    match shape {
        Component::TaskInput => errors(decode_task_fields(json!({"priority": "urgent", "done": true}))),
        Component::TaskPatch => errors(decode_task_patch(json!({"description": null, "done": true}))),
        Component::BulkRequest => {
            let operations = json!([{"op": "create"}, {"op": "move"}]);
            errors(decode_operations(json!({"operations": operations}), false))
        }
        Component::SearchRequest => errors(search_tasks::decode_request(json!({
            "description": "milk", "sort": "newest", "facets": ["due", "colour"], "timeout": "1m", "size": 101, "q": "milk"
        }))),
        _ => Vec::new(),
    }
}

fn errors<T>(decoded: Decoded<T>) -> Vec<FieldError> {
    decoded.err().unwrap_or_default()
}
