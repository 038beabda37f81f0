//! Decisions for the suites to have taken.

use std::collections::HashMap;
use std::sync::Arc;

use taskwire_domain::{
    Change, Conflict, Decision, Error, Receipt, Scope, Task, TaskId, TasksScope, TreeSurvey, Verdict, View,
};

use crate::tasks::{created, deletion, moved, updated};

struct Judge<F> {
    scope: Scope,
    judge: F,
}

impl<F: Fn(View) -> Result<Verdict, Error> + Send + Sync> Decision for Judge<F> {
    fn scope(&self) -> Scope {
        self.scope.clone()
    }

    fn decide(&self, view: View) -> Result<Verdict, Error> {
        (self.judge)(view)
    }
}

/// A decision by this function.
pub fn judge(
    scope: Scope,
    judge: impl Fn(View) -> Result<Verdict, Error> + Send + Sync + 'static,
) -> Arc<dyn Decision> {
    Arc::new(Judge { scope, judge })
}

/// A decision for these changes, whatever stands.
pub fn always(changes: Vec<Change>) -> Arc<dyn Decision> {
    let given = changes.iter().filter_map(|change| match change {
        Change::Create(task, _) | Change::Update(task, _) => task.fields.external_id.clone(),
        Change::Delete { .. } => None,
    });
    let scope = TasksScope {
        tasks: changes.iter().filter_map(changed_id).collect(),
        external_ids: given.collect(),
        ..TasksScope::default()
    };
    judge(Scope::Tasks(scope), move |_| Ok(verdict(changes.clone())))
}

fn changed_id(change: &Change) -> Option<TaskId> {
    match change {
        Change::Create(..) => None,
        Change::Update(task, _) => Some(task.id),
        Change::Delete { deleted, .. } => Some(deleted.id),
    }
}

/// These changes, with a receipt for every task that is written.
pub fn verdict(changes: Vec<Change>) -> Verdict {
    let receipts = changes.iter().filter_map(|change| match change {
        Change::Create(task, _) | Change::Update(task, _) => Some(Ok(Receipt::of(task.clone()))),
        Change::Delete { .. } => None,
    });
    Verdict {
        results: receipts.collect(),
        changes,
        answer: None,
    }
}

/// The change that stores `task`.
pub fn creation(task: &Task) -> Change {
    Change::Create(task.clone(), created(task))
}

/// The change that makes `next` of the version before it.
pub fn replacement(next: &Task) -> Change {
    Change::Update(next.clone(), updated(next))
}

/// The change that deletes `task`.
pub fn removal(task: &Task) -> Change {
    let (deleted, from, event) = deletion(task);
    Change::Delete { deleted, from, event }
}

/// Deletes a task with everything below it, the lowest first.
pub fn cascade(root: TaskId, at_most: usize) -> Arc<dyn Decision> {
    judge(Scope::Subtree { root, at_most }, move |view| {
        if view.tasks.is_empty() {
            return Err(Error::NotFound(root));
        }
        Ok(verdict(view.tasks.iter().rev().map(removal).collect()))
    })
}

/// Places a task below another.
pub fn relocation(task: TaskId, parent: TaskId) -> Arc<dyn Decision> {
    let scope = TasksScope {
        tasks: vec![task],
        parents: vec![parent],
        moved: vec![task],
        ..TasksScope::default()
    };
    judge(Scope::Tasks(scope), move |view| {
        let current = view.tasks.first().ok_or(Error::NotFound(task))?;
        survey(&view.links, task, parent).judge()?;
        let below = Task {
            id: parent,
            ..current.clone()
        };
        let next = moved(current, Some(&below));
        Ok(verdict(vec![replacement(&next)]))
    })
}

/// Looks at what is below these tasks, as if they were to be moved, and changes nothing.
pub fn look_below(moved: Vec<TaskId>) -> Arc<dyn Decision> {
    let scope = TasksScope {
        moved,
        ..TasksScope::default()
    };
    judge(Scope::Tasks(scope), |_| Ok(Verdict::default()))
}

/// Stores a task below the parent that it names.
pub fn addition(task: Task) -> Arc<dyn Decision> {
    let parent = task.fields.parent_id.expect("it has a parent");
    let scope = TasksScope {
        parents: vec![parent],
        ..TasksScope::default()
    };
    judge(Scope::Tasks(scope), move |view| {
        survey(&view.links, task.id, parent).judge()?;
        Ok(verdict(vec![creation(&task)]))
    })
}

/// Stores a task unless another has its external id.
pub fn keyed_creation(task: Task) -> Arc<dyn Decision> {
    let wanted = task.fields.external_id.clone().expect("it has one");
    let scope = TasksScope {
        external_ids: vec![wanted.clone()],
        ..TasksScope::default()
    };
    judge(Scope::Tasks(scope), move |view| {
        match view.external_ids.contains_key(&wanted) {
            true => Err(Error::Conflict(Conflict::ExternalIdTaken)),
            false => Ok(verdict(vec![creation(&task)])),
        }
    })
}

fn survey(links: &HashMap<TaskId, Option<TaskId>>, task: TaskId, parent: TaskId) -> TreeSurvey {
    let above = |from: TaskId| {
        let known = Some(from).filter(|id| links.contains_key(id));
        std::iter::successors(known, |id| links.get(id).copied().flatten()).take(20)
    };
    let depth_below = |id: &TaskId| above(*id).position(|above| above == task);
    let height = links.keys().filter_map(depth_below).max().unwrap_or(0) + 1;
    let parent_depth = above(parent).count();
    TreeSurvey {
        parent_depth: (parent_depth > 0).then_some(parent_depth as i32),
        is_cycle: above(parent).any(|id| id == task),
        height: height as i32,
    }
}
