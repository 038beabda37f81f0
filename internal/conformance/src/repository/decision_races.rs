//! Many writes in one transaction, while others write too.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use taskwire_domain::{
    Clock as _, Conflict, Decision, Error, KeyClaim, Once, Scope, SystemClock, Task, TaskId, TaskRepository,
    TasksScope, Written,
};

use super::{Backend, chain, code, create_below, pair, relocate, stored};
use crate::tasks::{below, created, deletion, described, keyed, moved, updated};
use crate::verdicts::{addition, cascade, judge, keyed_creation, relocation, replacement, verdict};

/// Every event is of a write that took place: each task is at its last event's version, or was deleted with it, its
/// events are in order without a gap, and its parent exists.
async fn assert_whole<B: Backend>(backend: &B) {
    let tasks = backend.repository();
    let mut versions: HashMap<TaskId, Vec<i64>> = HashMap::new();
    for record in backend.outbox().await {
        let event = record.event;
        versions
            .entry(event.task_id)
            .or_default()
            .push(event.version.get());
    }
    let deleted: HashMap<TaskId, i64> = backend
        .deleted_tasks()
        .await
        .into_iter()
        .map(|deleted| (deleted.id, deleted.version.get()))
        .collect();
    for (id, versions) in versions {
        let last = versions.len() as i64;
        assert_eq!(versions, (1..=last).collect::<Vec<_>>(), "{id}");
        match (tasks.find(id).await.unwrap(), deleted.get(&id)) {
            (Some(task), None) => {
                assert_eq!(task.version.get(), last, "{id}");
                if let Some(parent) = task.fields.parent_id {
                    assert!(tasks.find(parent).await.unwrap().is_some(), "{id} is an orphan");
                }
            }
            (None, Some(version)) => assert_eq!(*version, last, "{id}"),
            other => panic!("{id}: {other:?}"),
        }
    }
}

async fn decide(tasks: &dyn TaskRepository, decision: Arc<dyn Decision>) -> Result<(), Error> {
    match tasks.decide(decision, None).await? {
        Once::First(_) => Ok(()),
        Once::Taken(answer) => panic!("no key was claimed: {answer:?}"),
    }
}

/// Changes all of these tasks, whatever they are.
fn changing(ids: Vec<TaskId>, description: String) -> Arc<dyn Decision> {
    let scope = TasksScope {
        tasks: ids,
        ..TasksScope::default()
    };
    judge(Scope::Tasks(scope), move |view| {
        let next = view.tasks.iter().map(|task| described(task, &description));
        Ok(verdict(next.map(|next| replacement(&next)).collect()))
    })
}

/// Writers of many tasks, each naming them in another order, beside writers of single ones: nobody's change is lost,
/// and each task's events stand in the order of its versions.
pub async fn no_change_of_many_is_lost_among_others<B: Backend>() {
    let backend = B::start().await;
    let repositories = pair(&backend).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(stored(&*repositories[0]).await.id);
    }
    join_all((0..8).map(|writer| {
        let tasks = &repositories[writer % 2];
        let mut ids = ids.clone();
        ids.rotate_left(writer % 6);
        if writer % 3 == 0 {
            ids.reverse();
        }
        async move {
            for round in 0..10 {
                let some = ids[..4].to_vec();
                decide(&**tasks, changing(some, format!("{writer} {round}")))
                    .await
                    .unwrap();
                let current = tasks.find(ids[5]).await.unwrap().unwrap();
                let next = described(&current, &format!("single {writer} {round}"));
                tasks
                    .update(&next, current.version, &updated(&next))
                    .await
                    .unwrap();
            }
        }
    }))
    .await;
    assert_whole(&backend).await;
    let deciders = 8 * 10 * 4;
    let total = backend.outbox().await.len();
    assert!(total >= 6 + deciders, "{total}");
}

