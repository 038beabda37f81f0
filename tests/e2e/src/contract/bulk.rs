//! `POST /tasks/bulk`: what comes of its operations. What an envelope may be is in `bulk_limits`.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{NOBODY, id, wrong};
use super::unique;
use crate::Api;

rules!("bulk":
    each_operation_has_its_own_status_task_and_token,
    what_an_operation_breaks_is_its_own_problem_and_the_others_are_done,
    a_broken_rule_is_told_with_its_pointer_from_the_root_of_the_body,
    operations_that_change_nothing_keep_the_version,
    each_operation_sees_what_those_before_it_did,
    an_external_id_is_released_and_taken_in_one_bulk,
    moves_are_judged_one_after_the_other,
    one_refusal_undoes_an_atomic_bulk,
    an_atomic_bulk_without_a_refusal_is_done,
    bulks_at_once_on_the_same_tasks_all_come_to_an_end,
    searches_follow_a_bulk,
);

fn create(fields: Value) -> Value {
    json!({"op": "create", "task": fields})
}

fn update(task: &Value, patch: Value) -> Value {
    json!({"op": "update", "id": task["id"], "patch": patch})
}

fn delete(task: &Value) -> Value {
    json!({"op": "delete", "id": task["id"]})
}

fn below(parent: &Value) -> Value {
    json!({"description": unique(), "parentId": parent["id"]})
}

/// The code of each result's problem, `done` without one; each result is complete.
#[track_caller]
fn outcomes(results: &[Value]) -> Vec<String> {
    results.iter().map(outcome).collect()
}

#[track_caller]
fn outcome(result: &Value) -> String {
    let members = |value: &Value| value.as_object().expect("an object").len();
    let status = result["status"].as_u64().expect("a result has a status");
    let Some(problem) = result.get("problem") else {
        assert!([200, 201].contains(&status), "{result}");
        assert_eq!(members(result), 3, "{result}");
        let token = result["consistencyToken"].as_str().expect("it has a token");
        assert!(
            token.starts_with(&format!("{}@", id(&result["task"]))),
            "{result}"
        );
        return "done".to_owned();
    };
    assert_eq!(members(result), 2, "{result}");
    assert_eq!(problem["status"], status, "{result}");
    for member in ["type", "title", "detail"] {
        assert!(
            !problem[member].as_str().unwrap_or_default().is_empty(),
            "{result}"
        );
    }
    // The answer around it names the request.
    assert_eq!(members(problem), if status == 400 { 6 } else { 5 }, "{result}");
    let code = problem["code"].as_str().expect("a problem has a code");
    let known = [
        ("invalid-request", 400),
        ("task-not-found", 404),
        ("has-subtasks", 409),
        ("parent-cycle", 409),
        ("external-id-taken", 409),
        ("version-mismatch", 412),
        ("rolled-back", 424),
    ];
    assert!(known.contains(&(code, status)), "{result}");
    code.to_owned()
}

