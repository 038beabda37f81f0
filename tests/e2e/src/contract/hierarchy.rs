//! Sub-tasks.

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::NOBODY;
use super::unique;
use crate::{Answer, Api};

/// How deep a task may stand; one without a parent stands at 1.
const DEPTH: usize = 16;

rules!("hierarchy":
    a_parent_that_does_not_exist_is_400_and_named,
    a_task_cannot_become_its_own_ancestor,
    a_seventeenth_level_is_refused_when_created_and_when_moved,
    a_task_with_sub_tasks_is_not_deleted,
    of_two_moves_that_together_make_a_cycle_one_is_refused,
);

async fn below(api: &Api, parent: &Value) -> Answer {
    let fields = json!({"description": unique(), "parentId": parent["id"]});
    api.tell(Method::POST, "/tasks", &[], &fields).await
}

async fn moved(api: &Api, task: &Value, parent: &Value) -> Answer {
    let fields = json!({"description": task["description"], "parentId": parent["id"]});
    api.replace(task, &fields).await
}

/// So many tasks, each below the one before it.
async fn chain(api: &Api, length: usize) -> Vec<Value> {
    let mut chain = vec![api.described(&unique()).await];
    while chain.len() < length {
        let answer = below(api, &chain[chain.len() - 1]).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        chain.push(answer.task().clone());
    }
    chain
}

async fn a_parent_that_does_not_exist_is_400_and_named(api: Api) {
    let (task, gone) = (api.described(&unique()).await, api.described(&unique()).await);
    assert_eq!(api.delete(&gone).await.status, 200);
    for missing in [json!({"id": NOBODY}), gone] {
        below(&api, &missing)
            .await
            .assert_wrong(&["/parentId unknown-parent"]);
        moved(&api, &task, &missing)
            .await
            .assert_wrong(&["/parentId unknown-parent"]);
    }
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn a_task_cannot_become_its_own_ancestor(api: Api) {
    let chain = chain(&api, 3).await;
    for descendant in &chain {
        let answer = moved(&api, &chain[0], descendant).await;
        answer.assert_problem(409, "parent-cycle");
    }
    assert_eq!(api.read(&chain[0]).await.task(), &chain[0]);
}

async fn a_seventeenth_level_is_refused_when_created_and_when_moved(api: Api) {
    let full = chain(&api, DEPTH).await;
    below(&api, &full[DEPTH - 1])
        .await
        .assert_wrong(&["/parentId too-deep"]);
    // What is moved brings along what is below it.
    let pair = chain(&api, 2).await;
    let answer = moved(&api, &pair[0], &full[DEPTH - 2]).await;
    answer.assert_wrong(&["/parentId too-deep"]);
    let answer = moved(&api, &pair[0], &full[DEPTH - 3]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.task()["parentId"], full[DEPTH - 3]["id"]);
}

async fn a_task_with_sub_tasks_is_not_deleted(api: Api) {
    let chain = chain(&api, 2).await;
    api.delete(&chain[0]).await.assert_problem(409, "has-subtasks");
    assert_eq!(api.read(&chain[0]).await.task(), &chain[0]);
    for task in chain.iter().rev() {
        let answer = api.delete(task).await;
        assert_eq!(answer.status, 200, "from below it goes: {answer:?}");
    }
}

async fn of_two_moves_that_together_make_a_cycle_one_is_refused(api: Api) {
    for _ in 0..10 {
        let (a, b) = (api.described(&unique()).await, api.described(&unique()).await);
        let (first, second) = tokio::join!(moved(&api, &a, &b), moved(&api, &b, &a));
        let refused = match (first.status.as_u16(), second.status.as_u16()) {
            (200, _) => second,
            (_, 200) => first,
            _ => panic!("neither moved: {first:?} {second:?}"),
        };
        refused.assert_problem(409, "parent-cycle");
    }
}
