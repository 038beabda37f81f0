//! Decisions that meet other writers at a given moment, or a connection that breaks.

use std::sync::Arc;

use sqlx::PgConnection;
use taskwire_conformance::verdicts::{cascade, creation, judge, relocation, removal, replacement, verdict};
use taskwire_domain::{
    Conflict, Decision, Error, Once, Receipt, Scope, Task, TaskRepository as _, TasksScope, Written,
};
use taskwire_postgres::PostgresTasks;
use taskwire_testkit::Proxy;

use crate::fixture::{
    Fixture, below, count, created, deletion, described, eventually, execute, fields, moved, new_task,
    repository, settings, updated,
};

const WAITING: &str = "select exists (select from pg_stat_activity where application_name = 'taskwire'
                       and datname = current_database() and wait_event_type = 'Lock')";

type Decided = Result<Once<Vec<Result<Receipt, Error>>>, Error>;

impl Fixture {
    async fn stored_below(&self, parent: &Task) -> Task {
        let task = below(parent);
        self.tasks.create(&task, &created(&task)).await.unwrap();
        task
    }

    /// Locks the task until the connection commits.
    async fn locked(&self, task: &Task) -> PgConnection {
        let mut holder = self.database.connect().await;
        execute(&mut holder, "begin").await;
        sqlx::query("select from tasks where id = $1 for update")
            .bind(task.id.as_uuid())
            .execute(&mut holder)
            .await
            .unwrap();
        holder
    }

    async fn spy(&self) -> PgConnection {
        self.database.connect().await
    }
}

/// Deletes the task alone, if it has no sub-tasks.
fn plain_removal(task: &Task) -> Arc<dyn Decision> {
    let scope = TasksScope {
        tasks: vec![task.id],
        deleted: vec![task.id],
        ..TasksScope::default()
    };
    let id = task.id;
    judge(Scope::Tasks(scope), move |view| {
        if view.links.values().any(|parent| *parent == Some(id)) {
            return Err(Error::Conflict(Conflict::HasSubtasks));
        }
        Ok(verdict(view.tasks.iter().map(removal).collect()))
    })
}

fn changing(task: &Task) -> Arc<dyn Decision> {
    let scope = TasksScope {
        tasks: vec![task.id],
        ..TasksScope::default()
    };
    judge(Scope::Tasks(scope), move |view| {
        let next = view.tasks.iter().map(|task| described(task, "decided"));
        Ok(verdict(next.map(|next| replacement(&next)).collect()))
    })
}

fn assert_applied(decided: &Decided) {
    assert!(matches!(decided, Ok(Once::First(_))), "{decided:?}");
}

/// The cascade has seen the whole subtree and waits for its first task; then one further down becomes a root.
#[tokio::test]
async fn what_is_moved_out_while_a_cascade_waits_for_its_locks_stays() {
    let fixture = Fixture::new().await;
    let root = fixture.stored().await;
    let child = fixture.stored_below(&root).await;
    let leaf = fixture.stored_below(&child).await;
    let mut holder = fixture.locked(&root).await;
    let mut spy = fixture.spy().await;
    let top = moved(&child, None);
    let (decided, ()) = tokio::join!(fixture.tasks.decide(cascade(root.id, 10), None), async {
        eventually(&mut spy, WAITING).await;
        let written = fixture.tasks.update(&top, child.version, &updated(&top)).await;
        assert_eq!(written.unwrap(), Written::Applied);
        execute(&mut holder, "commit").await;
    });
    assert_applied(&decided);
    assert_eq!(fixture.tasks.find(root.id).await.unwrap(), None);
    assert_eq!(fixture.tasks.find(child.id).await.unwrap(), Some(top));
    assert_eq!(fixture.tasks.find(leaf.id).await.unwrap(), Some(leaf));
}

/// What a decision was shown is what it changes: the version that the other writer left.
#[tokio::test]
async fn a_task_that_changes_while_its_lock_is_waited_for_is_seen_as_it_is_now() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let mut holder = fixture.locked(&task).await;
    let mut spy = fixture.spy().await;
    let (decided, ()) = tokio::join!(fixture.tasks.decide(changing(&task), None), async {
        eventually(&mut spy, WAITING).await;
        execute(&mut holder, "update tasks set version = 7; commit").await;
    });
    assert_applied(&decided);
    assert_eq!(
        fixture.tasks.find(task.id).await.unwrap().unwrap().version.get(),
        8
    );
}

/// A sub-task that is being added when the parent is looked at is seen once it is there.
#[tokio::test]
async fn a_deletion_waits_for_a_subtask_that_is_being_added() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let mut other = fixture.spy().await;
    execute(
        &mut other,
        "begin; insert into tasks (id, description, priority, is_done, parent_id, categories, created_at, updated_at,
                                   version)
                select gen_random_uuid(), 'x', 0, false, id, '{}', now(), now(), 1 from tasks",
    )
    .await;
    let mut spy = fixture.spy().await;
    let (decided, ()) = tokio::join!(fixture.tasks.decide(plain_removal(&task), None), async {
        eventually(&mut spy, WAITING).await;
        execute(&mut other, "commit").await;
    });
    assert!(
        matches!(decided, Err(Error::Conflict(Conflict::HasSubtasks))),
        "{decided:?}"
    );
}

