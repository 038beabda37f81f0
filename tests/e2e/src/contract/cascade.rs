//! `DELETE /tasks/{id}?cascade=true`.

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{NOBODY, id, path};
use super::unique;
use crate::{Answer, Api};

rules!("cascade":
    the_whole_subtree_goes_and_nothing_else,
    without_it_a_task_with_sub_tasks_stays,
    a_task_without_sub_tasks_goes_with_it_too,
    the_condition_is_about_the_task_at_the_top,
    a_bad_request_comes_before_nobody_and_nobody_before_the_condition,
    external_ids_below_can_be_taken_again,
    who_joins_the_tree_meanwhile_goes_as_well_or_is_refused,
);

async fn cascade(api: &Api, task: &Value, headers: &[(&str, &str)]) -> Answer {
    let path = format!("{}?cascade=true", path(task));
    api.ask(Method::DELETE, &path, headers).await
}

/// A task, two below it and two below each of those: top first. Each has the word in its description.
async fn tree(api: &Api, word: &str) -> Vec<Value> {
    let mut tree = vec![api.described(word).await];
    for parent in [0, 0, 1, 1, 2, 2] {
        let fields = json!({"description": word, "parentId": tree[parent]["id"], "externalId": unique()});
        tree.push(api.create(&fields).await);
    }
    tree
}

async fn assert_untouched(api: &Api, tasks: &[Value]) {
    for task in tasks {
        assert_eq!(api.read(task).await.task(), task);
    }
}

async fn the_whole_subtree_goes_and_nothing_else(api: Api) {
    let word = unique();
    let (mut tree, other) = (tree(&api, &word).await, tree(&api, &unique()).await);
    // Versions of their own.
    for position in [0, 0, 3] {
        let priority = if tree[position]["version"] == 1 {
            "low"
        } else {
            "high"
        };
        let patched = api.patch(&tree[position], &json!({"priority": priority})).await;
        tree[position] = patched.task().clone();
    }
    api.await_found(&json!({"description": word}), &tree.iter().collect::<Vec<_>>())
        .await;
    // A part of it first: its parent and its siblings stay.
    let deleted = cascade(&api, &tree[1], &[]).await;
    assert_eq!((deleted.status.as_u16(), deleted.task()), (200, &tree[1]));
    let token = format!("{}@2", id(&tree[1]));
    assert_eq!(deleted.header("x-consistency-token"), token);
    assert_eq!(deleted.header("etag"), "");
    for gone in [1, 3, 4] {
        let read = api.read(&tree[gone]).await;
        read.assert_problem(404, "task-not-found");
    }
    let kept = [tree[0].clone(), tree[2].clone(), tree[5].clone(), tree[6].clone()];
    assert_untouched(&api, &kept).await;
    let deleted = cascade(&api, &tree[0], &[]).await;
    assert_eq!((deleted.status.as_u16(), deleted.task()), (200, &tree[0]));
    let token = format!("{}@4", id(&tree[0]));
    assert_eq!(deleted.header("x-consistency-token"), token);
    for gone in &tree {
        api.read(gone).await.assert_problem(404, "task-not-found");
    }
    api.await_found(&json!({"description": word}), &[]).await;
    assert_untouched(&api, &other).await;
    let again = cascade(&api, &tree[0], &[]).await;
    again.assert_problem(404, "task-not-found");
}

async fn without_it_a_task_with_sub_tasks_stays(api: Api) {
    let tree = tree(&api, &unique()).await;
    for query in ["", "?cascade=false", "?"] {
        for task in &tree[..3] {
            let path = format!("{}{query}", path(task));
            let answer = api.ask(Method::DELETE, &path, &[]).await;
            answer.assert_problem(409, "has-subtasks");
        }
    }
    assert_untouched(&api, &tree).await;
}

async fn a_task_without_sub_tasks_goes_with_it_too(api: Api) {
    let tree = tree(&api, &unique()).await;
    let answer = cascade(&api, &tree[6], &[]).await;
    assert_eq!((answer.status.as_u16(), answer.task()), (200, &tree[6]));
    api.read(&tree[6]).await.assert_problem(404, "task-not-found");
    assert_untouched(&api, &tree[..6]).await;
}

async fn the_condition_is_about_the_task_at_the_top(api: Api) {
    let mut tree = tree(&api, &unique()).await;
    let patched = api.patch(&tree[3], &json!({"isDone": true})).await;
    tree[3] = patched.task().clone();
    for stale in ["\"2\"", "W/\"1\"", "\"0\", \"7\""] {
        let answer = cascade(&api, &tree[0], &[("if-match", stale)]).await;
        answer.assert_problem(412, "version-mismatch");
    }
    assert_untouched(&api, &tree).await;
    let answer = cascade(&api, &tree[0], &[("if-match", "\"1\"")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for gone in &tree {
        api.read(gone).await.assert_problem(404, "task-not-found");
    }
}

async fn a_bad_request_comes_before_nobody_and_nobody_before_the_condition(api: Api) {
    let nobody = json!({"id": NOBODY});
    let gone = cascade(&api, &nobody, &[("if-match", "\"9\"")]).await;
    gone.assert_problem(404, "task-not-found");
    for (query, wrong) in [
        ("cascade=1", "cascade wrong-type"),
        ("cascade=", "cascade wrong-type"),
        ("cascade", "cascade wrong-type"),
        ("cascade=TRUE", "cascade wrong-type"),
        ("cascade=true&cascade=true", "cascade repeated"),
        ("Cascade=true", "Cascade unknown-parameter"),
    ] {
        for path in [path(&nobody), path(&api.described(&unique()).await)] {
            let answer = api
                .ask(
                    Method::DELETE,
                    &format!("{path}?{query}"),
                    &[("if-match", "\"9\"")],
                )
                .await;
            answer.assert_wrong(&[wrong]);
        }
    }
}

async fn external_ids_below_can_be_taken_again(api: Api) {
    let tree = tree(&api, &unique()).await;
    assert_eq!(cascade(&api, &tree[0], &[]).await.status, 200);
    for gone in &tree[1..] {
        let fields = json!({"description": unique(), "externalId": gone["externalId"]});
        api.create(&fields).await;
    }
}

async fn who_joins_the_tree_meanwhile_goes_as_well_or_is_refused(api: Api) {
    for _ in 0..10 {
        let (tree, mover) = (tree(&api, &unique()).await, api.described(&unique()).await);
        let below = json!({"description": unique(), "parentId": tree[6]["id"]});
        let (deleted, joined, moved) = tokio::join!(
            cascade(&api, &tree[0], &[]),
            api.tell(Method::POST, "/tasks", &[], &below),
            api.replace(&mover, &below),
        );
        assert_eq!(deleted.status, 200, "{deleted:?}");
        for (answer, success) in [(&joined, 201), (&moved, 200)] {
            if answer.status == success {
                let read = api.read(answer.task()).await;
                read.assert_problem(404, "task-not-found");
            } else {
                answer.assert_wrong(&["/parentId unknown-parent"]);
            }
        }
    }
}
