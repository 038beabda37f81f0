//! `PATCH /tasks/{id}`: a JSON Merge Patch (RFC 7396). Its conditions are in `patch_conditional`.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{id, path};
use super::unique;
use crate::Api;

rules!("patch":
    only_what_is_named_changes,
    null_takes_a_field_away,
    the_description_cannot_be_taken_away,
    dates_merge_with_those_that_are_there,
    a_time_is_judged_with_the_one_that_is_there,
    a_patch_that_changes_nothing_keeps_the_version,
    completed_at_follows_is_done,
    a_merge_patch_comes_under_its_own_name_or_as_json,
    other_media_types_are_415_and_told_the_right_ones,
    what_patches_are_accepted_is_told_with_a_method_that_is_not,
    whatever_is_wrong_is_named_at_once,
    what_is_no_object_is_refused,
    what_places_a_task_is_judged_as_for_any_write,
    of_patches_at_once_no_field_is_lost,
    a_search_follows_a_patch,
);

const MERGE_PATCH: &str = "application/merge-patch+json";
const ACCEPTED: &str = "application/merge-patch+json, application/json";
const MORNING: &str = "2026-05-01T07:00:00.000Z";
const EVENING: &str = "2026-05-01T19:00:00.000Z";

/// A task that has everything.
async fn full(api: &Api) -> Value {
    let parent = api.described(&unique()).await;
    api.create(&json!({
        "externalId": unique(), "description": unique(), "priority": "high", "isDone": true,
        "dates": {"start": MORNING, "due": EVENING}, "parentId": parent["id"], "categories": ["Home", "später"]
    }))
    .await
}

async fn only_what_is_named_changes(api: Api) {
    let mut wanted = full(&api).await;
    for (version, (field, value)) in [
        ("description", json!(unique())),
        ("priority", json!("low")),
        ("externalId", json!(unique())),
        // A list is one value: it is replaced, not merged.
        ("categories", json!(["garden"])),
        ("parentId", api.described(&unique()).await["id"].clone()),
        ("isDone", json!(false)),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = api.patch(&wanted, &json!({field: value})).await;
        assert_eq!(answer.status, 200, "{field}: {answer:?}");
        let task = answer.task();
        wanted[field] = value;
        wanted["version"] = json!(version + 2);
        wanted["updatedAt"] = task["updatedAt"].clone();
        if field == "isDone" {
            wanted["completedAt"] = Value::Null;
        }
        assert_eq!(task, &wanted, "{field}");
        assert_eq!(answer.header("etag"), format!("\"{}\"", version + 2));
        let token = format!("{}@{}", id(task), version + 2);
        assert_eq!(answer.header("x-consistency-token"), token);
        let read = api.read(task).await;
        assert_eq!((read.task(), read.header("etag")), (task, answer.header("etag")));
    }
}

async fn null_takes_a_field_away(api: Api) {
    for (field, default) in [
        ("externalId", Value::Null),
        ("priority", json!("none")),
        ("dates", json!({"start": null, "due": null})),
        ("isDone", json!(false)),
        ("parentId", Value::Null),
        ("categories", json!([])),
    ] {
        let mut wanted = full(&api).await;
        let answer = api.patch(&wanted, &json!({field: null})).await;
        assert_eq!(answer.status, 200, "{field}: {answer:?}");
        if field == "isDone" {
            wanted["completedAt"] = Value::Null;
        }
        wanted[field] = default;
        wanted["version"] = json!(2);
        wanted["updatedAt"] = answer.task()["updatedAt"].clone();
        assert_eq!(answer.task(), &wanted, "{field}");
    }
}

