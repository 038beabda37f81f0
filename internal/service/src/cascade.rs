//! Deleting a task with everything below it.

use taskwire_domain::{Decision, Error, Scope, TaskId, Timestamp, Verdict, View};

use crate::Precondition;
use crate::deletion::{deletion, farewell};

/// Deletes the whole subtree, or nothing. One result: the receipt of the task at the top.
pub(crate) struct Cascade {
    pub(crate) root: TaskId,
    pub(crate) at_most: usize,
    pub(crate) precondition: Precondition,
    pub(crate) now: Timestamp,
    pub(crate) traceparent: Option<String>,
}

impl Decision for Cascade {
    fn scope(&self) -> Scope {
        Scope::Subtree {
            root: self.root,
            at_most: self.at_most,
        }
    }

    fn decide(&self, view: View) -> Result<Verdict, Error> {
        let root = view.tasks.first().ok_or(Error::NotFound(self.root))?;
        self.precondition.judge(root.version)?;
        // The view has parents before their sub-tasks; a task goes after all that are below it.
        let deepest_first = view.tasks.iter().rev();
        let deletions = deepest_first.map(|task| deletion(task, self.now, self.traceparent.as_deref()));
        Ok(Verdict {
            changes: deletions.collect::<Result<_, _>>()?,
            results: vec![Ok(farewell(root.clone()))],
            answer: None,
        })
    }
}
