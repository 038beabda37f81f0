//! Parents, cycles and depth.

use taskwire_domain::{Conflict, Error, TaskId, Written};
use uuid::Uuid;

use super::{Backend, chain, code, create_below, relocate, remove, replace, stored};
use crate::tasks::{deletion, described, fields, new_task};

/// A task is neither created nor moved below one that is not there.
pub async fn a_parent_has_to_exist<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let task = stored(&*tasks).await;
    let mut nobody = new_task(fields("nobody"));
    nobody.id = TaskId::from_uuid(Uuid::nil());
    assert_eq!(
        code(&create_below(&*tasks, &nobody).await.unwrap_err()),
        "unknown-parent"
    );
    assert_eq!(
        code(&relocate(&*tasks, &task, Some(&nobody)).await.unwrap_err()),
        "unknown-parent"
    );
    assert_eq!(tasks.find(task.id).await.unwrap(), Some(task));
    assert_eq!(backend.outbox().await.len(), 1);
}

/// A move is a change like any other.
pub async fn a_task_moves_with_its_event_and_back_to_the_top<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let (parent, other) = (stored(&*tasks).await, stored(&*tasks).await);
    let task = create_below(&*tasks, &parent).await.unwrap();
    let (there, written) = relocate(&*tasks, &task, Some(&other)).await.unwrap();
    assert_eq!(written, Written::Applied);
    // In its place it changes like any other.
    let renamed = described(&there, "renamed");
    replace(&*tasks, &there, &renamed).await;
    let (top, written) = relocate(&*tasks, &renamed, None).await.unwrap();
    assert_eq!(written, Written::Applied);
    assert_eq!(tasks.find(task.id).await.unwrap(), Some(top));
    assert_eq!(backend.outbox().await.len(), 6);
    // Nothing is below them any more.
    remove(&*tasks, &parent).await;
    remove(&*tasks, &other).await;
}

/// The version decides before the tree does.
pub async fn a_move_at_another_version_is_stale<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let (task, parent) = (stored(&*tasks).await, stored(&*tasks).await);
    let second = described(&task, "second");
    replace(&*tasks, &task, &second).await;
    for parent in [&parent, &task, &new_task(fields("nobody"))] {
        let (_, written) = relocate(&*tasks, &task, Some(parent)).await.unwrap();
        assert_eq!(written, Written::Stale);
    }
    assert_eq!(tasks.find(task.id).await.unwrap(), Some(second));
}

/// Neither itself nor anything below it can be a task's parent.
pub async fn a_task_cannot_become_its_own_ancestor<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let chain = chain(&*tasks, 3).await;
    for parent in &chain {
        let error = relocate(&*tasks, &chain[0], Some(parent)).await.unwrap_err();
        assert!(
            matches!(error, Error::Conflict(Conflict::ParentCycle)),
            "{error:?}"
        );
    }
    assert_eq!(tasks.find(chain[0].id).await.unwrap().as_ref(), Some(&chain[0]));
}

/// The depth counts what is moved with all that is below it.
pub async fn sixteen_levels_are_allowed_and_no_more<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let long = chain(&*tasks, 16).await;
    assert_eq!(
        code(&create_below(&*tasks, &long[15]).await.unwrap_err()),
        "too-deep"
    );

    let pair = chain(&*tasks, 2).await;
    let error = relocate(&*tasks, &pair[0], Some(&long[14])).await.unwrap_err();
    assert_eq!(code(&error), "too-deep");
    let (_, written) = relocate(&*tasks, &pair[0], Some(&long[13])).await.unwrap();
    assert_eq!(written, Written::Applied);
    // Within its own tree a task does not count twice.
    let (_, written) = relocate(&*tasks, &long[15], Some(&long[13])).await.unwrap();
    assert_eq!(written, Written::Applied);
}

/// A parent stays until nothing is below it.
pub async fn a_task_with_subtasks_is_not_deleted<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let chain = chain(&*tasks, 2).await;
    let (deleted, expected, event) = deletion(&chain[0]);
    let error = tasks.delete(&deleted, expected, &event).await.unwrap_err();
    assert!(
        matches!(error, Error::Conflict(Conflict::HasSubtasks)),
        "{error:?}"
    );
    assert_eq!(backend.deleted_tasks().await, []);
    remove(&*tasks, &chain[1]).await;
    let written = tasks.delete(&deleted, expected, &event).await.unwrap();
    assert_eq!(written, Written::Applied);
}
