//! `If-Match` and `If-None-Match`.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{NOBODY, path};
use super::unique;
use crate::Api;

rules!("conditional":
    a_known_copy_is_304_without_a_body,
    another_copy_gets_the_task,
    a_write_at_a_named_version_passes,
    a_write_at_no_named_version_is_412_and_changes_nothing,
    a_replacement_that_changes_nothing_is_judged_as_well,
    of_writers_who_name_one_version_a_single_one_wins,
    a_malformed_condition_is_400_and_named,
    a_bad_request_comes_before_nobody_and_nobody_before_the_condition,
);

async fn a_known_copy_is_304_without_a_body(api: Api) {
    let task = api.described(&unique()).await;
    for known in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*", "\"x\",,\"1\""] {
        for method in [Method::GET, Method::HEAD] {
            let answer = api.ask(method, &path(&task), &[("if-none-match", known)]).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body),
                (304, &Value::Null),
                "{known}"
            );
            assert_eq!(answer.header("etag"), "\"1\"", "{known}");
        }
    }
}

async fn another_copy_gets_the_task(api: Api) {
    let task = api.described(&unique()).await;
    for known in ["\"2\"", "\"01\"", "\"\"", "W/\"11\", \"0\""] {
        let answer = api
            .ask(Method::GET, &path(&task), &[("if-none-match", known)])
            .await;
        assert_eq!((answer.status.as_u16(), answer.task()), (200, &task), "{known}");
    }
    let head = api.ask(Method::HEAD, &path(&task), &[]).await;
    assert_eq!((head.status.as_u16(), &head.body), (200, &Value::Null));
    assert_eq!(
        (head.header("etag"), head.header("content-type")),
        ("\"1\"", "application/json")
    );
}

async fn a_write_at_a_named_version_passes(api: Api) {
    let task = api.described(&unique()).await;
    for (condition, version) in [("\"1\"", 2), ("\"9\" , \"2\"", 3), ("*", 4)] {
        let fields = json!({"description": unique()});
        let answer = api
            .tell(Method::PUT, &path(&task), &[("if-match", condition)], &fields)
            .await;
        assert_eq!(answer.status, 200, "{condition}: {answer:?}");
        assert_eq!(answer.task()["version"], version, "{condition}");
    }
    let deleted = api
        .ask(Method::DELETE, &path(&task), &[("if-match", "\"4\"")])
        .await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
}

async fn a_write_at_no_named_version_is_412_and_changes_nothing(api: Api) {
    let task = api.described(&unique()).await;
    for condition in ["\"2\"", "\"0\", \"2\"", "W/\"1\"", "\"01\"", "\"\""] {
        let fields = json!({"description": unique()});
        let replaced = api
            .tell(Method::PUT, &path(&task), &[("if-match", condition)], &fields)
            .await;
        replaced.assert_problem(412, "version-mismatch");
        let deleted = api
            .ask(Method::DELETE, &path(&task), &[("if-match", condition)])
            .await;
        deleted.assert_problem(412, "version-mismatch");
    }
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn a_replacement_that_changes_nothing_is_judged_as_well(api: Api) {
    let task = api.described(&unique()).await;
    let answer = api
        .tell(Method::PUT, &path(&task), &[("if-match", "\"2\"")], &task)
        .await;
    answer.assert_problem(412, "version-mismatch");
}

async fn of_writers_who_name_one_version_a_single_one_wins(api: Api) {
    let task = api.described(&unique()).await;
    let writers = (0..16).map(async |_| {
        let fields = json!({"description": unique()});
        let answer = api
            .tell(Method::PUT, &path(&task), &[("if-match", "\"1\"")], &fields)
            .await;
        if answer.status != 200 {
            answer.assert_problem(412, "version-mismatch");
            return None;
        }
        Some(answer.task().clone())
    });
    let winners: Vec<Value> = join_all(writers).await.into_iter().flatten().collect();
    assert_eq!(winners, [api.read(&task).await.task().clone()]);
}

async fn a_malformed_condition_is_400_and_named(api: Api) {
    let task = api.described(&unique()).await;
    for condition in ["3", "\"3", "*, \"3\"", "\"3\" \"4\"", ","] {
        let read = api
            .ask(Method::GET, &path(&task), &[("if-none-match", condition)])
            .await;
        read.assert_wrong(&["if-none-match malformed-entity-tag"]);
        let deleted = api
            .ask(Method::DELETE, &path(&task), &[("if-match", condition)])
            .await;
        deleted.assert_wrong(&["if-match malformed-entity-tag"]);
        let replaced = api
            .tell(Method::PUT, &path(&task), &[("if-match", condition)], &json!({}))
            .await;
        replaced.assert_wrong(&["if-match malformed-entity-tag", "/description missing"]);
    }
}

async fn a_bad_request_comes_before_nobody_and_nobody_before_the_condition(api: Api) {
    let (nobody, stale) = (format!("/tasks/{NOBODY}"), [("if-match", "\"9\"")]);
    let bad = api.tell(Method::PUT, &nobody, &stale, &json!({})).await;
    bad.assert_wrong(&["/description missing"]);
    let sound = json!({"description": unique()});
    let gone = api.tell(Method::PUT, &nobody, &stale, &sound).await;
    gone.assert_problem(404, "task-not-found");
    let gone = api.ask(Method::DELETE, &nobody, &stale).await;
    gone.assert_problem(404, "task-not-found");
    let gone = api.ask(Method::GET, &nobody, &[("if-none-match", "*")]).await;
    gone.assert_problem(404, "task-not-found");
}
