//! `If-Match` on a PATCH, and what is judged before it.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{Header, NOBODY, path};
use super::unique;
use crate::{Answer, Api};

rules!("patch_conditional":
    a_patch_at_a_named_version_passes,
    a_patch_at_no_named_version_is_412_and_changes_nothing,
    a_malformed_condition_is_400_and_named,
    a_bad_patch_comes_before_nobody_and_nobody_before_the_condition,
    what_only_the_database_knows_to_be_wrong_comes_before_the_condition,
    of_patches_that_name_one_version_a_single_one_wins,
);

async fn patch_if(api: &Api, task: &Value, condition: &str, patch: &Value) -> Answer {
    let headers: [Header<'_>; 1] = [("if-match", condition)];
    api.tell(Method::PATCH, &path(task), &headers, patch).await
}

async fn a_patch_at_a_named_version_passes(api: Api) {
    let task = api.described(&unique()).await;
    for (condition, version) in [("\"1\"", 2), ("\"9\" , \"2\"", 3), ("*", 4)] {
        let answer = patch_if(&api, &task, condition, &json!({"description": unique()})).await;
        assert_eq!(answer.status, 200, "{condition}: {answer:?}");
        assert_eq!(answer.task()["version"], version, "{condition}");
    }
}

async fn a_patch_at_no_named_version_is_412_and_changes_nothing(api: Api) {
    let task = api.described(&unique()).await;
    for condition in ["\"2\"", "\"0\", \"2\"", "W/\"1\"", "\"01\"", "\"\""] {
        // One that would change nothing is judged as well.
        for patch in [json!({"description": unique()}), json!({})] {
            let answer = patch_if(&api, &task, condition, &patch).await;
            answer.assert_problem(412, "version-mismatch");
        }
    }
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn a_malformed_condition_is_400_and_named(api: Api) {
    let task = api.described(&unique()).await;
    for condition in ["1", "\"1", "*, \"1\"", "\"1\" \"2\"", ","] {
        let answer = patch_if(&api, &task, condition, &json!({"isDone": true})).await;
        answer.assert_wrong(&["if-match malformed-entity-tag"]);
    }
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn a_bad_patch_comes_before_nobody_and_nobody_before_the_condition(api: Api) {
    let nobody = json!({"id": NOBODY});
    let bad = patch_if(&api, &nobody, "\"9\"", &json!({"isDone": 1})).await;
    bad.assert_wrong(&["/isDone wrong-type"]);
    for patch in [json!({"isDone": true}), json!({})] {
        let gone = patch_if(&api, &nobody, "\"9\"", &patch).await;
        gone.assert_problem(404, "task-not-found");
        let gone = api.patch(&nobody, &patch).await;
        gone.assert_problem(404, "task-not-found");
    }
}

async fn what_only_the_database_knows_to_be_wrong_comes_before_the_condition(api: Api) {
    let task = api
        .create(&json!({"description": unique(), "dates": {"due": "2026-05-01T07:00:00Z"}}))
        .await;
    let deleted = api.described(&unique()).await;
    assert_eq!(api.delete(&deleted).await.status, 200);
    for (patch, wrong) in [
        (json!({"parentId": NOBODY}), "/parentId unknown-parent"),
        (json!({"parentId": deleted["id"]}), "/parentId unknown-parent"),
        (
            json!({"dates": {"start": "2026-05-02T07:00:00Z"}}),
            "/dates start-after-due",
        ),
    ] {
        let answer = patch_if(&api, &task, "\"9\"", &patch).await;
        answer.assert_wrong(&[wrong]);
    }
    let fields = json!({"description": unique(), "parentId": NOBODY});
    let answer = api
        .tell(Method::PUT, &path(&task), &[("if-match", "\"9\"")], &fields)
        .await;
    answer.assert_wrong(&["/parentId unknown-parent"]);
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn of_patches_that_name_one_version_a_single_one_wins(api: Api) {
    let task = api.described(&unique()).await;
    let writers = (0..16).map(async |_| {
        let answer = patch_if(&api, &task, "\"1\"", &json!({"description": unique()})).await;
        if answer.status != 200 {
            answer.assert_problem(412, "version-mismatch");
            return None;
        }
        Some(answer.task().clone())
    });
    let winners: Vec<Value> = join_all(writers).await.into_iter().flatten().collect();
    assert_eq!(winners, [api.read(&task).await.task().clone()]);
}
