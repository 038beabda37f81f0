//! `PUT /tasks/{id}`.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{NOBODY, id};
use super::unique;
use crate::Api;

rules!("replace":
    every_writable_field_is_replaced_and_absent_ones_get_their_defaults,
    what_get_returned_can_be_put_back_and_changes_nothing,
    a_replacement_that_changes_nothing_keeps_the_version,
    completed_at_follows_is_done,
    nobody_cannot_be_replaced,
    of_replacements_at_once_none_is_lost_and_no_version_comes_twice,
);

async fn every_writable_field_is_replaced_and_absent_ones_get_their_defaults(api: Api) {
    let created = api
        .create(&json!({
            "externalId": unique(), "description": unique(), "priority": "low", "isDone": true,
            "dates": {"due": "2026-05-02T07:00:00Z"}, "categories": ["home"]
        }))
        .await;
    let description = unique();
    let answer = api.replace(&created, &json!({"description": description})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let task = answer.task();
    let wanted = json!({
        "id": created["id"], "externalId": null, "description": description, "priority": "none",
        "dates": {"start": null, "due": null}, "isDone": false, "parentId": null, "categories": [],
        "createdAt": created["createdAt"], "updatedAt": task["updatedAt"], "completedAt": null, "version": 2
    });
    assert_eq!(task, &wanted);
    assert!(
        task["updatedAt"].as_str() >= created["updatedAt"].as_str(),
        "{task}"
    );
    assert_eq!(answer.header("etag"), "", "a PUT answers no tag");
    assert_eq!(answer.header("location"), "");
    assert_eq!(answer.header("x-consistency-token"), format!("{}@2", id(task)));
    let read = api.read(task).await;
    assert_eq!((read.task(), read.header("etag")), (task, "\"2\""));
}

async fn what_get_returned_can_be_put_back_and_changes_nothing(api: Api) {
    let parent = api.described(&unique()).await;
    let created = api
        .create(&json!({
            "externalId": unique(), "description": unique(), "priority": "medium", "isDone": true,
            "dates": {"start": "2026-05-01T07:00:00Z", "due": null}, "parentId": parent["id"],
            "categories": ["home", "Work"]
        }))
        .await;
    let read = api.read(&created).await;
    let answer = api.replace(&created, read.task()).await;
    assert_eq!((answer.status.as_u16(), answer.task()), (200, &created));
    assert_eq!(
        answer.header("x-consistency-token"),
        format!("{}@1", id(&created))
    );
}

async fn a_replacement_that_changes_nothing_keeps_the_version(api: Api) {
    let created = api
        .create(&json!({"description": unique(), "dates": {"due": "2026-05-02T07:00:00Z"}}))
        .await;
    // The same in other words.
    let same = json!({
        "description": created["description"], "priority": "none", "categories": [],
        "dates": {"due": "2026-05-02T09:00:00.0004+02:00"}
    });
    for _ in 0..2 {
        let answer = api.replace(&created, &same).await;
        assert_eq!((answer.status.as_u16(), answer.task()), (200, &created));
    }
    let read = api.read(&created).await;
    assert_eq!((read.task(), read.header("etag")), (&created, "\"1\""));
}

async fn completed_at_follows_is_done(api: Api) {
    let open = api.described(&unique()).await;
    let with = |done: bool, priority: &str| json!({"description": open["description"], "isDone": done, "priority": priority});
    let done = api.replace(&open, &with(true, "none")).await;
    let completed_at = &done.task()["completedAt"];
    assert_eq!(completed_at, &done.task()["updatedAt"]);
    let still_done = api.replace(&open, &with(true, "high")).await;
    assert_eq!(&still_done.task()["completedAt"], completed_at);
    let open_again = api.replace(&open, &with(false, "high")).await;
    assert_eq!(open_again.task()["completedAt"], Value::Null);
    assert_eq!(open_again.task()["version"], 4);
}

async fn nobody_cannot_be_replaced(api: Api) {
    let fields = json!({"description": unique()});
    let answer = api
        .tell(Method::PUT, &format!("/tasks/{NOBODY}"), &[], &fields)
        .await;
    answer.assert_problem(404, "task-not-found");
}

async fn of_replacements_at_once_none_is_lost_and_no_version_comes_twice(api: Api) {
    let task = api.described(&unique()).await;
    let writers = (0..20).map(async |_| {
        let fields = json!({"description": unique()});
        let answer = api.replace(&task, &fields).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(
            answer.task()["description"],
            fields["description"],
            "its own state is answered"
        );
        answer.task()["version"].as_i64()
    });
    let versions: BTreeSet<_> = join_all(writers).await.into_iter().flatten().collect();
    assert_eq!(versions, (2..=21).collect());
    assert_eq!(api.read(&task).await.task()["version"], 21);
}
