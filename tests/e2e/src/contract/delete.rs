//! `DELETE /tasks/{id}`.

use reqwest::Method;
use serde_json::json;

use super::asking::{NOBODY, id};
use super::unique;
use crate::Api;

rules!("delete":
    a_deletion_answers_the_last_state_and_the_tombstones_token,
    what_is_deleted_is_gone_for_every_method,
    nobody_cannot_be_deleted,
);

async fn a_deletion_answers_the_last_state_and_the_tombstones_token(api: Api) {
    let created = api.described(&unique()).await;
    let replaced = api.replace(&created, &json!({"description": unique()})).await;
    let deleted = api.delete(&created).await;
    assert_eq!((deleted.status.as_u16(), deleted.task()), (200, replaced.task()));
    assert_eq!(deleted.header("etag"), "");
    assert_eq!(
        deleted.header("x-consistency-token"),
        format!("{}@3", id(&created))
    );
}

async fn what_is_deleted_is_gone_for_every_method(api: Api) {
    let word = unique();
    let task = api.described(&word).await;
    let query = json!({"description": word});
    api.await_found(&query, &[&task]).await;
    assert_eq!(api.delete(&task).await.status, 200);
    api.read(&task).await.assert_problem(404, "task-not-found");
    let replaced = api.replace(&task, &json!({"description": unique()})).await;
    replaced.assert_problem(404, "task-not-found");
    api.delete(&task).await.assert_problem(404, "task-not-found");
    api.await_found(&query, &[]).await;
}

async fn nobody_cannot_be_deleted(api: Api) {
    let answer = api.ask(Method::DELETE, &format!("/tasks/{NOBODY}"), &[]).await;
    answer.assert_problem(404, "task-not-found");
}