async fn the_description_cannot_be_taken_away(api: Api) {
    let task = api.described(&unique()).await;
    let answer = api
        .patch(&task, &json!({"description": null, "isDone": true}))
        .await;
    answer.assert_wrong(&["/description wrong-type"]);
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn dates_merge_with_those_that_are_there(api: Api) {
    let task = full(&api).await;
    let noon = "2026-05-01T12:00:00.000Z";
    for (patch, wanted) in [
        (json!({"due": null}), json!({"start": MORNING, "due": null})),
        (json!({"due": noon}), json!({"start": MORNING, "due": noon})),
        (
            json!({"start": null, "due": EVENING}),
            json!({"start": null, "due": EVENING}),
        ),
        (json!({"start": noon}), json!({"start": noon, "due": EVENING})),
        (json!({}), json!({"start": noon, "due": EVENING})),
        (json!(null), json!({"start": null, "due": null})),
    ] {
        let answer = api.patch(&task, &json!({"dates": patch})).await;
        assert_eq!(answer.status, 200, "{patch}: {answer:?}");
        assert_eq!(answer.task()["dates"], wanted, "{patch}");
    }
    assert_eq!(api.read(&task).await.task()["version"], 6, "one changed nothing");
}

async fn a_time_is_judged_with_the_one_that_is_there(api: Api) {
    let task = full(&api).await;
    for dates in [
        json!({"start": "2026-05-02T00:00:00Z"}),
        json!({"due": "2026-05-01T06:59:59.999Z"}),
        json!({"start": EVENING, "due": MORNING}),
    ] {
        let answer = api.patch(&task, &json!({"dates": dates, "isDone": false})).await;
        answer.assert_wrong(&["/dates start-after-due"]);
    }
    assert_eq!(api.read(&task).await.task(), &task);
    let answer = api.patch(&task, &json!({"dates": {"start": EVENING}})).await;
    assert_eq!(answer.status, 200, "they may be the same: {answer:?}");
}

async fn a_patch_that_changes_nothing_keeps_the_version(api: Api) {
    let task = full(&api).await;
    for patch in [
        json!({}),
        // What GET returned.
        task.clone(),
        json!({"priority": "high"}),
        json!({"dates": {}}),
        // The same in other words.
        json!({"dates": {"due": "2026-05-01T21:00:00.0004+02:00"}, "categories": [" Home", "später "]}),
        json!({"id": super::asking::NOBODY, "version": 9, "createdAt": 7, "updatedAt": [], "completedAt": "x"}),
    ] {
        let answer = api.patch(&task, &patch).await;
        assert_eq!((answer.status.as_u16(), answer.task()), (200, &task), "{patch}");
        assert_eq!(answer.header("etag"), "\"1\"", "{patch}");
        assert_eq!(answer.header("x-consistency-token"), format!("{}@1", id(&task)));
    }
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn completed_at_follows_is_done(api: Api) {
    let open = api.described(&unique()).await;
    let done = api.patch(&open, &json!({"isDone": true})).await;
    let completed_at = &done.task()["completedAt"];
    assert_eq!(completed_at, &done.task()["updatedAt"]);
    let still_done = api.patch(&open, &json!({"priority": "low"})).await;
    assert_eq!(&still_done.task()["completedAt"], completed_at);
    let open_again = api.patch(&open, &json!({"isDone": false})).await;
    assert_eq!(open_again.task()["completedAt"], Value::Null);
}

async fn a_merge_patch_comes_under_its_own_name_or_as_json(api: Api) {
    let task = api.described(&unique()).await;
    for (version, media_type) in [
        MERGE_PATCH,
        "application/json",
        "Application/Merge-Patch+JSON; charset=utf-8",
        "application/json;x=y",
    ]
    .into_iter()
    .enumerate()
    {
        let patch = json!({"description": unique()}).to_string().into_bytes();
        let headers = [("content-type", media_type)];
        let answer = api.send(Method::PATCH, &path(&task), &headers, Some(patch)).await;
        let answer = answer.expect("a complete answer");
        assert_eq!(answer.status, 200, "{media_type}: {answer:?}");
        assert_eq!(answer.task()["version"], version + 2, "{media_type}");
    }
}

async fn other_media_types_are_415_and_told_the_right_ones(api: Api) {
    let task = api.described(&unique()).await;
    for media_type in [
        Some("application/json-patch+json"),
        Some("text/plain"),
        Some("application/merge-patch"),
        Some(""),
        None,
    ] {
        let headers: Vec<_> = media_type
            .map(|value| ("content-type", value))
            .into_iter()
            .collect();
        let answer = api
            .send(Method::PATCH, &path(&task), &headers, Some(b"{}".to_vec()))
            .await;
        let answer = answer.expect("a complete answer");
        answer.assert_problem(415, "unsupported-media-type");
        assert_eq!(answer.header("accept-patch"), ACCEPTED, "{media_type:?}");
    }
    let packed = [("content-encoding", "gzip")];
    let answer = api.tell(Method::PATCH, &path(&task), &packed, &json!({})).await;
    answer.assert_problem(415, "unsupported-content-encoding");
    let put = [("content-type", MERGE_PATCH)];
    let answer = api
        .send(Method::PUT, &path(&task), &put, Some(b"{}".to_vec()))
        .await;
    let answer = answer.expect("a complete answer");
    answer.assert_problem(415, "unsupported-media-type");
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn what_patches_are_accepted_is_told_with_a_method_that_is_not(api: Api) {
    let task = api.described(&unique()).await;
    let answer = api.ask(Method::OPTIONS, &path(&task), &[]).await;
    answer.assert_problem(405, "method-not-allowed");
    assert_eq!(answer.header("accept-patch"), ACCEPTED);
    let answer = api.ask(Method::PATCH, "/tasks", &[]).await;
    answer.assert_problem(405, "method-not-allowed");
    assert_eq!(answer.header("accept-patch"), "");
}

async fn whatever_is_wrong_is_named_at_once(api: Api) {
    let task = api.described(&unique()).await;
    let patch = json!({
        "externalId": 1, "description": " ", "priority": "urgent", "isDone": 0, "parentId": "17", "a/b": 1,
        "dates": {"start": 1, "end": null}, "categories": ["a", "A"]
    });
    let answer = api.patch(&task, &patch).await;
    answer.assert_wrong(&[
        "/externalId wrong-type",
        "/description blank",
        "/priority unknown-priority",
        "/dates/start wrong-type",
        "/dates/end unknown-field",
        "/isDone wrong-type",
        "/parentId invalid-uuid",
        "/categories/1 duplicate",
        "/a~1b unknown-field",
    ]);
    // RFC 7396 would remove what is not there; a name that is misspelt is told all the same.
    let answer = api
        .patch(&task, &json!({"colour": null, "description": unique()}))
        .await;
    answer.assert_wrong(&["/colour unknown-field"]);
    let answer = api
        .tell(
            Method::PATCH,
            "/tasks/17?x",
            &[("if-match", "3")],
            &json!({"y": 1}),
        )
        .await;
    answer.assert_wrong(&[
        "x unknown-parameter",
        "id invalid-uuid",
        "if-match malformed-entity-tag",
        "/y unknown-field",
    ]);
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn what_is_no_object_is_refused(api: Api) {
    let task = api.described(&unique()).await;
    for (body, wrong) in [
        ("null", " wrong-type"),
        ("[]", " wrong-type"),
        (
            r#"[{"op": "replace", "path": "/isDone", "value": true}]"#,
            " wrong-type",
        ),
        ("", " malformed-json"),
        (r#"{"isDone": true"#, " malformed-json"),
        (r#"{"isDone": true, "isDone": false}"#, "/isDone duplicate-name"),
        (r#"{"dates": []}"#, "/dates wrong-type"),
    ] {
        let headers = [("content-type", MERGE_PATCH)];
        let answer = api
            .send(Method::PATCH, &path(&task), &headers, Some(body.into()))
            .await;
        answer.expect("a complete answer").assert_wrong(&[wrong]);
    }
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn what_places_a_task_is_judged_as_for_any_write(api: Api) {
    let top = full(&api).await;
    let below = api
        .create(&json!({"description": unique(), "parentId": top["id"]}))
        .await;
    let answer = api.patch(&top, &json!({"parentId": below["id"]})).await;
    answer.assert_problem(409, "parent-cycle");
    let answer = api.patch(&below, &json!({"parentId": below["id"]})).await;
    answer.assert_problem(409, "parent-cycle");
    let answer = api
        .patch(&below, &json!({"parentId": super::asking::NOBODY}))
        .await;
    answer.assert_wrong(&["/parentId unknown-parent"]);
    let answer = api.patch(&below, &json!({"externalId": top["externalId"]})).await;
    answer.assert_problem(409, "external-id-taken");
    let mut lowest = top.clone();
    // The top has a parent itself.
    for _ in 3..=16 {
        lowest = api
            .create(&json!({"description": unique(), "parentId": lowest["id"]}))
            .await;
    }
    let answer = api.patch(&below, &json!({"parentId": lowest["id"]})).await;
    answer.assert_wrong(&["/parentId too-deep"]);
    assert_eq!(api.read(&top).await.task(), &top);
    assert_eq!(api.read(&below).await.task(), &below);
}

async fn of_patches_at_once_no_field_is_lost(api: Api) {
    let task = api.described(&unique()).await;
    let key = unique();
    let patches = [
        json!({"externalId": key}),
        json!({"description": key}),
        json!({"priority": "medium"}),
        json!({"dates": {"start": MORNING}}),
        json!({"dates": {"due": EVENING}}),
        json!({"isDone": true}),
        json!({"categories": ["a", "b"]}),
    ];
    let answers = join_all(patches.iter().map(|patch| api.patch(&task, patch))).await;
    let mut versions: Vec<_> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.task()["version"].as_i64().expect("a task has a version")
        })
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=8).collect::<Vec<_>>());
    let read = api.read(&task).await;
    for (field, value) in [
        ("externalId", json!(key)),
        ("description", json!(key)),
        ("priority", json!("medium")),
        ("dates", json!({"start": MORNING, "due": EVENING})),
        ("isDone", json!(true)),
        ("categories", json!(["a", "b"])),
    ] {
        assert_eq!(read.task()[field], value, "{field}");
    }
}

async fn a_search_follows_a_patch(api: Api) {
    let (old, new) = (unique(), unique());
    let task = api
        .create(&json!({"description": old, "categories": ["garden"]}))
        .await;
    api.await_found(&json!({"description": old}), &[&task]).await;
    let patched = api.patch(&task, &json!({"description": new})).await;
    let query = json!({"description": new, "categories": ["garden"]});
    api.await_found(&query, &[patched.task()]).await;
    api.await_found(&json!({"description": old}), &[]).await;
}