async fn each_operation_has_its_own_status_task_and_token(api: Api) {
    let (kept, gone) = (api.described(&unique()).await, api.described(&unique()).await);
    let fields =
        json!({"description": unique(), "priority": "high", "categories": ["a"], "externalId": unique()});
    let body = json!({"operations": [
        create(fields.clone()),
        {"op": "update", "id": kept["id"], "patch": {"isDone": true, "id": NOBODY}, "ifMatch": "\"7\", \"1\""},
        {"op": "delete", "id": gone["id"], "ifMatch": "*"},
        create(below(&kept)),
    ]});
    let answer = api.tell(Method::POST, "/tasks/bulk", &[], &body).await;
    for header in ["etag", "x-consistency-token", "location", "idempotency-replayed"] {
        assert_eq!(answer.header(header), "", "{header}: {answer:?}");
    }
    let results = answer.results();
    assert_eq!(outcomes(results), ["done"; 4]);
    let part = |name: &str| {
        results
            .iter()
            .map(|result| result[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(part("status"), [201, 200, 200, 201]);
    let tasks = part("task");
    let token = |task: &Value, version: u32| json!(format!("{}@{version}", id(task)));
    let wanted = [
        token(&tasks[0], 1),
        token(&kept, 2),
        token(&gone, 2),
        token(&tasks[3], 1),
    ];
    assert_eq!(part("consistencyToken"), wanted);
    for (field, value) in fields.as_object().expect("fields are an object") {
        assert_eq!(&tasks[0][field], value, "{field}");
    }
    assert_eq!(
        (&tasks[1]["isDone"], &tasks[1]["id"]),
        (&json!(true), &kept["id"])
    );
    assert_eq!(tasks[1]["completedAt"], tasks[1]["updatedAt"]);
    assert_eq!(tasks[2], gone, "a deletion answers the last state");
    for task in [&tasks[0], &tasks[1], &tasks[3]] {
        assert_eq!(api.read(task).await.task(), task);
    }
    api.read(&gone).await.assert_problem(404, "task-not-found");
}

async fn what_an_operation_breaks_is_its_own_problem_and_the_others_are_done(api: Api) {
    let parent = api.described(&unique()).await;
    let child = api.create(&below(&parent)).await;
    let keyed = api
        .create(&json!({"description": unique(), "externalId": unique()}))
        .await;
    let open = api.described(&unique()).await;
    let stale = |task: &Value, patch: Value| {
        let mut operation = update(task, patch);
        operation["ifMatch"] = json!("\"7\"");
        operation
    };
    let results = api
        .bulk(&json!([
            create(json!({"description": unique()})),
            delete(&parent),
            update(&child, json!({"parentId": child["id"]})),
            create(json!({"description": unique(), "externalId": keyed["externalId"]})),
            {"op": "delete", "id": NOBODY, "ifMatch": "\"7\""},
            stale(&open, json!({"isDone": true})),
            {"op": "delete", "id": keyed["id"], "ifMatch": "W/\"1\""},
            create(json!({"description": ""})),
            create(below(&parent)),
        ]))
        .await;
    let wanted = [
        "done",
        "has-subtasks",
        "parent-cycle",
        "external-id-taken",
        "task-not-found",
        "version-mismatch",
        "version-mismatch",
        "invalid-request",
        "done",
    ];
    assert_eq!(outcomes(&results), wanted);
    for task in [&parent, &child, &keyed, &open] {
        assert_eq!(api.read(task).await.task(), task);
    }
    for done in [0, 8] {
        assert_eq!(
            api.read(&results[done]["task"]).await.task(),
            &results[done]["task"]
        );
    }
}

async fn a_broken_rule_is_told_with_its_pointer_from_the_root_of_the_body(api: Api) {
    let tasks = api
        .create_all(&vec![
            json!({"description": unique(), "dates": {"due": "2026-05-01T07:00:00Z"}});
            3
        ])
        .await;
    let results = api
        .bulk(&json!([
            create(json!({"description": " ", "dates": {"end": 1}, "categories": ["a", "A"], "x/y": 1})),
            create(json!({"description": "a", "parentId": NOBODY})),
            update(&tasks[0], json!({"description": null, "isDone": 1})),
            // What only the database knows to be wrong, and before the version.
            {"op": "update", "id": tasks[1]["id"], "ifMatch": "\"7\"", "patch": {"parentId": NOBODY}},
            update(&tasks[2], json!({"dates": {"start": "2026-05-02T07:00:00Z"}})),
            create(json!([])),
        ]))
        .await;
    let wanted: [&[&str]; 6] = [
        &[
            "/operations/0/task/description blank",
            "/operations/0/task/dates/end unknown-field",
            "/operations/0/task/categories/1 duplicate",
            "/operations/0/task/x~1y unknown-field",
        ],
        &["/operations/1/task/parentId unknown-parent"],
        &[
            "/operations/2/patch/description wrong-type",
            "/operations/2/patch/isDone wrong-type",
        ],
        &["/operations/3/patch/parentId unknown-parent"],
        &["/operations/4/patch/dates start-after-due"],
        &["/operations/5/task wrong-type"],
    ];
    assert_eq!(outcomes(&results), ["invalid-request"; 6]);
    for (result, wanted) in results.iter().zip(wanted) {
        assert_eq!(wrong(&result["problem"]), wanted);
    }
    for task in &tasks {
        assert_eq!(api.read(task).await.task(), task);
    }
}

async fn operations_that_change_nothing_keep_the_version(api: Api) {
    let tasks = api.create_all(&vec![json!({"description": unique()}); 2]).await;
    let operations = json!([update(&tasks[0], json!({})), update(&tasks[1], tasks[1].clone())]);
    for _ in 0..2 {
        let results = api.bulk(&operations).await;
        for (result, task) in results.iter().zip(&tasks) {
            let token = format!("{}@1", id(task));
            let wanted = json!({"status": 200, "task": task, "consistencyToken": token});
            assert_eq!(result, &wanted);
        }
    }
}

async fn each_operation_sees_what_those_before_it_did(api: Api) {
    // Child first, then its parent.
    let parent = api.described(&unique()).await;
    let child = api.create(&below(&parent)).await;
    let results = api.bulk(&json!([delete(&child), delete(&parent)])).await;
    assert_eq!(outcomes(&results), ["done", "done"]);
    // The other way round the parent is refused.
    let parent = api.described(&unique()).await;
    let child = api.create(&below(&parent)).await;
    let results = api.bulk(&json!([delete(&parent), delete(&child)])).await;
    assert_eq!(outcomes(&results), ["has-subtasks", "done"]);
    assert_eq!(api.read(&parent).await.task(), &parent);
    // A child that has moved away no longer counts; one that has moved there does.
    let child = api.create(&below(&parent)).await;
    let other = api.described(&unique()).await;
    let results = api
        .bulk(&json!([
            update(&child, json!({"parentId": other["id"]})),
            delete(&parent),
            delete(&other)
        ]))
        .await;
    assert_eq!(outcomes(&results), ["done", "done", "has-subtasks"]);
    assert_eq!(results[0]["task"]["parentId"], other["id"]);
    // Nothing is placed below a task that has gone, and a task below which one was placed stays.
    let parent = api.described(&unique()).await;
    let results = api
        .bulk(&json!([
            delete(&parent),
            create(below(&parent)),
            update(&other, json!({"parentId": parent["id"]})),
            create(below(&child)),
            delete(&child),
        ]))
        .await;
    let wanted = [
        "done",
        "invalid-request",
        "invalid-request",
        "done",
        "has-subtasks",
    ];
    assert_eq!(outcomes(&results), wanted);
    assert_eq!(
        wrong(&results[1]["problem"]),
        ["/operations/1/task/parentId unknown-parent"]
    );
    assert_eq!(
        wrong(&results[2]["problem"]),
        ["/operations/2/patch/parentId unknown-parent"]
    );
}

async fn an_external_id_is_released_and_taken_in_one_bulk(api: Api) {
    let keys: Vec<_> = (0..3).map(|_| unique()).collect();
    let fields: Vec<_> = keys
        .iter()
        .map(|key| json!({"description": unique(), "externalId": key}))
        .collect();
    let tasks = api.create_all(&fields).await;
    let taking = |key: &str| create(json!({"description": unique(), "externalId": key}));
    let results = api
        .bulk(&json!([
            // Too early.
            taking(&keys[0]),
            update(&tasks[0], json!({"externalId": keys[1]})),
            // By a change, by a deletion, and for one who had another before.
            delete(&tasks[1]),
            update(&tasks[2], json!({"externalId": keys[1]})),
            taking(&keys[2]),
            taking(&keys[2]),
        ]))
        .await;
    let wanted = [
        "external-id-taken",
        "external-id-taken",
        "done",
        "done",
        "done",
        "external-id-taken",
    ];
    assert_eq!(outcomes(&results), wanted);
    for (key, task) in [
        (&keys[0], &tasks[0]),
        (&keys[1], &tasks[2]),
        (&keys[2], &results[4]["task"]),
    ] {
        let page = api.listed(&format!("externalId={key}")).await;
        assert_eq!(page.tasks().len(), 1, "{page:?}");
        assert_eq!(page.tasks()[0]["id"], task["id"], "{key}");
    }
    let released = update(&tasks[0], json!({"externalId": null}));
    let results = api.bulk(&json!([released, taking(&keys[0])])).await;
    assert_eq!(outcomes(&results), ["done", "done"]);
}

async fn moves_are_judged_one_after_the_other(api: Api) {
    let tasks = api.create_all(&vec![json!({"description": unique()}); 3]).await;
    let under = |task: usize, parent: &Value| update(&tasks[task], json!({"parentId": parent["id"]}));
    let results = api
        .bulk(&json!([
            under(0, &tasks[1]),
            under(1, &tasks[2]),
            under(2, &tasks[0])
        ]))
        .await;
    assert_eq!(outcomes(&results), ["done", "done", "parent-cycle"]);
    // Now 0 below 1 below 2. Once 0 has left, 2 may go below it.
    let results = api
        .bulk(&json!([
            update(&tasks[0], json!({"parentId": null})),
            under(2, &tasks[0])
        ]))
        .await;
    assert_eq!(outcomes(&results), ["done", "done"]);
    // Depth: 1 below 2 below 0; what is below them stands too deep from the fourteenth level on.
    let mut chain = vec![api.described(&unique()).await];
    while chain.len() < 14 {
        chain.push(api.create(&below(&chain[chain.len() - 1])).await);
    }
    let refused = api.bulk(&json!([under(0, &chain[13])])).await;
    assert_eq!(
        wrong(&refused[0]["problem"]),
        ["/operations/0/patch/parentId too-deep"]
    );
    let results = api
        .bulk(&json!([
            update(&tasks[1], json!({"parentId": null})),
            under(0, &chain[13])
        ]))
        .await;
    assert_eq!(outcomes(&results), ["done", "done"]);
}

async fn one_refusal_undoes_an_atomic_bulk(api: Api) {
    let (changed, gone) = (api.described(&unique()).await, api.described(&unique()).await);
    let key = unique();
    let operations = |last: Value| {
        json!({"operations": [
            update(&changed, json!({"isDone": true})),
            create(json!({"description": unique(), "externalId": key})),
            delete(&gone),
            last,
            update(&json!({"id": NOBODY}), json!({})),
        ]})
    };
    for (last, code) in [
        (create(json!({"description": ""})), "invalid-request"),
        (
            create(json!({"description": "a", "parentId": NOBODY})),
            "invalid-request",
        ),
        (
            create(json!({"description": "a", "externalId": key})),
            "external-id-taken",
        ),
        (
            create(json!({"description": "a", "parentId": gone["id"]})),
            "invalid-request",
        ),
    ] {
        let answer = api
            .tell(Method::POST, "/tasks/bulk?atomic=true", &[], &operations(last))
            .await;
        let wanted = [
            "rolled-back",
            "rolled-back",
            "rolled-back",
            code,
            "task-not-found",
        ];
        assert_eq!(outcomes(answer.results()), wanted);
    }
    for task in [&changed, &gone] {
        assert_eq!(api.read(task).await.task(), task);
    }
    assert_eq!(api.listed(&format!("externalId={key}")).await.tasks().len(), 0);
    for wrong in ["atomic=1", "atomic="] {
        let path = format!("/tasks/bulk?{wrong}");
        let answer = api
            .tell(
                Method::POST,
                &path,
                &[],
                &operations(delete(&json!({"id": id(&gone)}))),
            )
            .await;
        answer.assert_problem(400, "invalid-request");
    }
}

async fn an_atomic_bulk_without_a_refusal_is_done(api: Api) {
    let (changed, gone) = (api.described(&unique()).await, api.described(&unique()).await);
    let body = json!({"operations": [
        update(&changed, json!({"priority": "low"})), delete(&gone), create(below(&changed)),
    ]});
    let answer = api
        .tell(Method::POST, "/tasks/bulk?atomic=true", &[], &body)
        .await;
    let results = answer.results();
    assert_eq!(outcomes(results), ["done"; 3]);
    for done in [0, 2] {
        assert_eq!(
            api.read(&results[done]["task"]).await.task(),
            &results[done]["task"]
        );
    }
    api.read(&gone).await.assert_problem(404, "task-not-found");
}

async fn bulks_at_once_on_the_same_tasks_all_come_to_an_end(api: Api) {
    let tasks = api.create_all(&vec![json!({"description": unique()}); 20]).await;
    let bulks = (0..8).map(|number| {
        let mut operations: Vec<_> = tasks
            .iter()
            .map(|task| update(task, json!({"description": unique()})))
            .collect();
        // Each in an order of its own.
        operations.rotate_left(number * 2);
        if number % 2 == 1 {
            operations.reverse();
        }
        json!(operations)
    });
    let bulks: Vec<_> = bulks.collect();
    for results in join_all(bulks.iter().map(|operations| api.bulk(operations))).await {
        assert_eq!(outcomes(&results), ["done"; 20]);
    }
    for task in &tasks {
        assert_eq!(api.read(task).await.task()["version"], 9);
    }
}

async fn searches_follow_a_bulk(api: Api) {
    let word = unique();
    let gone = api.described(&word).await;
    let changed = api.described(&unique()).await;
    let operations = json!([
        create(json!({"description": format!("{word} new")})),
        update(&changed, json!({"description": format!("{word} changed")})),
        delete(&gone),
        create(json!({"description": word, "parentId": NOBODY})),
    ]);
    let results = api.bulk(&operations).await;
    assert_eq!(outcomes(&results), ["done", "done", "done", "invalid-request"]);
    let wanted = [&results[0]["task"], &results[1]["task"]];
    api.await_found(&json!({"description": word}), &wanted).await;
}
