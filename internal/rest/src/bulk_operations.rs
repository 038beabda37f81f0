//! The body of a bulk, decoded from JSON.
//!
//! What is wrong with how an operation is told (what it does, to which task, at which version) refuses the whole
//! request. What breaks a rule about the task inside refuses that operation alone.

use std::collections::HashMap;

use serde_json::Value;
use taskwire_domain::{FieldError, TaskId, Violation};
use taskwire_service::{BulkOperation, BulkRequest, Precondition};

use crate::entity_tag;
use crate::failure::both;
use crate::json_object::{Decoded, JsonObject, array, below, here, text};
use crate::task_fields::{decode_task_fields, task_id};
use crate::task_patch::decode_task_patch;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
}

impl Verb {
    /// Its name in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn parse(text: String) -> Result<Self, Violation> {
        [Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|verb| verb.as_str() == text)
            .ok_or_else(|| Violation::new("unknown-operation", "must be one of create, update, delete"))
    }
}

/// The operations of a bulk, each with what it does.
pub(crate) type Operations = Vec<(Verb, BulkOperation)>;

/// The operations, in their order. With `if_match_required`, one that changes or deletes a task without `ifMatch`
/// breaks a rule.
///
/// # Errors
/// Everything that is wrong anywhere in the body, if something in it refuses the whole.
pub(crate) fn decode_operations(body: Value, if_match_required: bool) -> Decoded<Operations> {
    let mut object = JsonObject::open(body)?;
    let values = object.required("operations", list).unwrap_or_default();
    let mut decoder = Decoder {
        if_match_required,
        named: HashMap::new(),
        broken_rules: Vec::new(),
    };
    let mut operations = Operations::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        match decoder.decode(value, index) {
            Ok(operation) => operations.push(operation),
            Err(errors) => below(&place(index), errors).for_each(|error| object.reject(error)),
        }
    }
    object.finish(Some(operations)).map_err(|mut errors| {
        errors.extend(decoder.broken_rules);
        errors
    })
}

fn list(value: Value) -> Decoded<Vec<Value>> {
    let values = array(value, BulkRequest::MAX_OPERATIONS)?;
    if values.is_empty() {
        return Err(here(Violation::new("too-few", "must have at least 1 item")));
    }
    Ok(values)
}

/// Where an operation stands, as a JSON pointer from the root of the body.
fn place(index: usize) -> String {
    format!("/operations/{index}")
}

struct Decoder {
    if_match_required: bool,
    /// Which operation names a task.
    named: HashMap<TaskId, usize>,
    /// What refuses single operations, told with the rest if the whole is refused.
    broken_rules: Vec<FieldError>,
}

/// Which task an operation changes, and the versions it names.
struct Target {
    id: TaskId,
    if_match: Option<Precondition>,
}

impl Decoder {
    /// The operation. Errors that refuse it alone are inside it, with pointers from the root of the body.
    fn decode(&mut self, value: Value, index: usize) -> Decoded<(Verb, BulkOperation)> {
        let mut object = JsonObject::open(value)?;
        let Some(verb) = object.required("op", |value| text(value, Verb::parse)) else {
            // Which others may stand here depends on the operation.
            object.ignore_the_rest();
            return object.finish(None);
        };
        let operation = match verb {
            Verb::Create => self.create(&mut object, index),
            Verb::Update => self.update(&mut object, index),
            Verb::Delete => self.delete(&mut object, index),
        };
        object.finish(operation.map(|operation| (verb, operation)))
    }

    fn create(&mut self, object: &mut JsonObject, index: usize) -> Option<BulkOperation> {
        let task = object.required("task", Ok)?;
        let pointer = place(index) + "/task";
        Some(match decode_task_fields(task) {
            Ok(fields) => BulkOperation::Create { fields, pointer },
            Err(errors) => self.invalid(below(&pointer, errors).collect()),
        })
    }

    fn update(&mut self, object: &mut JsonObject, index: usize) -> Option<BulkOperation> {
        let target = self.target(object, index);
        let patch = object.required("patch", Ok);
        let (target, patch) = target.zip(patch)?;
        let pointer = place(index) + "/patch";
        let patch = decode_task_patch(patch).map_err(|errors| below(&pointer, errors).collect());
        Some(match both(self.precondition(target.if_match, index), patch) {
            Ok((precondition, patch)) => BulkOperation::Patch {
                id: target.id,
                patch,
                precondition,
                pointer,
            },
            Err(errors) => self.invalid(errors),
        })
    }

    fn delete(&mut self, object: &mut JsonObject, index: usize) -> Option<BulkOperation> {
        let Target { id, if_match } = self.target(object, index)?;
        Some(match self.precondition(if_match, index) {
            Ok(precondition) => BulkOperation::Delete { id, precondition },
            Err(errors) => self.invalid(errors),
        })
    }

    fn invalid(&mut self, errors: Vec<FieldError>) -> BulkOperation {
        self.broken_rules.extend(errors.iter().cloned());
        BulkOperation::Invalid(errors)
    }

    fn target(&mut self, object: &mut JsonObject, index: usize) -> Option<Target> {
        let id = object.required("id", task_id);
        let if_match = object.nullable("ifMatch", |value| text(value, |list| entity_tag::if_match(&list)));
        if let Some(first) = id.and_then(|id| self.named.insert(id, index)) {
            let detail = format!(
                "is also the id of {}; a bulk may name a task only once",
                place(first)
            );
            object.reject(FieldError::at_pointer("/id", Violation::new("duplicate", detail)));
        }
        id.map(|id| Target { id, if_match })
    }

