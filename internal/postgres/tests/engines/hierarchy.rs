//! Parents, cycles and depth, also when several change them at once.

use taskwire_domain::{Conflict, Error, Task, TaskId, TaskRepository as _, Written};
use uuid::Uuid;

use crate::fixture::{
    Fixture, below, count, created, deletion, described, execute, fields, moved, new_task, updated,
};

fn code(error: &Error) -> &'static str {
    match error {
        Error::Invalid(errors) => errors[0].violation.code,
        other => panic!("not a broken rule: {other:?}"),
    }
}

impl Fixture {
    async fn create_below(&self, parent: &Task) -> Result<Task, Error> {
        let task = below(parent);
        self.tasks.create(&task, &created(&task)).await.map(|()| task)
    }

    async fn relocate(&self, task: &Task, parent: Option<&Task>) -> Result<(Task, Written), Error> {
        let next = moved(task, parent);
        let written = self.tasks.update(&next, task.version, &updated(&next)).await?;
        Ok((next, written))
    }

    /// A task at each depth from 1 to `depth`.
    async fn chain(&self, depth: usize) -> Vec<Task> {
        let mut chain = vec![self.stored().await];
        while chain.len() < depth {
            chain.push(self.create_below(&chain[chain.len() - 1]).await.unwrap());
        }
        chain
    }
}

#[tokio::test]
async fn a_parent_has_to_exist() {
    let fixture = Fixture::new().await;
    let task = fixture.stored().await;
    let nobody = Task {
        id: TaskId::from_uuid(Uuid::nil()),
        ..new_task(fields("nobody"))
    };
    assert_eq!(
        code(&fixture.create_below(&nobody).await.unwrap_err()),
        "unknown-parent"
    );
    assert_eq!(
        code(&fixture.relocate(&task, Some(&nobody)).await.unwrap_err()),
        "unknown-parent"
    );
    assert_eq!(fixture.tasks.find(task.id).await.unwrap(), Some(task));
    let mut spy = fixture.database.connect().await;
    assert_eq!(count(&mut spy, "select count(*) from outbox").await, 1);
}

#[tokio::test]
async fn a_task_moves_with_its_event_and_back_to_the_top() {
    let fixture = Fixture::new().await;
    let (parent, other) = (fixture.stored().await, fixture.stored().await);
    let task = fixture.create_below(&parent).await.unwrap();
    let (there, written) = fixture.relocate(&task, Some(&other)).await.unwrap();
    assert_eq!(written, Written::Applied);
    let (top, written) = fixture.relocate(&there, None).await.unwrap();
    assert_eq!(written, Written::Applied);
    let renamed = described(&top, "renamed");
    fixture
        .tasks
        .update(&renamed, top.version, &updated(&renamed))
        .await
        .unwrap();
    assert_eq!(fixture.tasks.find(task.id).await.unwrap(), Some(renamed));
    let mut spy = fixture.database.connect().await;
    assert_eq!(count(&mut spy, "select count(*) from outbox").await, 6);
}

#[tokio::test]
async fn a_move_at_another_version_is_stale() {
    let fixture = Fixture::new().await;
    let (task, parent) = (fixture.stored().await, fixture.stored().await);
    let second = described(&task, "second");
    fixture
        .tasks
        .update(&second, task.version, &updated(&second))
        .await
        .unwrap();
    let (_, written) = fixture.relocate(&task, Some(&parent)).await.unwrap();
    assert_eq!(written, Written::Stale);
    assert_eq!(fixture.tasks.find(task.id).await.unwrap(), Some(second));
}

#[tokio::test]
async fn a_task_cannot_become_its_own_ancestor() {
    let fixture = Fixture::new().await;
    let chain = fixture.chain(3).await;
    for parent in &chain {
        let error = fixture.relocate(&chain[0], Some(parent)).await.unwrap_err();
        assert!(
            matches!(error, Error::Conflict(Conflict::ParentCycle)),
            "{error:?}"
        );
    }
    assert_eq!(
        fixture.tasks.find(chain[0].id).await.unwrap(),
        Some(chain[0].clone())
    );
}

