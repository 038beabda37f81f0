//! Many writes in one transaction, one transaction after the other.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use taskwire_domain::{
    Change, Conflict, Decision, DeletedTask, Error, ExternalId, Once, Receipt, Scope, Task, TaskFields,
    TaskId, TaskRepository, TasksScope, Version, View,
};
use uuid::Uuid;

use super::{Backend, chain, create_below, stored};
use crate::tasks::{below, created, described, extreme_fields, fields, keyed, moved, new_task};
use crate::verdicts::{
    always, cascade, creation, judge, look_below, relocation, removal, replacement, verdict,
};

type Results = Vec<Result<Receipt, Error>>;

async fn decide(tasks: &dyn TaskRepository, decision: Arc<dyn Decision>) -> Result<Results, Error> {
    match tasks.decide(decision, None).await? {
        Once::First(results) => Ok(results),
        Once::Taken(answer) => panic!("no key was claimed: {answer:?}"),
    }
}

/// What a decision with this scope is shown.
async fn view(tasks: &dyn TaskRepository, scope: Scope) -> Result<View, Error> {
    let seen = Arc::new(std::sync::Mutex::new(None));
    let decision = judge(scope, {
        let seen = seen.clone();
        move |view| {
            *seen.lock().unwrap() = Some(view);
            Ok(verdict(vec![]))
        }
    });
    decide(tasks, decision).await?;
    let view = seen.lock().unwrap().take();
    Ok(view.expect("it was asked"))
}

fn nobody() -> TaskId {
    TaskId::from_uuid(Uuid::nil())
}

fn external_id(text: &str) -> ExternalId {
    ExternalId::parse(text.into()).unwrap()
}

fn by_id(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.sort_by_key(|task| task.id);
    tasks
}

/// Tasks whole, whoever has an external id, and nothing of what is not there.
pub async fn a_decision_sees_the_tasks_it_asks_for<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let plain = stored(&*tasks).await;
    let extreme = new_task(extreme_fields());
    let owner = keyed("JIRA-17");
    for task in [&extreme, &owner] {
        tasks.create(task, &created(task)).await.unwrap();
    }
    let scope = TasksScope {
        tasks: vec![extreme.id, nobody(), plain.id],
        external_ids: vec![external_id("JIRA-17"), external_id("jira-17")],
        ..TasksScope::default()
    };
    let view = view(&*tasks, Scope::Tasks(scope)).await.unwrap();
    assert_eq!(by_id(view.tasks), by_id(vec![plain, extreme]));
    assert_eq!(view.external_ids, [(external_id("JIRA-17"), owner.id)].into());
}

/// Of parents what is above, of moved tasks what is below, of tasks to delete what is directly below; and nothing that
/// is not so.
pub async fn a_decision_sees_the_links_around_its_tasks<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let (up, down, flat) = (
        chain(&*tasks, 4).await,
        chain(&*tasks, 4).await,
        chain(&*tasks, 3).await,
    );
    let second = create_below(&*tasks, &down[1]).await.unwrap();
    let sibling = create_below(&*tasks, &flat[0]).await.unwrap();
    let stranger = create_below(&*tasks, &up[1]).await.unwrap();
    let scope = TasksScope {
        parents: vec![up[2].id, nobody()],
        moved: vec![down[0].id, nobody()],
        deleted: vec![flat[0].id, stranger.id, nobody()],
        ..TasksScope::default()
    };
    let view = view(&*tasks, Scope::Tasks(scope)).await.unwrap();
    let required = [
        &up[0], &up[1], &up[2], &down[1], &down[2], &down[3], &second, &flat[1], &sibling,
    ];
    for task in required {
        assert_eq!(
            view.links.get(&task.id),
            Some(&task.fields.parent_id),
            "{}",
            task.id
        );
    }
    let all: HashMap<_, _> = [&up[..], &down, &flat, &[second, sibling, stranger]]
        .concat()
        .into_iter()
        .map(|task| (task.id, task.fields.parent_id))
        .collect();
    for (id, parent) in &view.links {
        assert_eq!(all.get(id), Some(parent), "{id}");
    }
    assert!(!view.links.contains_key(&up[3].id) && !view.links.contains_key(&flat[2].id));
}