    fn precondition(&self, named: Option<Precondition>, index: usize) -> Decoded<Precondition> {
        if named.is_none() && self.if_match_required {
            let violation = Violation::new("missing", "is required by this server");
            return Err(vec![FieldError::at_pointer(place(index) + "/ifMatch", violation)]);
        }
        Ok(named.unwrap_or(Precondition::ANY))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskwire_domain::{Location, Version};
    use taskwire_service::Versions;

    use super::*;

    const A: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
    const B: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a11";

    fn told(errors: &[FieldError]) -> Vec<String> {
        errors
            .iter()
            .map(|error| match &error.location {
                Location::Pointer(pointer) => format!("{pointer} {}", error.violation.code),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn refused(body: Value) -> Vec<String> {
        told(&decode_operations(body, false).unwrap_err())
    }

    fn decoded(body: Value, if_match_required: bool) -> Vec<BulkOperation> {
        let operations = decode_operations(body, if_match_required).unwrap();
        operations.into_iter().map(|(_, operation)| operation).collect()
    }

    #[test]
    fn operations_are_told_by_what_they_do() {
        let body = json!({"operations": [
            {"op": "create", "task": {"description": "a"}},
            {"op": "update", "id": A, "patch": {"isDone": true}, "ifMatch": "\"3\", \"4\""},
            {"op": "delete", "id": B, "ifMatch": null},
        ]});
        let at = |version| Version::new(version).unwrap();
        let wanted = [
            BulkOperation::Create {
                fields: decode_task_fields(json!({"description": "a"})).unwrap(),
                pointer: "/operations/0/task".into(),
            },
            BulkOperation::Patch {
                id: A.parse().unwrap(),
                patch: decode_task_patch(json!({"isDone": true})).unwrap(),
                precondition: Precondition::only(Versions::These(vec![at(3), at(4)])),
                pointer: "/operations/1/patch".into(),
            },
            BulkOperation::Delete {
                id: B.parse().unwrap(),
                precondition: Precondition::ANY,
            },
        ];
        assert_eq!(decoded(body, false), wanted);
    }

    #[test]
    fn a_broken_rule_about_a_task_refuses_its_operation_alone() {
        let body = json!({"operations": [
            {"op": "create", "task": {"isDone": 1, "x/y": 2}},
            {"op": "update", "id": A, "patch": {"description": null}},
            {"op": "create", "task": []},
            {"op": "delete", "id": B},
        ]});
        let operations = decoded(body, false);
        let of = |index: usize| match &operations[index] {
            BulkOperation::Invalid(errors) => told(errors),
            sound => panic!("{sound:?}"),
        };
        let wanted = [
            "/description missing",
            "/isDone wrong-type",
            "/x~1y unknown-field",
        ];
        assert_eq!(of(0), wanted.map(|error| format!("/operations/0/task{error}")));
        assert_eq!(of(1), ["/operations/1/patch/description wrong-type"]);
        assert_eq!(of(2), ["/operations/2/task wrong-type"]);
        assert!(matches!(operations[3], BulkOperation::Delete { .. }));
    }

    #[test]
    fn a_version_can_be_required_of_each_change() {
        let body = json!({"operations": [
            {"op": "create", "task": {"description": "a"}},
            {"op": "update", "id": A, "patch": {"isDone": 1}},
            {"op": "delete", "id": B, "ifMatch": "*"},
        ]});
        let operations = decoded(body, true);
        assert!(matches!(operations[0], BulkOperation::Create { .. }));
        let BulkOperation::Invalid(errors) = &operations[1] else {
            panic!("{operations:?}")
        };
        let wanted = [
            "/operations/1/ifMatch missing",
            "/operations/1/patch/isDone wrong-type",
        ];
        assert_eq!(told(errors), wanted);
        assert!(matches!(operations[2], BulkOperation::Delete { .. }));
    }

    #[test]
    fn whatever_is_wrong_with_the_envelope_refuses_the_whole() {
        assert_eq!(refused(json!([])), [" wrong-type"]);
        assert_eq!(
            refused(json!({"x": 1})),
            ["/operations missing", "/x unknown-field"]
        );
        assert_eq!(refused(json!({"operations": {}})), ["/operations wrong-type"]);
        assert_eq!(refused(json!({"operations": []})), ["/operations too-few"]);
        let many = vec![json!({"op": "create", "task": {"description": "a"}}); 501];
        assert_eq!(refused(json!({"operations": many})), ["/operations too-many"]);
        assert_eq!(decoded(json!({"operations": many[..500]}), false).len(), 500);
        let operations = json!([
            1,
            {"task": {}},
            {"op": "upsert", "task": {}},
            {"op": "create", "id": A},
            {"op": "update", "id": "17", "patch": {}, "ifMatch": "3"},
            {"op": "update", "id": A, "task": {}},
            {"op": "delete"},
            {"op": "delete", "id": A.to_uppercase()},
            {"op": "create", "task": {"description": ""}},
        ]);
        let wanted = [" wrong-type", "/op missing", "/op unknown-operation"];
        let mut wanted: Vec<_> = wanted
            .iter()
            .enumerate()
            .map(|(index, error)| format!("/operations/{index}{error}"))
            .collect();
        wanted.extend(
            [
                "/operations/3/task missing",
                "/operations/3/id unknown-field",
                "/operations/4/id invalid-uuid",
                "/operations/4/ifMatch malformed-entity-tag",
                "/operations/5/patch missing",
                "/operations/5/task unknown-field",
                "/operations/6/id missing",
                "/operations/7/id duplicate",
                "/operations/8/task/description blank",
            ]
            .map(str::to_owned),
        );
        assert_eq!(refused(json!({"operations": operations})), wanted);
    }
}