/// Of many who saw an external id free, one gets it, and the others decide anew and see that it is taken.
pub async fn a_lost_race_is_decided_anew<B: Backend>() {
    let backend = B::start().await;
    let repositories = pair(&backend).await;
    for round in 0..15 {
        let outcomes = join_all((0..8).map(|index| {
            let decision = keyed_creation(keyed(&format!("JIRA-{round}")));
            let tasks = &repositories[index % 2];
            async move { decide(&**tasks, decision).await }
        }))
        .await;
        let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(winners, 1, "round {round}: {outcomes:?}");
        for outcome in outcomes {
            let is_sound = matches!(outcome, Ok(()) | Err(Error::Conflict(Conflict::ExternalIdTaken)));
            assert!(is_sound, "round {round}: {outcome:?}");
        }
        assert_eq!(backend.outbox().await.len(), round + 1);
    }
}

/// Two tasks are moved below each other, one of them by a decision, or both.
pub async fn of_two_opposite_moves_exactly_one_wins<B: Backend>() {
    let backend = B::start().await;
    let [one, two] = pair(&backend).await;
    for round in 0..40 {
        let (a, b) = (stored(&*one).await, stored(&*two).await);
        let outcomes = match round % 2 {
            0 => tokio::join!(
                decide(&*one, relocation(a.id, b.id)),
                decide(&*two, relocation(b.id, a.id))
            ),
            _ => tokio::join!(decide(&*one, relocation(a.id, b.id)), async {
                let (_, written) = relocate(&*two, &b, Some(&a)).await?;
                assert_eq!(written, Written::Applied);
                Ok(())
            }),
        };
        match outcomes {
            (Ok(()), Err(Error::Conflict(Conflict::ParentCycle)))
            | (Err(Error::Conflict(Conflict::ParentCycle)), Ok(())) => {}
            other => panic!("round {round}: {other:?}"),
        }
    }
    assert_whole(&backend).await;
}

