//! Writes carried out one after the other on what a decision sees, before any of them is applied.

use std::collections::HashMap;

use taskwire_domain::{
    Change, Conflict, Error, ExternalId, FieldError, Location, Receipt, Task, TaskEvent, TaskFields, TaskId,
    TaskPatch, Timestamp, View, unknown_parent,
};

use crate::Precondition;
use crate::deletion::{deletion, farewell};
use crate::tree::Tree;

/// What stands after the writes so far. Each write is judged by the rules of the use case of its name, in the same
/// order, so that a caller is told the same in a bulk and outside it. A write that is refused changes nothing.
pub(crate) struct Simulation<'a> {
    now: Timestamp,
    traceparent: Option<&'a str>,
    tasks: HashMap<TaskId, Task>,
    tree: Tree,
    holders: HashMap<ExternalId, TaskId>,
    changes: Vec<Change>,
}

impl<'a> Simulation<'a> {
    pub(crate) fn of(view: View, now: Timestamp, traceparent: Option<&'a str>) -> Self {
        let shown = view.tasks.iter().map(|task| (task.id, task.fields.parent_id));
        Self {
            now,
            traceparent,
            tree: view.links.into_iter().chain(shown).collect(),
            holders: view.external_ids,
            tasks: view.tasks.into_iter().map(|task| (task.id, task)).collect(),
            changes: Vec::new(),
        }
    }

    /// What is to be applied, in order. As each write was judged by what the ones before it left, every state in
    /// between keeps the rules.
    pub(crate) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// `pointer` is where the task stands in the request.
    pub(crate) fn create(&mut self, task: &Task, pointer: &str) -> Result<Receipt, Error> {
        self.judge_place(task, pointer)?;
        self.judge_external_id(task)?;
        let event = TaskEvent::Created(task).encode(self.traceparent)?;
        self.settle(None, task);
        self.changes.push(Change::Create(task.clone(), event));
        Ok(Receipt::of(task.clone()))
    }

    /// `pointer` is where the patch stands in the request.
    pub(crate) fn patch(
        &mut self,
        id: TaskId,
        patch: &TaskPatch,
        precondition: &Precondition,
        pointer: &str,
    ) -> Result<Receipt, Error> {
        let current = self.tasks.get(&id).cloned().ok_or(Error::NotFound(id))?;
        let fields = patch
            .apply(&current.fields)
            .map_err(|error| Error::Invalid(vec![below(pointer, error)]))?;
        self.require_parent(&current, &fields, pointer)?;
        precondition.judge(current.version)?;
        let Some(next) = current.with_fields(fields, self.now) else {
            return Ok(Receipt::of(current));
        };
        if next.fields.parent_id != current.fields.parent_id {
            self.judge_place(&next, pointer)?;
        }
        self.judge_external_id(&next)?;
        let event = TaskEvent::Updated(&next).encode(self.traceparent)?;
        self.settle(Some(&current), &next);
        self.changes.push(Change::Update(next.clone(), event));
        Ok(Receipt::of(next))
    }

    pub(crate) fn delete(&mut self, id: TaskId, precondition: &Precondition) -> Result<Receipt, Error> {
        let task = self.task(id, precondition)?;
        if self.tree.has_subtasks(id) {
            return Err(Error::Conflict(Conflict::HasSubtasks));
        }
        let change = deletion(&task, self.now, self.traceparent)?;
        self.release(&task);
        self.tree.remove(id);
        self.tasks.remove(&id);
        self.changes.push(change);
        Ok(farewell(task))
    }

    fn task(&self, id: TaskId, precondition: &Precondition) -> Result<Task, Error> {
        let task = self.tasks.get(&id).ok_or(Error::NotFound(id))?;
        precondition.judge(task.version)?;
        Ok(task.clone())
    }

    /// A parent that does not exist is told before a version that does not match.
    fn require_parent(&self, task: &Task, fields: &TaskFields, pointer: &str) -> Result<(), Error> {
        let missing = fields
            .new_parent(&task.fields)
            .is_some_and(|parent| self.tree.survey(task.id, parent).parent_depth.is_none());
        if missing {
            return Err(led_from(pointer, unknown_parent()));
        }
        Ok(())
    }

    fn judge_place(&self, task: &Task, pointer: &str) -> Result<(), Error> {
        let Some(parent) = task.fields.parent_id else {
            return Ok(());
        };
        let judged = self.tree.survey(task.id, parent).judge();
        judged.map_err(|error| led_from(pointer, error))
    }

    fn judge_external_id(&self, task: &Task) -> Result<(), Error> {
        let wanted = task.fields.external_id.as_ref();
        match wanted.and_then(|wanted| self.holders.get(wanted)) {
            Some(holder) if *holder != task.id => Err(Error::Conflict(Conflict::ExternalIdTaken)),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, before: Option<&Task>, task: &Task) {
        if let Some(before) = before {
            self.release(before);
        }
        if let Some(external_id) = &task.fields.external_id {
            self.holders.insert(external_id.clone(), task.id);
        }
        self.tree.place(task.id, task.fields.parent_id);
        self.tasks.insert(task.id, task.clone());
    }

    /// Gives the task's external id up, for those after it.
    fn release(&mut self, task: &Task) {
        if let Some(external_id) = &task.fields.external_id
            && self.holders.get(external_id) == Some(&task.id)
        {
            self.holders.remove(external_id);
        }
    }
}

/// The same, with pointers that lead from the request's root.
fn led_from(pointer: &str, error: Error) -> Error {
    match error {
        Error::Invalid(errors) => {
            Error::Invalid(errors.into_iter().map(|error| below(pointer, error)).collect())
        }
        other => other,
    }
}

/// The same error, whose pointer led from the task, with a pointer that leads from the request's root.
fn below(pointer: &str, error: FieldError) -> FieldError {
    let location = match error.location {
        Location::Pointer(inner) => Location::Pointer(format!("{pointer}{inner}")),
        elsewhere => elsewhere,
    };
    FieldError { location, ..error }
}
