//! Who may be whose parent. The rule needs more than one task, so a repository surveys the tree, excluding all others
//! who change it meanwhile, and lets the survey judge.

use crate::{Conflict, Error, FieldError, Violation};

/// The greatest depth; a task without a parent is at depth 1.
pub const MAX_DEPTH: i32 = 16;

/// What the tree looks like around a task and the parent it is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeSurvey {
    /// The new parent's depth, 1 for one at the top; `None` if there is no such task. Need not be counted beyond
    /// [`MAX_DEPTH`] and one.
    pub parent_depth: Option<i32>,
    /// Whether the task is the new parent or stands above it.
    pub is_cycle: bool,
    /// How many levels the task and all that is below it take: 1 for a task without sub-tasks. Need not be counted
    /// beyond [`MAX_DEPTH`] and one.
    pub height: i32,
}

impl TreeSurvey {
    /// Whether the task, new or with all that is below it, may be placed below the parent.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `/parentId`, [`Conflict::ParentCycle`].
    pub fn judge(self) -> Result<(), Error> {
        match self.parent_depth {
            None => Err(unknown_parent()),
            Some(_) if self.is_cycle => Err(Error::Conflict(Conflict::ParentCycle)),
            Some(depth) if depth + self.height > MAX_DEPTH => Err(too_deep()),
            Some(_) => Ok(()),
        }
    }
}

/// The parent does not exist.
pub fn unknown_parent() -> Error {
    at_parent(Violation::new(
        "unknown-parent",
        "must be the id of an existing task",
    ))
}

fn too_deep() -> Error {
    at_parent(Violation::new(
        "too-deep",
        "must not put a task, or one below it, deeper than 16 levels",
    ))
}

fn at_parent(violation: Violation) -> Error {
    Error::Invalid(vec![FieldError::at_pointer("/parentId", violation)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: TreeSurvey = TreeSurvey {
        parent_depth: Some(MAX_DEPTH - 1),
        is_cycle: false,
        height: 1,
    };

    fn code(survey: TreeSurvey) -> &'static str {
        match survey.judge() {
            Ok(()) => "allowed",
            Err(Error::Invalid(errors)) => errors[0].violation.code,
            Err(Error::Conflict(Conflict::ParentCycle)) => "cycle",
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn sixteen_levels_are_allowed_and_no_more() {
        assert_eq!(code(SOUND), "allowed");
        assert_eq!(code(TreeSurvey { height: 2, ..SOUND }), "too-deep");
        let parent_depth = Some(MAX_DEPTH);
        assert_eq!(
            code(TreeSurvey {
                parent_depth,
                ..SOUND
            }),
            "too-deep"
        );
    }

    #[test]
    fn a_parent_exists_and_is_not_below_the_task() {
        let parent_depth = None;
        assert_eq!(
            code(TreeSurvey {
                parent_depth,
                ..SOUND
            }),
            "unknown-parent"
        );
        // A cycle is a cycle however deep.
        let deep = TreeSurvey { height: 9, ..SOUND };
        assert_eq!(
            code(TreeSurvey {
                is_cycle: true,
                ..deep
            }),
            "cycle"
        );
    }
}
