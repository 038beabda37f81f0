//! The tree of tasks as far as a decision sees it, while the decision changes it step by step.

use std::collections::{HashMap, HashSet};
use std::iter;

use taskwire_domain::{MAX_DEPTH, TaskId, TreeSurvey};

/// One level more than allowed is enough to know. Walking no further also bounds it in a cycle that somebody made by
/// hand.
const ENOUGH_LEVELS: usize = MAX_DEPTH as usize + 1;

/// Who stands below whom. A link that was not shown counts as one that is not there.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    parents: HashMap<TaskId, Option<TaskId>>,
    children: HashMap<TaskId, HashSet<TaskId>>,
}

impl Tree {
    /// Puts a task below `parent`, or at the top: a new one, or one that stood elsewhere, which takes all that is
    /// below it along.
    pub(crate) fn place(&mut self, task: TaskId, parent: Option<TaskId>) {
        self.detach(task);
        self.parents.insert(task, parent);
        if let Some(parent) = parent {
            self.children.entry(parent).or_default().insert(task);
        }
    }

    /// Takes a task out that has no sub-tasks.
    pub(crate) fn remove(&mut self, task: TaskId) {
        self.detach(task);
        self.parents.remove(&task);
    }

    /// Whether any task stands directly below this one.
    pub(crate) fn has_subtasks(&self, task: TaskId) -> bool {
        self.children.get(&task).is_some_and(|below| !below.is_empty())
    }

    /// The tree around `task`, new or not, and the parent it is to have.
    pub(crate) fn survey(&self, task: TaskId, parent: TaskId) -> TreeSurvey {
        let known = self.parents.contains_key(&parent).then_some(parent);
        let above = iter::successors(known, |id| self.parents.get(id).copied().flatten());
        let above: Vec<TaskId> = above.take(ENOUGH_LEVELS).collect();
        TreeSurvey {
            parent_depth: known.map(|_| levels(above.len())),
            is_cycle: above.contains(&task),
            height: self.height(task),
        }
    }

    fn height(&self, task: TaskId) -> i32 {
        let rows = iter::successors(Some(vec![task]), |row| {
            let below = row.iter().filter_map(|id| self.children.get(id));
            let below: Vec<TaskId> = below.flatten().copied().collect();
            (!below.is_empty()).then_some(below)
        });
        levels(rows.take(ENOUGH_LEVELS).count())
    }

    fn detach(&mut self, task: TaskId) {
        if let Some(parent) = self.parents.get(&task).copied().flatten()
            && let Some(siblings) = self.children.get_mut(&parent)
        {
            siblings.remove(&task);
        }
    }
}

/// At most [`ENOUGH_LEVELS`], so the conversion is exact.
fn levels(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl FromIterator<(TaskId, Option<TaskId>)> for Tree {
    fn from_iter<I: IntoIterator<Item = (TaskId, Option<TaskId>)>>(links: I) -> Self {
        let mut tree = Self::default();
        for (task, parent) in links {
            tree.place(task, parent);
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use taskwire_domain::{Conflict, Error};
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> TaskId {
        TaskId::from_uuid(Uuid::from_u128(number))
    }

    /// Tasks 1 to `length`, each below the one before.
    fn chain(length: u128) -> Tree {
        (1..=length)
            .map(|number| (id(number), (number > 1).then(|| id(number - 1))))
            .collect()
    }

    #[test]
    fn a_survey_counts_both_ways_from_the_place_itself() {
        let mut tree = chain(5);
        tree.place(id(10), None);
        tree.place(id(11), Some(id(10)));
        let wanted = TreeSurvey {
            parent_depth: Some(4),
            is_cycle: false,
            height: 2,
        };
        assert_eq!(tree.survey(id(10), id(4)), wanted);
        let new = tree.survey(id(99), id(5));
        assert_eq!((new.parent_depth, new.height), (Some(5), 1));
        assert_eq!(tree.survey(id(10), id(98)).parent_depth, None);
    }

    #[test]
    fn a_task_takes_what_is_below_it_along() {
        let mut tree = chain(4);
        tree.place(id(3), None);
        assert!(!tree.has_subtasks(id(2)));
        assert!(!tree.survey(id(2), id(4)).is_cycle);
        assert_eq!(tree.survey(id(2), id(4)).parent_depth, Some(2));
        tree.place(id(2), Some(id(4)));
        assert!(tree.survey(id(3), id(2)).is_cycle);
    }

    #[test]
    fn what_was_removed_is_nobodys_parent_and_nobodys_subtask() {
        let mut tree = chain(2);
        tree.remove(id(2));
        assert!(!tree.has_subtasks(id(1)));
        assert_eq!(tree.survey(id(1), id(2)).parent_depth, None);
    }

    #[test]
    fn a_circle_made_by_hand_and_links_that_lead_nowhere_are_walked_to_an_end() {
        let circle: Tree = [(id(1), Some(id(2))), (id(2), Some(id(1)))].into_iter().collect();
        assert_eq!(circle.survey(id(9), id(1)).parent_depth, Some(MAX_DEPTH + 1));
        assert_eq!(circle.survey(id(1), id(9)).height, MAX_DEPTH + 1);
        let judged = circle.survey(id(1), id(1)).judge();
        assert!(matches!(judged, Err(Error::Conflict(Conflict::ParentCycle))));

        let loose: Tree = [(id(1), Some(id(7)))].into_iter().collect();
        assert_eq!(loose.survey(id(9), id(1)).parent_depth, Some(2));
    }
}
