//! `POST /tasks`.

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{id, path};
use super::unique;
use crate::Api;

rules!("create":
    a_created_task_is_answered_with_its_location_tag_and_token,
    an_answer_has_every_field_and_absent_ones_have_their_defaults,
    what_was_created_is_read_back_whole,
    server_made_fields_are_accepted_and_ignored,
    null_is_absent_where_a_field_may_be_null,
    times_are_kept_in_utc_with_milliseconds,
    categories_are_trimmed_and_keep_their_order,
    any_text_comes_back_as_it_was_sent,
    every_limit_can_be_reached,
);

async fn a_created_task_is_answered_with_its_location_tag_and_token(api: Api) {
    let fields = json!({"description": unique()});
    let answer = api.tell(Method::POST, "/tasks", &[], &fields).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let task = answer.task();
    assert_eq!(task["version"], 1);
    assert_eq!(answer.header("location"), path(task));
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.header("x-consistency-token"), format!("{}@1", id(task)));
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
}

async fn an_answer_has_every_field_and_absent_ones_have_their_defaults(api: Api) {
    let description = unique();
    let task = api.described(&description).await;
    let (id, created_at) = (&task["id"], &task["createdAt"]);
    let text = id.as_str().expect("an id is text");
    assert_eq!(
        (text.len(), &text[14..15]),
        (36, "7"),
        "a UUID of version 7: {text}"
    );
    let time = created_at.as_str().expect("a time is text");
    assert_eq!((time.len(), &time[19..20], &time[23..]), (24, ".", "Z"), "{time}");
    let wanted = json!({
        "id": id, "externalId": null, "description": description, "priority": "none",
        "dates": {"start": null, "due": null}, "isDone": false, "parentId": null, "categories": [],
        "createdAt": created_at, "updatedAt": created_at, "completedAt": null, "version": 1
    });
    assert_eq!(task, wanted);
}

async fn what_was_created_is_read_back_whole(api: Api) {
    let parent = api.described(&unique()).await;
    let mut fields = json!({
        "externalId": unique(), "description": unique(), "priority": "high",
        "dates": {"start": "2026-05-01T07:00:00.000Z", "due": "2026-05-02T07:00:00.125Z"},
        "isDone": true, "parentId": parent["id"], "categories": ["Home", "später"]
    });
    let created = api.create(&fields).await;
    assert_eq!(
        created["completedAt"], created["createdAt"],
        "done from the first"
    );
    for server_made in ["id", "createdAt", "updatedAt", "completedAt", "version"] {
        fields[server_made] = created[server_made].clone();
    }
    assert_eq!(created, fields);
    let read = api.read(&created).await;
    assert_eq!((read.status.as_u16(), read.task()), (200, &created));
    assert_eq!(read.header("etag"), "\"1\"");
}

async fn server_made_fields_are_accepted_and_ignored(api: Api) {
    let sent = json!({
        "description": unique(), "id": super::asking::NOBODY, "createdAt": "1999-01-01T00:00:00Z",
        "updatedAt": 7, "completedAt": [], "version": "nine"
    });
    let task = api.create(&sent).await;
    assert_ne!(task["id"], sent["id"]);
    assert_eq!(
        (&task["version"], &task["completedAt"]),
        (&json!(1), &Value::Null)
    );
    assert_ne!(task["createdAt"], sent["createdAt"]);
}

async fn null_is_absent_where_a_field_may_be_null(api: Api) {
    let sent = json!({
        "description": unique(), "externalId": null, "parentId": null, "dates": {"start": null, "due": null}
    });
    let task = api.create(&sent).await;
    assert_eq!(
        (&task["externalId"], &task["parentId"], &task["dates"]),
        (&Value::Null, &Value::Null, &sent["dates"])
    );
}

async fn times_are_kept_in_utc_with_milliseconds(api: Api) {
    for (sent, kept) in [
        ("2026-05-02T11:00:00.123456+02:00", "2026-05-02T09:00:00.123Z"),
        ("2026-05-02T11:00:00.999999999Z", "2026-05-02T11:00:00.999Z"),
        ("2026-05-02t11:00:00z", "2026-05-02T11:00:00.000Z"),
        ("2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ] {
        let fields = json!({"description": unique(), "dates": {"due": sent}});
        let task = api.create(&fields).await;
        assert_eq!(task["dates"], json!({"start": null, "due": kept}), "{sent}");
        assert_eq!(api.read(&task).await.task(), &task, "{sent}");
    }
}

async fn categories_are_trimmed_and_keep_their_order(api: Api) {
    let fields = json!({"description": unique(), "categories": ["work ", " Öl", "a b", "買い物"]});
    let task = api.create(&fields).await;
    assert_eq!(task["categories"], json!(["work", "Öl", "a b", "買い物"]));
}

async fn any_text_comes_back_as_it_was_sent(api: Api) {
    for text in [
        "  two spaces before, one behind ",
        "line one\nline two\r\n\ttabbed",
        "'; drop table tasks; -- \" \\ % _ $1 {} <script>alert(1)</script>",
        "naïve café, Größe, Ελλάδα, Україна",
        "日本語のタスク と 한국어 และ ไทย",
        "👩‍👩‍👧‍👦 🇺🇦 👍🏽 e\u{301} \u{202e}backwards\u{202c} \u{feff}\u{200b}",
        "\u{1}\u{7f}\u{85}\u{fffd}\u{10ffff}",
    ] {
        let task = api.described(text).await;
        assert_eq!(task["description"], text);
        assert_eq!(api.read(&task).await.task(), &task, "{text:?}");
    }
}

async fn every_limit_can_be_reached(api: Api) {
    let categories: Vec<String> = (10..42)
        .map(|number| format!("{number}{}", "é".repeat(62)))
        .collect();
    let fields = json!({
        // Characters, not bytes.
        "description": "🜂".repeat(4_096),
        "externalId": unique() + &"ж".repeat(255 - 16),
        "categories": categories
    });
    let task = api.create(&fields).await;
    for field in ["description", "externalId", "categories"] {
        assert_eq!(task[field], fields[field], "{field}");
    }
    assert_eq!(api.read(&task).await.task(), &task);
}