/// A move and an addition each within the depth, but not together.
pub async fn a_decided_move_and_an_addition_do_not_pass_the_depth_together<B: Backend>() {
    let backend = B::start().await;
    let [one, two] = pair(&backend).await;
    for round in 0..20 {
        let chain = chain(&*one, 15).await;
        let single = stored(&*one).await;
        let move_down = decide(&*one, relocation(single.id, chain[14].id));
        let outcomes = match round % 2 {
            0 => tokio::join!(move_down, decide(&*two, addition(below(&single)))),
            _ => tokio::join!(move_down, async { create_below(&*two, &single).await.map(drop) }),
        };
        match outcomes {
            (Ok(()), Err(error)) | (Err(error), Ok(())) => {
                assert_eq!(code(&error), "too-deep", "round {round}");
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
}

/// What somebody else does to a subtree while it is deleted as a whole. The task that it moved out in time, if it did.
type Meddling =
    for<'t> fn(&'t dyn TaskRepository, &'t Subtree) -> BoxFuture<'t, Result<Option<TaskId>, Error>>;

/// A chain of four, a task of before the chain that stands below its third, and two tasks beside it.
struct Subtree {
    chain: Vec<Task>,
    elder: Task,
    beside: [Task; 2],
}

impl Subtree {
    async fn new(tasks: &dyn TaskRepository) -> Self {
        let elder = stored(tasks).await;
        let beside = [stored(tasks).await, stored(tasks).await];
        let chain = chain(tasks, 4).await;
        let (elder, _) = relocate(tasks, &elder, Some(&chain[2])).await.unwrap();
        Self { chain, elder, beside }
    }
}

/// Writes the next state; the task's id if it was not gone first.
async fn write(tasks: &dyn TaskRepository, task: &Task, next: &Task) -> Result<Option<TaskId>, Error> {
    let written = tasks.update(next, task.version, &updated(next)).await?;
    Ok((written == Written::Applied).then_some(task.id))
}

async fn delete(tasks: &dyn TaskRepository, task: &Task) -> Result<Option<TaskId>, Error> {
    let (deleted, expected, event) = deletion(task);
    tasks.delete(&deleted, expected, &event).await?;
    Ok(None)
}

async fn add(tasks: &dyn TaskRepository, parent: &Task) -> Result<Option<TaskId>, Error> {
    create_below(tasks, parent).await?;
    Ok(None)
}

async fn add_once(tasks: &dyn TaskRepository, parent: &Task) -> Result<Option<TaskId>, Error> {
    let task = below(parent);
    let claim = KeyClaim {
        scope: "POST /tasks",
        key: task.id.to_string(),
        fingerprint: [0; 32],
        claimed_at: SystemClock.now(),
    };
    tasks
        .create_once(&task, &created(&task), &claim.answered("{}".into()))
        .await?;
    Ok(None)
}

async fn by_decision(
    tasks: &dyn TaskRepository,
    decision: Arc<dyn Decision>,
) -> Result<Option<TaskId>, Error> {
    decide(tasks, decision).await?;
    Ok(None)
}

const MEDDLINGS: [(&str, Meddling); 12] = [
    ("add", |tasks, tree| Box::pin(add(tasks, &tree.chain[3]))),
    ("add once", |tasks, tree| {
        Box::pin(add_once(tasks, &tree.chain[2]))
    }),
    ("add by decision", |tasks, tree| {
        Box::pin(by_decision(tasks, addition(below(&tree.chain[1]))))
    }),
    ("move in", |tasks, tree| {
        Box::pin(async {
            relocate(tasks, &tree.beside[0], Some(&tree.chain[3])).await?;
            Ok(None)
        })
    }),
    ("move out", |tasks, tree| {
        let next = moved(&tree.chain[2], Some(&tree.beside[0]));
        Box::pin(async move { write(tasks, &tree.chain[2], &next).await })
    }),
    ("move out by decision", |tasks, tree| {
        Box::pin(async {
            decide(tasks, relocation(tree.chain[1].id, tree.beside[1].id)).await?;
            Ok(Some(tree.chain[1].id))
        })
    }),
    ("move within", |tasks, tree| {
        Box::pin(async {
            relocate(tasks, &tree.chain[3], Some(&tree.chain[0])).await?;
            Ok(None)
        })
    }),
    ("make a root", |tasks, tree| {
        let next = moved(&tree.chain[2], None);
        Box::pin(async move { write(tasks, &tree.chain[2], &next).await })
    }),
    ("change", |tasks, tree| {
        let next = described(&tree.elder, "changed");
        Box::pin(async move {
            write(tasks, &tree.elder, &next).await?;
            Ok(None)
        })
    }),
    ("change many", |tasks, tree| {
        let ids = vec![tree.chain[3].id, tree.elder.id, tree.chain[0].id];
        Box::pin(by_decision(tasks, changing(ids, "changed".into())))
    }),
    ("delete a leaf", |tasks, tree| {
        Box::pin(delete(tasks, &tree.elder))
    }),
    ("delete a parent", |tasks, tree| {
        Box::pin(delete(tasks, &tree.chain[2]))
    }),
];

/// Whatever others do to a subtree while it is deleted, nothing is left without its parent, what was moved out in time
/// stays, every event is of a write that took place, and everybody is told of a rule and not of a fault.
pub async fn a_subtree_is_deleted_while_others_change_it<B: Backend>() {
    let backend = B::start().await;
    let [one, two] = pair(&backend).await;
    for (name, meddle) in MEDDLINGS {
        for round in 0..10 {
            let tree = Subtree::new(&*one).await;
            let late = async {
                // Now before, now after the other has begun.
                for _ in 0..round * 3 {
                    tokio::task::yield_now().await;
                }
                meddle(&*two, &tree).await
            };
            let (deleted, meddled) = tokio::join!(decide(&*one, cascade(tree.chain[0].id, 100)), late);
            deleted.unwrap_or_else(|error| panic!("{name} {round}: {error:?}"));
            assert_eq!(one.find(tree.chain[0].id).await.unwrap(), None, "{name} {round}");
            match meddled {
                Ok(None) | Err(Error::NotFound(_) | Error::Conflict(Conflict::HasSubtasks)) => {}
                Ok(Some(escaped)) => {
                    assert!(one.find(escaped).await.unwrap().is_some(), "{name} {round}");
                }
                Err(error @ Error::Invalid(_)) => {
                    assert_eq!(code(&error), "unknown-parent", "{name} {round}");
                }
                Err(error) => panic!("{name} {round}: {error:?}"),
            }
        }
    }
    assert_whole(&backend).await;
}