#[tokio::test]
async fn sixteen_levels_are_allowed_and_no_more() {
    let fixture = Fixture::new().await;
    let chain = fixture.chain(16).await;
    assert_eq!(
        code(&fixture.create_below(&chain[15]).await.unwrap_err()),
        "too-deep"
    );

    // What is moved counts with all that is below it.
    let pair = fixture.chain(2).await;
    let error = fixture.relocate(&pair[0], Some(&chain[14])).await.unwrap_err();
    assert_eq!(code(&error), "too-deep");
    let (_, written) = fixture.relocate(&pair[0], Some(&chain[13])).await.unwrap();
    assert_eq!(written, Written::Applied);
    // Within its own tree a task does not count twice.
    let (_, written) = fixture.relocate(&chain[15], Some(&chain[13])).await.unwrap();
    assert_eq!(written, Written::Applied);
}

#[tokio::test]
async fn a_task_with_subtasks_is_not_deleted() {
    let fixture = Fixture::new().await;
    let chain = fixture.chain(2).await;
    let (deleted, expected, event) = deletion(&chain[0]);
    let error = fixture
        .tasks
        .delete(&deleted, expected, &event)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Conflict(Conflict::HasSubtasks)),
        "{error:?}"
    );
    let mut spy = fixture.database.connect().await;
    assert_eq!(count(&mut spy, "select count(*) from deleted_tasks").await, 0);

    let (child, child_expected, child_event) = deletion(&chain[1]);
    fixture
        .tasks
        .delete(&child, child_expected, &child_event)
        .await
        .unwrap();
    let written = fixture.tasks.delete(&deleted, expected, &event).await.unwrap();
    assert_eq!(written, Written::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_moves_that_would_make_a_cycle_exactly_one_wins() {
    assert_one_move_wins(&Fixture::new().await, 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn moves_exclude_one_another_whatever_the_database_takes_for_isolation() {
    let fixture = Fixture::new().await;
    // A transaction would look at the tree as it was before it waited for its lock.
    let repeatable = "do $$ begin
        execute format('alter database %I set default_transaction_isolation = %L', current_database(), 'repeatable read');
    end $$";
    execute(&mut fixture.database.connect().await, repeatable).await;
    assert_one_move_wins(&fixture, 20).await;
}

async fn assert_one_move_wins(fixture: &Fixture, rounds: usize) {
    for round in 0..rounds {
        let (a, b) = (fixture.stored().await, fixture.stored().await);
        let moves = tokio::join!(fixture.relocate(&a, Some(&b)), fixture.relocate(&b, Some(&a)));
        match moves {
            (Ok((_, Written::Applied)), Err(Error::Conflict(Conflict::ParentCycle)))
            | (Err(Error::Conflict(Conflict::ParentCycle)), Ok((_, Written::Applied))) => {}
            other => panic!("round {round}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_move_and_an_addition_at_once_do_not_pass_the_depth_together() {
    let fixture = Fixture::new().await;
    for round in 0..20 {
        // Below the fifteenth there is room for one level: either the move of a single task, or, if the addition
        // below that task comes first, nothing.
        let chain = fixture.chain(15).await;
        let single = fixture.stored().await;
        let both = tokio::join!(
            fixture.relocate(&single, Some(&chain[14])),
            fixture.create_below(&single)
        );
        match both {
            (Ok((_, Written::Applied)), Err(error)) | (Err(error), Ok(_)) => {
                assert_eq!(code(&error), "too-deep", "round {round}");
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_parent_deleted_while_a_task_is_added_below_it_leaves_no_orphan() {
    let fixture = Fixture::new().await;
    for round in 0..60 {
        let parent = fixture.stored().await;
        let (deleted, expected, event) = deletion(&parent);
        let both = tokio::join!(
            fixture.create_below(&parent),
            fixture.tasks.delete(&deleted, expected, &event)
        );
        match both {
            (Ok(_), Err(Error::Conflict(Conflict::HasSubtasks))) => {}
            (Err(error), Ok(Written::Applied)) => assert_eq!(code(&error), "unknown-parent", "round {round}"),
            other => panic!("round {round}: {other:?}"),
        }
    }
}
