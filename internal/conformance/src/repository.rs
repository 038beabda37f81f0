//! The rules of [`TaskRepository`].

use std::sync::Arc;

use async_trait::async_trait;
use taskwire_domain::{DeletedTask, Error, OutboxRecord, Task, TaskRepository, Written};

use crate::tasks::{below, created, deletion, fields, moved, new_task, updated};

pub mod claims;
pub mod crowd;
pub mod decision_races;
pub mod decisions;
pub mod hierarchy;
pub mod lists;
pub mod single;

/// What a backend may differ in.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    /// Several processes may use the same tasks at once.
    pub several_processes: bool,
}

/// A repository with nothing in it, all of whose traces can be read.
#[async_trait(?Send)]
pub trait Backend: Send + Sync + Sized + 'static {
    /// What it can do.
    const FEATURES: Features;

    /// A fresh one.
    async fn start() -> Self;

    /// The repository.
    fn repository(&self) -> Arc<dyn TaskRepository>;

    /// A repository of the same tasks, as another process would open it, or why there is none.
    async fn as_another_process(&self) -> Result<Arc<dyn TaskRepository>, String>;

    /// Every event in the outbox, by id.
    async fn outbox(&self) -> Vec<OutboxRecord>;

    /// What is remembered of deleted tasks, in any order.
    async fn deleted_tasks(&self) -> Vec<DeletedTask>;
}

/// Runs every rule on a backend: `taskwire_conformance::repository_suite!(MyBackend);`
#[macro_export]
macro_rules! repository_suite {
    ($backend:ty) => {
        $crate::tests!(
            $backend,
            $crate::repository::single,
            [
                every_field_reads_back_exactly,
                an_update_replaces_every_field,
                a_task_that_is_not_there_is_none,
                a_write_at_another_version_applies_nothing,
                a_deletion_leaves_its_remains_and_no_task,
                an_external_id_belongs_to_one_task,
                an_external_id_that_is_given_up_is_free,
                external_ids_are_the_same_when_every_character_is,
                each_write_leaves_its_event_in_order_and_byte_for_byte,
                a_refused_write_leaves_no_event,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::repository::hierarchy,
            [
                a_parent_has_to_exist,
                a_task_moves_with_its_event_and_back_to_the_top,
                a_move_at_another_version_is_stale,
                a_task_cannot_become_its_own_ancestor,
                sixteen_levels_are_allowed_and_no_more,
                a_task_with_subtasks_is_not_deleted,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::repository::crowd,
            [
                processes_share_the_tasks_or_keep_each_other_out,
                for_one_task_outbox_ids_grow_with_versions,
                of_twins_with_one_external_id_exactly_one_is_stored,
                every_write_of_a_crowd_is_there_with_its_event,
                of_two_moves_that_would_make_a_cycle_exactly_one_wins,
                a_move_and_an_addition_at_once_do_not_pass_the_depth_together,
                a_parent_deleted_while_a_task_is_added_below_it_leaves_no_orphan,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::repository::claims,
            [
                a_key_is_honoured_once,
                keys_are_the_same_when_scope_and_every_character_are,
                a_repetition_is_answered_whatever_happened_since,
                a_refused_creation_leaves_its_key_free,
                a_creation_under_a_key_keeps_the_rules_of_the_tree,
                a_key_gives_way_after_its_day_and_not_before,
                keys_are_forgotten_from_a_given_age_on,
                of_twins_at_once_one_creates_and_all_get_its_answer,
                an_expired_key_gives_way_to_one,
                a_decision_under_a_key_is_taken_once,
                a_decision_that_keeps_no_answer_leaves_its_key_free,
                of_twins_at_once_one_decides_and_all_get_its_answer,
                a_creation_and_a_decision_share_their_keys,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::repository::decisions,
            [
                a_decision_sees_the_tasks_it_asks_for,
                a_decision_sees_the_links_around_its_tasks,
                a_verdict_is_applied_with_its_events,
                a_decision_is_applied_whole_or_not_at_all,
                external_ids_pass_from_task_to_task,
                the_tree_changes_with_one_verdict,
                a_subtree_is_seen_from_its_root_down,
                a_subtree_is_deleted_as_a_whole,
                ten_thousand_tasks_are_moved_and_deleted_at_once_and_no_more,
                of_many_subtasks_enough_are_seen,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::repository::decision_races,
            [
                no_change_of_many_is_lost_among_others,
                a_lost_race_is_decided_anew,
                of_two_opposite_moves_exactly_one_wins,
                a_decided_move_and_an_addition_do_not_pass_the_depth_together,
                a_subtree_is_deleted_while_others_change_it,
            ]
        );
        $crate::tests!(
            $backend,
            $crate::repository::lists,
            [
                every_order_is_complete_at_every_page_size,
                filters_leave_exactly_what_fulfils_them,
                a_place_outlives_its_task,
                a_walk_sees_what_is_there_throughout_exactly_once,
                each_database_has_one_signing_key,
            ]
        );
    };
}

/// Two repositories of the same tasks, of two processes where the backend allows that.
async fn pair<B: Backend>(backend: &B) -> [Arc<dyn TaskRepository>; 2] {
    let second = match B::FEATURES.several_processes {
        true => backend.as_another_process().await.expect("there may be several"),
        false => backend.repository(),
    };
    [backend.repository(), second]
}

/// A stored task without a parent.
async fn stored(tasks: &dyn TaskRepository) -> Task {
    let task = new_task(fields("stored"));
    tasks.create(&task, &created(&task)).await.unwrap();
    task
}

async fn create_below(tasks: &dyn TaskRepository, parent: &Task) -> Result<Task, Error> {
    let task = below(parent);
    tasks.create(&task, &created(&task)).await.map(|()| task)
}

async fn relocate(
    tasks: &dyn TaskRepository,
    task: &Task,
    parent: Option<&Task>,
) -> Result<(Task, Written), Error> {
    let next = moved(task, parent);
    let written = tasks.update(&next, task.version, &updated(&next)).await?;
    Ok((next, written))
}

/// Updates a task that nobody else writes.
async fn replace(tasks: &dyn TaskRepository, task: &Task, next: &Task) {
    let written = tasks.update(next, task.version, &updated(next)).await.unwrap();
    assert_eq!(written, Written::Applied);
}

/// Deletes a task that nobody else writes.
async fn remove(tasks: &dyn TaskRepository, task: &Task) -> DeletedTask {
    let (deleted, expected, event) = deletion(task);
    let written = tasks.delete(&deleted, expected, &event).await.unwrap();
    assert_eq!(written, Written::Applied);
    deleted
}

/// A stored task at each depth from 1 to `depth`.
async fn chain(tasks: &dyn TaskRepository, depth: usize) -> Vec<Task> {
    let mut chain = vec![stored(tasks).await];
    while chain.len() < depth {
        chain.push(create_below(tasks, &chain[chain.len() - 1]).await.unwrap());
    }
    chain
}

/// The code of the one rule that is broken.
fn code(error: &Error) -> &'static str {
    match error {
        Error::Invalid(errors) if errors.len() == 1 => errors[0].violation.code,
        other => panic!("not one broken rule: {other:?}"),
    }
}