/// Created, changed and deleted together, each with its event, byte for byte and in the order given.
pub async fn a_verdict_is_applied_with_its_events<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let (one, two, three) = (
        stored(&*tasks).await,
        stored(&*tasks).await,
        stored(&*tasks).await,
    );
    let changed = one.with_fields(extreme_fields(), one.updated_at).unwrap();
    let plain = two
        .with_fields(fields(" \\ ' \" {NULL,\"\"}\n"), two.updated_at)
        .unwrap();
    let awkward = ["", "NULL", "a,b", "{}", "\"\\\"", "'"].map(|text| format!("{text}x"));
    let new = new_task(TaskFields {
        categories: taskwire_domain::Categories::parse(awkward.into()).unwrap(),
        parent_id: Some(one.id),
        ..fields("new")
    });
    let gone = removal(&three);
    let Change::Delete { deleted, .. } = gone.clone() else {
        unreachable!("a removal deletes")
    };
    let mut changes = vec![replacement(&changed), gone, creation(&new), replacement(&plain)];
    if let Change::Create(_, event) = &mut changes[2] {
        event.payload = (0..=255_u8).collect::<Vec<_>>().into();
        event.headers = [("b", "1"), ("a", ""), ("b", "[\"ä\",\\]")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    }
    let results = decide(&*tasks, always(changes.clone())).await.unwrap();
    let written: Vec<TaskId> = results
        .into_iter()
        .map(|result| result.unwrap().task.id)
        .collect();
    assert_eq!(written, [one.id, new.id, two.id]);
    for task in [&changed, &plain, &new] {
        assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(task));
    }
    assert_eq!(tasks.find(three.id).await.unwrap(), None);
    assert_eq!(backend.deleted_tasks().await, [deleted]);
    let outbox = backend.outbox().await;
    assert!(outbox.is_sorted_by(|a, b| a.id < b.id));
    let events = outbox.into_iter().skip(3).map(|record| record.event);
    let wanted = changes.into_iter().map(|change| match change {
        Change::Create(_, event) | Change::Update(_, event) | Change::Delete { event, .. } => event,
    });
    assert_eq!(events.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
}

/// A refusal, and a verdict that goes by what is not so, leave everything as it was.
pub async fn a_decision_is_applied_whole_or_not_at_all<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let task = stored(&*tasks).await;
    let new = new_task(fields("new"));
    let refused = judge(always(vec![]).scope(), |_| Err(Error::NotFound(nobody())));
    let error = decide(&*tasks, refused).await.unwrap_err();
    assert!(
        matches!(error, Error::NotFound(id) if id == nobody()),
        "{error:?}"
    );

    let next = described(&task, "next");
    let after_next = described(&next, "after next");
    let never = described(&new_task(fields("never stored")), "second");
    for wrong in [
        replacement(&after_next),
        replacement(&never),
        removal(&next),
        removal(&never),
    ] {
        let changes = vec![creation(&new), wrong.clone()];
        let error = decide(&*tasks, always(changes)).await.unwrap_err();
        assert!(matches!(error, Error::Internal { .. }), "{wrong:?}: {error:?}");
    }
    assert_eq!(tasks.find(new.id).await.unwrap(), None);
    assert_eq!(tasks.find(task.id).await.unwrap(), Some(task));
    assert_eq!(backend.outbox().await.len(), 1);
    assert_eq!(backend.deleted_tasks().await, []);
}

