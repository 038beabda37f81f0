//! Many at once.

use std::collections::HashMap;

use futures::future::join_all;
use taskwire_domain::{Conflict, Error, Task, TaskId, TaskRepository, Written};

use super::{Backend, chain, code, create_below, pair, relocate, remove, replace, stored};
use crate::tasks::{created, deletion, described, fields, keyed, new_task, updated};

/// What one process wrote another reads; or the backend, which says that it cannot have two, refuses the second.
pub async fn processes_share_the_tasks_or_keep_each_other_out<B: Backend>() {
    let backend = B::start().await;
    let task = stored(&*backend.repository()).await;
    match backend.as_another_process().await {
        Ok(other) => {
            assert!(B::FEATURES.several_processes, "a second process was let in");
            assert_eq!(other.find(task.id).await.unwrap(), Some(task));
        }
        Err(sentence) => assert!(!B::FEATURES.several_processes, "{sentence}"),
    }
}

/// Many writers of one task: each reads and writes until its change is in.
pub async fn for_one_task_outbox_ids_grow_with_versions<B: Backend>() {
    let backend = B::start().await;
    let repositories = pair(&backend).await;
    let task = stored(&*repositories[0]).await;
    join_all((0..8).map(|writer| change_until_applied(&*repositories[writer % 2], task.id, writer))).await;
    let outbox = backend.outbox().await;
    let versions: Vec<i64> = outbox.iter().map(|record| record.event.version.get()).collect();
    assert_eq!(versions, (1..=81).collect::<Vec<_>>());
}

async fn change_until_applied(tasks: &dyn TaskRepository, id: TaskId, writer: usize) {
    for round in 0..10 {
        loop {
            let current = tasks.find(id).await.unwrap().unwrap();
            let next = described(&current, &format!("{writer} {round}"));
            let written = tasks
                .update(&next, current.version, &updated(&next))
                .await
                .unwrap();
            if written == Written::Applied {
                break;
            }
        }
    }
}

/// Of several creations with one external id at once, one is stored and the others leave nothing.
pub async fn of_twins_with_one_external_id_exactly_one_is_stored<B: Backend>() {
    let backend = B::start().await;
    let repositories = pair(&backend).await;
    for round in 0..10 {
        let twins: Vec<Task> = (0..8).map(|_| keyed(&format!("JIRA-{round}"))).collect();
        let outcomes = join_all(twins.iter().enumerate().map(|(index, twin)| {
            let tasks = &repositories[index % 2];
            async move { tasks.create(twin, &created(twin)).await }
        }))
        .await;
        let mut winners = Vec::new();
        for (twin, outcome) in twins.iter().zip(outcomes) {
            match outcome {
                Ok(()) => winners.push(twin.id),
                Err(Error::Conflict(Conflict::ExternalIdTaken)) => {
                    assert_eq!(repositories[0].find(twin.id).await.unwrap(), None);
                }
                Err(other) => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(backend.outbox().await.len(), round + 1);
    }
}

/// 64 callers, each creating, changing and deleting, and now and then doing what is refused: everything that was
/// acknowledged is there, with one event each, in each task's order, and nothing else.
pub async fn every_write_of_a_crowd_is_there_with_its_event<B: Backend>() {
    let backend = B::start().await;
    let repositories = pair(&backend).await;
    let taken = keyed("taken");
    repositories[0].create(&taken, &created(&taken)).await.unwrap();
    let callers = (0..64).map(|caller| write_and_be_refused(&*repositories[caller % 2]));
    let last: Vec<(TaskId, Option<Task>, i64)> = join_all(callers).await.into_iter().flatten().collect();

    let mut events: HashMap<TaskId, Vec<i64>> = HashMap::new();
    for record in backend.outbox().await {
        let of_task = events.entry(record.event.task_id).or_default();
        of_task.push(record.event.version.get());
    }
    assert_eq!(events.remove(&taken.id), Some(vec![1]));
    for (id, task, last_version) in last {
        assert_eq!(repositories[0].find(id).await.unwrap(), task);
        assert_eq!(events.remove(&id), Some((1..=last_version).collect()), "{id}");
    }
    assert_eq!(events, HashMap::new(), "events of writes that were refused");
}

/// For each task the id, the task unless it was deleted, and the last version.
async fn write_and_be_refused(tasks: &dyn TaskRepository) -> Vec<(TaskId, Option<Task>, i64)> {
    let mut last = Vec::new();
    for _ in 0..5 {
        let task = stored(tasks).await;
        let twin = keyed("taken");
        tasks.create(&twin, &created(&twin)).await.unwrap_err();
        let changed = described(&task, "changed");
        replace(tasks, &task, &changed).await;
        create_below(tasks, &new_task(fields("never stored")))
            .await
            .unwrap_err();
        let gone = stored(tasks).await;
        remove(tasks, &gone).await;
        last.push((task.id, Some(changed), 2));
        last.push((gone.id, None, 2));
    }
    last
}

/// Two tasks are moved below each other.
pub async fn of_two_moves_that_would_make_a_cycle_exactly_one_wins<B: Backend>() {
    let backend = B::start().await;
    let [one, two] = pair(&backend).await;
    for round in 0..60 {
        let (a, b) = (stored(&*one).await, stored(&*two).await);
        let moves = tokio::join!(relocate(&*one, &a, Some(&b)), relocate(&*two, &b, Some(&a)));
        match moves {
            (Ok((_, Written::Applied)), Err(Error::Conflict(Conflict::ParentCycle)))
            | (Err(Error::Conflict(Conflict::ParentCycle)), Ok((_, Written::Applied))) => {}
            other => panic!("round {round}: {other:?}"),
        }
    }
}

/// Each would be allowed without the other.
pub async fn a_move_and_an_addition_at_once_do_not_pass_the_depth_together<B: Backend>() {
    let backend = B::start().await;
    let [one, two] = pair(&backend).await;
    for round in 0..20 {
        // Below the fifteenth there is room for one level: either the move of a single task, or, if the addition
        // below that task comes first, nothing.
        let chain = chain(&*one, 15).await;
        let single = stored(&*one).await;
        let both = tokio::join!(
            relocate(&*one, &single, Some(&chain[14])),
            create_below(&*two, &single)
        );
        match both {
            (Ok((_, Written::Applied)), Err(error)) | (Err(error), Ok(_)) => {
                assert_eq!(code(&error), "too-deep", "round {round}");
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
}

/// Either the parent stays or the sub-task is refused.
pub async fn a_parent_deleted_while_a_task_is_added_below_it_leaves_no_orphan<B: Backend>() {
    let backend = B::start().await;
    let [one, two] = pair(&backend).await;
    for round in 0..60 {
        let parent = stored(&*one).await;
        let (deleted, expected, event) = deletion(&parent);
        let both = tokio::join!(
            create_below(&*one, &parent),
            two.delete(&deleted, expected, &event)
        );
        match both {
            (Ok(_), Err(Error::Conflict(Conflict::HasSubtasks))) => {}
            (Err(error), Ok(Written::Applied)) => assert_eq!(code(&error), "unknown-parent", "round {round}"),
            other => panic!("round {round}: {other:?}"),
        }
    }
}
