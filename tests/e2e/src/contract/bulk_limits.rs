//! `POST /tasks/bulk`: what refuses a whole bulk, and how large one may be.

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{NOBODY, id};
use super::unique;
use crate::{Answer, Api};

rules!("bulk_limits":
    a_task_named_twice_refuses_the_whole,
    whatever_is_wrong_with_the_envelope_refuses_the_whole,
    five_hundred_operations_are_carried_out_and_one_more_is_refused,
    a_body_up_to_1_mib_is_taken_and_one_byte_more_is_413,
    what_surrounds_a_bulk_is_judged_as_for_any_write,
);

/// The most bytes of a bulk.
const MAX_BODY: usize = 1024 * 1024;

async fn send(api: &Api, body: &Value) -> Answer {
    api.tell(Method::POST, "/tasks/bulk", &[], body).await
}

async fn a_task_named_twice_refuses_the_whole(api: Api) {
    let task = api.described(&unique()).await;
    let key = unique();
    let create = json!({"op": "create", "task": {"description": unique(), "externalId": key}});
    let update = json!({"op": "update", "id": task["id"], "patch": {"isDone": true}});
    let delete = json!({"op": "delete", "id": id(&task).to_uppercase()});
    for operations in [
        json!([create, update, update]),
        json!([create, update, delete]),
        json!([create, delete, update]),
    ] {
        for path in ["/tasks/bulk", "/tasks/bulk?atomic=true"] {
            let answer = api
                .tell(Method::POST, path, &[], &json!({"operations": operations}))
                .await;
            answer.assert_wrong(&["/operations/2/id duplicate"]);
        }
    }
    assert_eq!(api.read(&task).await.task(), &task);
    assert_eq!(api.listed(&format!("externalId={key}")).await.tasks().len(), 0);
}

async fn whatever_is_wrong_with_the_envelope_refuses_the_whole(api: Api) {
    for (body, wrong) in [
        (json!([]), &[" wrong-type"][..]),
        (json!(null), &[" wrong-type"]),
        (json!({}), &["/operations missing"]),
        (json!({"operations": {}}), &["/operations wrong-type"]),
        (json!({"operations": []}), &["/operations too-few"]),
        (
            json!({"operations": null, "atomic": true}),
            &["/operations wrong-type", "/atomic unknown-field"],
        ),
    ] {
        send(&api, &body).await.assert_wrong(wrong);
    }
    let task = api.described(&unique()).await;
    let body = json!({"operations": [
        {"op": "update", "id": task["id"], "patch": {"isDone": true}},
        1,
        {"task": {}},
        {"op": "upsert", "task": {}},
        {"op": "Create", "task": {"description": "a"}},
        {"op": "create", "id": NOBODY},
        {"op": "update", "id": "17", "patch": {}, "ifMatch": "3"},
        {"op": "update", "id": NOBODY, "task": {}},
        {"op": "delete"},
        {"op": "delete", "id": null, "ifMatch": 3},
        {"op": "create", "task": {"description": ""}},
    ]});
    send(&api, &body).await.assert_wrong(&[
        "/operations/1 wrong-type",
        "/operations/2/op missing",
        "/operations/3/op unknown-operation",
        "/operations/4/op unknown-operation",
        "/operations/5/task missing",
        "/operations/5/id unknown-field",
        "/operations/6/id invalid-uuid",
        "/operations/6/ifMatch malformed-entity-tag",
        "/operations/7/patch missing",
        "/operations/7/task unknown-field",
        "/operations/8/id missing",
        "/operations/9/id wrong-type",
        "/operations/9/ifMatch wrong-type",
        "/operations/10/task/description blank",
    ]);
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn five_hundred_operations_are_carried_out_and_one_more_is_refused(api: Api) {
    let category = unique();
    let create = json!({"op": "create", "task": {"description": "one of many", "categories": [category]}});
    let answer = send(&api, &json!({"operations": vec![create.clone(); 501]})).await;
    answer.assert_wrong(&["/operations too-many"]);
    let query = format!("category={category}&limit=200");
    assert_eq!(api.listed(&query).await.tasks().len(), 0);
    let answer = send(&api, &json!({"operations": vec![create; 500]})).await;
    let ids: Vec<_> = answer
        .results()
        .iter()
        .map(|result| id(&result["task"]))
        .collect();
    assert_eq!(ids.len(), 500);
    // In the order of the operations.
    assert!(ids.is_sorted(), "{ids:?}");
    let query = json!({"categories": [category], "size": 0});
    crate::until("all are found", std::time::Duration::from_secs(30), || async {
        (api.found(&query).await["total"] == 500).then_some(())
    })
    .await;
    let operations: Vec<_> = ids.iter().map(|id| json!({"op": "delete", "id": id})).collect();
    let answer = send(&api, &json!({"operations": operations})).await;
    let done = answer.results().iter().filter(|result| result["status"] == 200);
    assert_eq!(done.count(), 500);
}

async fn a_body_up_to_1_mib_is_taken_and_one_byte_more_is_413(api: Api) {
    let sized = |key: &str, bytes: usize| {
        let create = json!({"op": "create", "task": {"description": unique(), "externalId": key}});
        let body = json!({"operations": [create]}).to_string();
        format!("{body}{}", " ".repeat(bytes - body.len())).into_bytes()
    };
    let (json_type, key) = ([("content-type", "application/json")], unique());
    for too_large in [MAX_BODY + 1, 10_000_000] {
        let answer = api
            .send(
                Method::POST,
                "/tasks/bulk",
                &json_type,
                Some(sized(&key, too_large)),
            )
            .await;
        answer
            .expect("a complete answer")
            .assert_problem(413, "body-too-large");
    }
    let answer = api
        .send(
            Method::POST,
            "/tasks/bulk",
            &json_type,
            Some(sized(&key, MAX_BODY)),
        )
        .await;
    let answer = answer.expect("a complete answer");
    assert_eq!(answer.results()[0]["status"], 201, "{answer:?}");
    // Nothing else may be as large.
    let answer = api
        .send(Method::POST, "/tasks", &json_type, Some(sized(&key, MAX_BODY)))
        .await;
    answer
        .expect("a complete answer")
        .assert_problem(413, "body-too-large");
}

async fn what_surrounds_a_bulk_is_judged_as_for_any_write(api: Api) {
    let body = json!({"operations": [{"op": "create", "task": {"description": unique()}}]});
    let html = [("accept", "text/html")];
    let answer = api.tell(Method::POST, "/tasks/bulk", &html, &body).await;
    answer.assert_problem(406, "not-acceptable");
    let plain = [("content-type", "text/plain")];
    let answer = api
        .send(Method::POST, "/tasks/bulk", &plain, Some(body.to_string().into()))
        .await;
    let answer = answer.expect("a complete answer");
    answer.assert_problem(415, "unsupported-media-type");
    assert_eq!(answer.header("accept-post"), "application/json");
    let answer = api
        .tell(
            Method::POST,
            "/tasks/bulk?atomic=yes&x=1",
            &[("idempotency-key", "")],
            &json!({"operations": 1}),
        )
        .await;
    answer.assert_wrong(&[
        "atomic wrong-type",
        "x unknown-parameter",
        "idempotency-key invalid-length",
        "/operations wrong-type",
    ]);
    for path in [
        "/tasks/bulk?atomic=true&atomic=true",
        "/tasks/bulk?atomic=true&atomic=false",
    ] {
        let answer = api.tell(Method::POST, path, &[], &body).await;
        answer.assert_wrong(&["atomic repeated"]);
    }
}