/// What is given up by one task may be taken by another in the same verdict.
pub async fn external_ids_pass_from_task_to_task<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let (a, b, c) = (keyed("A"), keyed("B"), keyed("C"));
    for task in [&a, &b, &c] {
        tasks.create(task, &created(task)).await.unwrap();
    }
    let named = |task: &Task, name: Option<&str>| {
        let fields = TaskFields {
            external_id: name.map(external_id),
            ..task.fields.clone()
        };
        task.with_fields(fields, task.updated_at).unwrap()
    };
    // One after the other: C is deleted, B takes its id, A takes B's, and a new task takes A's.
    let (b_next, a_next, new) = (named(&b, Some("C")), named(&a, Some("B")), keyed("A"));
    let changes = vec![
        removal(&c),
        replacement(&b_next),
        replacement(&a_next),
        creation(&new),
    ];
    decide(&*tasks, always(changes)).await.unwrap();
    for task in [&a_next, &b_next, &new] {
        assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(task));
    }
    // Given up for nothing, and kept.
    let bare = named(&a_next, None);
    let kept = described(&b_next, "kept");
    let taker = keyed("B");
    let changes = vec![replacement(&bare), replacement(&kept), creation(&taker)];
    decide(&*tasks, always(changes)).await.unwrap();
    for task in [&bare, &kept, &taker] {
        assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(task));
    }
}

/// Sub-tasks are added and moved before their parents are needed, and moved away before a parent is deleted.
pub async fn the_tree_changes_with_one_verdict<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let old = chain(&*tasks, 2).await;
    let new = new_task(fields("new"));
    let child = below(&new);
    let rescued = moved(&old[1], Some(&new));
    let changes = vec![
        creation(&new),
        creation(&child),
        replacement(&rescued),
        removal(&old[0]),
    ];
    decide(&*tasks, always(changes)).await.unwrap();
    assert_eq!(tasks.find(old[0].id).await.unwrap(), None);
    for task in [&new, &child, &rescued] {
        assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(task));
    }
    // A parent and its sub-task go together, whichever is named first.
    decide(
        &*tasks,
        always(vec![removal(&child), removal(&rescued), removal(&new)]),
    )
    .await
    .unwrap();
    assert_eq!(backend.deleted_tasks().await.len(), 4);
}

/// The root first and every task after its parent; nothing where there is no root.
pub async fn a_subtree_is_seen_from_its_root_down<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let long = chain(&*tasks, 5).await;
    let mut wanted: Vec<Task> = long[1..].to_vec();
    // A task that is older than its parent.
    let elder = stored(&*tasks).await;
    let parent = create_below(&*tasks, &long[2]).await.unwrap();
    let elder_moved = moved(&elder, Some(&parent));
    super::replace(&*tasks, &elder, &elder_moved).await;
    wanted.extend([parent, elder_moved]);

    let scope = |root, at_most| Scope::Subtree { root, at_most };
    let seen = view(&*tasks, scope(long[1].id, 100)).await.unwrap().tasks;
    assert_eq!(seen[0].id, long[1].id);
    let mut above = HashSet::from([long[1].id]);
    for task in &seen[1..] {
        let parent = task.fields.parent_id.unwrap();
        assert!(above.contains(&parent), "{} stands before its parent", task.id);
        above.insert(task.id);
    }
    assert_eq!(by_id(seen), by_id(wanted));
    assert_eq!(
        view(&*tasks, scope(nobody(), 100)).await.unwrap(),
        View::default()
    );
    // There are six of them.
    view(&*tasks, scope(long[1].id, 6)).await.unwrap();
    let error = view(&*tasks, scope(long[1].id, 5)).await.unwrap_err();
    assert!(
        matches!(error, Error::Conflict(Conflict::SubtreeTooLarge { at_most: 5 })),
        "{error:?}"
    );
}