/// The task and its new parent are gone before the move's turn comes: it is the task that is missed.
#[tokio::test]
async fn a_move_of_a_task_that_went_with_its_new_parent_is_stale() {
    let fixture = Fixture::new().await;
    let root = fixture.stored().await;
    let task = fixture.stored_below(&root).await;
    let parent = fixture.stored_below(&root).await;
    let next = moved(&task, Some(&parent));
    let mut holder = fixture.spy().await;
    // The number of `TASK_TREE` in src/locks.rs.
    execute(
        &mut holder,
        "begin; select pg_advisory_xact_lock_shared((x'7461736b00000002')::bigint)",
    )
    .await;
    let mut spy = fixture.spy().await;
    let event = updated(&next);
    let (written, ()) = tokio::join!(fixture.tasks.update(&next, task.version, &event), async {
        eventually(&mut spy, WAITING).await;
        execute(
            &mut holder,
            "delete from tasks where parent_id is not null; commit",
        )
        .await;
    });
    assert_eq!(written.unwrap(), Written::Stale);
}

/// The server ends a deadlock at the cost of a single write, which is sent again and told what holds then.
#[tokio::test]
async fn a_write_that_ended_a_deadlock_is_sent_again() {
    let fixture = Fixture::new().await;
    let child = fixture.stored().await;
    let parent = fixture.stored().await;
    let child_below = moved(&child, Some(&parent));
    fixture
        .tasks
        .update(&child_below, child.version, &updated(&child_below))
        .await
        .unwrap();
    // Whoever waited first looks for a deadlock first, and is the one that ends it; so the other is patient.
    let mut holder = fixture.locked(&child).await;
    execute(&mut holder, "set local deadlock_timeout = '60s'").await;
    let mut spy = fixture.spy().await;
    let (deleted, expected, event) = deletion(&parent);
    let (written, ()) = tokio::join!(fixture.tasks.delete(&deleted, expected, &event), async {
        eventually(&mut spy, WAITING).await;
        execute(
            &mut holder,
            "select from tasks where external_id is null order by id for update; commit",
        )
        .await;
    });
    assert!(
        matches!(written, Err(Error::Conflict(Conflict::HasSubtasks))),
        "{written:?}"
    );
    let deadlocks = "select deadlocks >= 1 from pg_stat_database where datname = current_database()";
    eventually(&mut spy, deadlocks).await;
}

/// A decision panics where its caller would have.
#[tokio::test]
#[should_panic = "of the decision"]
async fn a_decision_that_panics_panics_for_its_caller() {
    let fixture = Fixture::new().await;
    let scope = Scope::Tasks(TasksScope::default());
    let decision = judge(scope, |_| panic!("of the decision"));
    let _ = fixture.tasks.decide(decision, None).await;
}

/// A repository behind a proxy.
async fn distant(fixture: &Fixture) -> (PostgresTasks, Proxy) {
    let proxy = Proxy::in_front_of(fixture.database.url()).await;
    (repository(&settings(proxy.url())), proxy)
}

#[tokio::test]
async fn a_decision_cut_off_before_its_commit_is_unavailable_and_not_applied() {
    let fixture = Fixture::new().await;
    let (task, parent) = (fixture.stored().await, fixture.stored().await);
    let (tasks, proxy) = distant(&fixture).await;
    let mut spy = fixture.spy().await;
    let mut holder = fixture.spy().await;
    execute(&mut holder, "begin; lock table outbox").await;
    let (decided, ()) = tokio::join!(tasks.decide(relocation(task.id, parent.id), None), async {
        eventually(&mut spy, WAITING).await;
        proxy.cut();
    });
    assert!(matches!(decided, Err(Error::Unavailable { .. })), "{decided:?}");
    execute(&mut holder, "commit").await;
    let gone = "select not exists (select from pg_stat_activity where application_name = 'taskwire'
                and datname = current_database() and state <> 'idle')";
    eventually(&mut spy, gone).await;
    assert_eq!(count(&mut spy, "select max(version) from tasks").await, 1);
    assert_eq!(count(&mut spy, "select count(*) from outbox").await, 2);
}

#[tokio::test]
async fn a_decision_whose_commit_is_not_answered_is_unknown() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let (tasks, proxy) = distant(&fixture).await;
    let mut spy = fixture.spy().await;
    // Makes a commit wait for as long as we hold the lock.
    execute(
        &mut spy,
        "create function wait() returns trigger language plpgsql as
             $$ begin perform pg_advisory_xact_lock(42); return null; end $$;
         create constraint trigger wait after update on tasks initially deferred for each row execute function wait()",
    )
    .await;
    let mut holder = fixture.spy().await;
    execute(&mut holder, "begin; select pg_advisory_xact_lock(42)").await;
    let (decided, ()) = tokio::join!(tasks.decide(changing(&task), None), async {
        eventually(&mut spy, WAITING).await;
        proxy.hold_answers();
        execute(&mut holder, "commit").await;
        eventually(&mut spy, "select exists (select from tasks where version = 2)").await;
        proxy.cut();
    });
    assert!(
        matches!(decided, Err(Error::OutcomeUnknown { .. })),
        "{decided:?}"
    );
    assert_eq!(count(&mut spy, "select count(*) from outbox").await, 2);
}

/// Races that never end are a conflict, and leave nothing.
#[tokio::test]
async fn races_without_an_end_are_a_conflict() {
    let fixture = Fixture::new().await;
    let nobody = new_task(fields("never stored"));
    let child = below(&nobody);
    // As if the parent were gone each time after it was seen.
    let scope = Scope::Tasks(TasksScope::default());
    let decision = judge(scope, move |_| Ok(verdict(vec![creation(&child)])));
    let decided = fixture.tasks.decide(decision, None).await;
    assert!(
        matches!(decided, Err(Error::Conflict(Conflict::Contended))),
        "{decided:?}"
    );
    // The connection is fit for the next.
    fixture.stored().await;
}
