//! What becomes of a bulk: a function of the request and of what the database shows.

use std::sync::Arc;

use bytes::Bytes;
use taskwire_domain::{
    Conflict, Decision, Error, FieldError, IdSource, Receipt, Scope, Task, TaskId, TaskPatch, TasksScope,
    Timestamp, Verdict, View,
};

use crate::simulation::Simulation;
use crate::{BulkOperation, BulkRequest, BulkResults, Precondition};

/// Makes the answer to keep under the caller's key.
pub(crate) type Render = Arc<dyn Fn(&BulkResults) -> Bytes + Send + Sync>;

/// A bulk on its way through the database.
///
/// Ids and the time are taken once for the request, not at each attempt. An attempt that the database undid has left
/// nothing, so nobody has seen them; the same view then leads to the same verdict; and should a verdict ever be applied
/// twice, the second time meets its own ids instead of making twins. The time is when the request came, as in a single
/// creation, and a task that was changed after it does not go back: `with_fields` and `tombstone` see to that.
pub(crate) struct BulkDecision {
    steps: Vec<Step>,
    atomic: bool,
    now: Timestamp,
    render: Option<Render>,
    traceparent: Option<String>,
}

/// An operation with all that does not depend on the database.
enum Step {
    Create {
        task: Task,
        pointer: String,
    },
    Patch {
        id: TaskId,
        patch: TaskPatch,
        precondition: Precondition,
        pointer: String,
    },
    Delete {
        id: TaskId,
        precondition: Precondition,
    },
    Refused(Vec<FieldError>),
}

impl BulkDecision {
    pub(crate) fn new(
        request: BulkRequest,
        ids: &dyn IdSource,
        now: Timestamp,
        render: Option<Render>,
        traceparent: Option<&str>,
    ) -> Self {
        let operations = request.operations.into_iter();
        Self {
            steps: operations
                .map(|operation| Step::of(operation, ids, now))
                .collect(),
            atomic: request.atomic,
            now,
            render,
            traceparent: traceparent.map(str::to_owned),
        }
    }
}

impl Step {
    fn of(operation: BulkOperation, ids: &dyn IdSource, now: Timestamp) -> Self {
        match operation {
            BulkOperation::Create { fields, pointer } => Self::Create {
                task: Task::create(ids.next_id(), fields, now),
                pointer,
            },
            BulkOperation::Patch {
                id,
                patch,
                precondition,
                pointer,
            } => Self::Patch {
                id,
                patch,
                precondition,
                pointer,
            },
            BulkOperation::Delete { id, precondition } => Self::Delete { id, precondition },
            BulkOperation::Invalid(errors) => Self::Refused(errors),
        }
    }

    fn add_to(&self, scope: &mut TasksScope) {
        match self {
            Self::Create { task, .. } => {
                scope.parents.extend(task.fields.parent_id);
                scope.external_ids.extend(task.fields.external_id.clone());
            }
            Self::Patch { id, patch, .. } => {
                scope.tasks.push(*id);
                if let Some(parent) = patch.parent_id.flatten() {
                    scope.parents.push(parent);
                    scope.moved.push(*id);
                }
                scope.external_ids.extend(patch.external_id.clone().flatten());
            }
            Self::Delete { id, .. } => {
                scope.tasks.push(*id);
                scope.deleted.push(*id);
            }
            Self::Refused(_) => {}
        }
    }

    fn carry_out(&self, simulation: &mut Simulation<'_>) -> Result<Receipt, Error> {
        match self {
            Self::Create { task, pointer } => simulation.create(task, pointer),
            Self::Patch {
                id,
                patch,
                precondition,
                pointer,
            } => simulation.patch(*id, patch, precondition, pointer),
            Self::Delete { id, precondition } => simulation.delete(*id, precondition),
            Self::Refused(errors) => Err(Error::Invalid(errors.clone())),
        }
    }
}

impl Decision for BulkDecision {
    fn scope(&self) -> Scope {
        let mut scope = TasksScope::default();
        for step in &self.steps {
            step.add_to(&mut scope);
        }
        Scope::Tasks(scope)
    }

    fn decide(&self, view: View) -> Result<Verdict, Error> {
        let mut simulation = Simulation::of(view, self.now, self.traceparent.as_deref());
        let steps = self.steps.iter();
        let results: BulkResults = steps.map(|step| step.carry_out(&mut simulation)).collect();
        if self.atomic && results.iter().any(Result::is_err) {
            return Ok(rolled_back(results));
        }
        let answer = self.render.as_ref().map(|render| render(&results));
        Ok(Verdict {
            changes: simulation.into_changes(),
            results,
            answer,
        })
    }
}

/// The refused keep their own errors. Nothing is kept under the key: it is for successes alone.
fn rolled_back(results: BulkResults) -> Verdict {
    let results = results.into_iter();
    Verdict {
        results: results
            .map(|result| result.and(Err(Error::Conflict(Conflict::RolledBack))))
            .collect(),
        ..Verdict::default()
    }
}