/// Every task of a subtree is deleted with its event and remembered; what is beside it stays.
pub async fn a_subtree_is_deleted_as_a_whole<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let chain = chain(&*tasks, 6).await;
    let beside = create_below(&*tasks, &chain[0]).await.unwrap();
    decide(&*tasks, cascade(chain[1].id, 5)).await.unwrap();
    let mut gone: Vec<DeletedTask> = backend.deleted_tasks().await;
    gone.sort_by_key(|deleted| deleted.id);
    let ids: Vec<TaskId> = by_id(chain[1..].to_vec()).iter().map(|task| task.id).collect();
    assert_eq!(gone.iter().map(|deleted| deleted.id).collect::<Vec<_>>(), ids);
    assert!(
        gone.iter()
            .all(|deleted| deleted.version == Version::FIRST.next())
    );
    for task in &chain[1..] {
        assert_eq!(tasks.find(task.id).await.unwrap(), None);
    }
    for task in [&chain[0], &beside] {
        assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(task));
    }
    assert_eq!(backend.outbox().await.len(), 7 + 5);
    let error = decide(&*tasks, cascade(chain[1].id, 5)).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
}

/// As many tasks as may be deleted at once, and moved with one; and one more.
pub async fn ten_thousand_tasks_are_moved_and_deleted_at_once_and_no_more<B: Backend>() {
    const MAX: usize = TasksScope::MAX_BELOW;
    let backend = B::start().await;
    let tasks = backend.repository();
    let (root, elsewhere) = (stored(&*tasks).await, stored(&*tasks).await);
    let mut parents = vec![root.clone()];
    let below: Vec<Task> = (0..MAX)
        .map(|index| {
            let task = below(&parents[index / 100]);
            parents.push(task.clone());
            task
        })
        .collect();
    for some in below.chunks(2_500) {
        decide(&*tasks, always(some.iter().map(creation).collect()))
            .await
            .unwrap();
    }
    decide(&*tasks, relocation(root.id, elsewhere.id)).await.unwrap();
    assert_eq!(backend.outbox().await.len(), MAX + 3);

    // All that are moved together count together, and none twice.
    let sub = parents[1].id;
    decide(&*tasks, look_below(vec![root.id, sub])).await.unwrap();
    let apart = stored(&*tasks).await;
    let leaf = create_below(&*tasks, &apart).await.unwrap();
    let error = decide(&*tasks, look_below(vec![root.id, apart.id]))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Conflict(Conflict::SubtreeTooLarge { .. })),
        "{error:?}"
    );
    super::remove(&*tasks, &leaf).await;
    super::remove(&*tasks, &apart).await;

    let one_more = create_below(&*tasks, &parents[1]).await.unwrap();
    let too_large = |error: &Error| matches!(error, Error::Conflict(Conflict::SubtreeTooLarge { at_most }) if *at_most == MAX);
    let error = decide(&*tasks, relocation(root.id, elsewhere.id))
        .await
        .unwrap_err();
    assert!(too_large(&error), "{error:?}");
    let error = decide(&*tasks, cascade(elsewhere.id, MAX)).await.unwrap_err();
    assert!(too_large(&error), "{error:?}");
    super::remove(&*tasks, &one_more).await;
    super::remove(&*tasks, &below[MAX - 1]).await;
    decide(&*tasks, cascade(root.id, MAX)).await.unwrap();
    assert_eq!(backend.deleted_tasks().await.len(), MAX + 4);
}

/// Of a task with more sub-tasks than a batch can delete, at least so many are seen.
pub async fn of_many_subtasks_enough_are_seen<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let parent = stored(&*tasks).await;
    let many: Vec<Change> = (0..TasksScope::MAX_CHILDREN + 9)
        .map(|_| creation(&below(&parent)))
        .collect();
    decide(&*tasks, always(many)).await.unwrap();
    let scope = TasksScope {
        deleted: vec![parent.id],
        ..TasksScope::default()
    };
    let links = view(&*tasks, Scope::Tasks(scope)).await.unwrap().links;
    let children = links.values().filter(|above| **above == Some(parent.id)).count();
    assert_eq!(children, TasksScope::MAX_CHILDREN);
}
