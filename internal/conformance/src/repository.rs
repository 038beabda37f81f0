//! The rules of [`TaskRepository`].

use std::sync::Arc;

use async_trait::async_trait;
use taskwire_domain::{DeletedTask, Error, OutboxRecord, Task, TaskRepository, Written};

use crate::tasks::{below, created, deletion, fields, moved, new_task, updated};

pub mod crowd;
pub mod hierarchy;
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
