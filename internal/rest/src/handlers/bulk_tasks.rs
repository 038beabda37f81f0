//! `POST /tasks/bulk`: many writes in one transaction.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use taskwire_service::{BulkKey, BulkRequest, BulkResults};

use crate::bulk_operations::{Verb, decode_operations};
use crate::docs::{Answer, Body, Component, Endpoint, FailureKind, Header, Parameter, Tag, examples};
use crate::failure::{Failure, both};
use crate::idempotency_key::IdempotencyKey;
use crate::json_object::Decoded;
use crate::media_type::BodyKind;
use crate::query::{Query, boolean};
use crate::{AppState, bulk_results, json, kept_answer, traceparent};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new(
        "What came of each operation, in their order: its own status, with the task and a consistency token or with \
         a problem. For a deletion the task is how it last stood.",
    )
    .shows(Component::BulkAnswer, examples::bulk_answers())
    .carries(Header::IdempotencyReplayed);
    Endpoint::new(
        "bulkTasks",
        Tag::Tasks,
        "Write many tasks at once",
        "Carries out up to 500 creations, changes and deletions in one transaction, as if one after the other. What is \
         wrong with an operation itself (its name, an id, an id named twice, an unknown member) is a 400 for the \
         whole, and nothing is done; what breaks a rule about a task is a problem in the result of that operation, \
         and the others are done, unless `atomic` is set. A deletion does not cascade.",
    )
    .takes(Parameter::Atomic)
    .takes(Parameter::IdempotencyKey)
    .takes(Parameter::Traceparent)
    .reads(Body {
        kind: BodyKind::Post,
        shape: Component::BulkRequest,
        examples: examples::bulk_requests(),
    })
    .of_bulk_size()
    .answers(StatusCode::OK, answer)
    .fails([
        FailureKind::NotAcceptable,
        FailureKind::Contended,
        FailureKind::SubtreeTooLarge,
        FailureKind::TwinInFlight,
        FailureKind::KeyReused,
        FailureKind::Unavailable,
        FailureKind::OutcomeUnknown,
    ])
}

pub(crate) async fn handle(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    BodyKind::Post.require(&headers)?;
    let around = both(atomic(query.as_deref()), IdempotencyKey::of(&headers));
    let if_match_required = app.config.require_if_match;
    let operations = json::parse(&body).and_then(|body| decode_operations(body, if_match_required));
    let ((atomic, key), operations) = both(around, operations)?;
    let (verbs, operations): (Arc<[Verb]>, Vec<_>) = {
        let (verbs, operations): (Vec<_>, Vec<_>) = operations.into_iter().unzip();
        (verbs.into(), operations)
    };
    let key = key.map(|key| {
        let verbs = Arc::clone(&verbs);
        BulkKey {
            key: key.of_request("POST /tasks/bulk", &body, if atomic { "atomic" } else { "" }),
            render: Arc::new(move |results: &BulkResults| bulk_results::answer(&verbs, results).to_bytes()),
        }
    });
    let request = BulkRequest { operations, atomic };
    let answered = app
        .tasks
        .bulk(request, key, traceparent::sampled(&headers))
        .await?;
    kept_answer::respond(answered, |results| bulk_results::answer(&verbs, results))
}

fn atomic(raw: Option<&str>) -> Decoded<bool> {
    let mut query = Query::open(raw);
    let atomic = query.optional("atomic", boolean);
    query.finish(atomic.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::RestConfig;
    use crate::testing::{Answer, NOBODY, TASK, TestApi, json_request, post, request};

    /// The id of the second task that a test creates.
    const SECOND: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a11";

    async fn send(api: &TestApi, query: &str, operations: Value) -> Answer {
        let body = json!({"operations": operations}).to_string();
        api.send(post(&format!("/tasks/bulk{query}"), &body)).await
    }

    fn statuses(answer: &Answer) -> Vec<u64> {
        let results = answer.body["results"].as_array().unwrap();
        results
            .iter()
            .map(|result| result["status"].as_u64().unwrap())
            .collect()
    }

    fn codes(answer: &Answer) -> Vec<&str> {
        let results = answer.body["results"].as_array().unwrap();
        results
            .iter()
            .map(|result| result["problem"]["code"].as_str().unwrap_or("done"))
            .collect()
    }

    #[tokio::test]
    async fn each_operation_has_its_own_status_task_and_token() {
        let api = TestApi::with_a_task().await;
        let answer = send(
            &api,
            "",
            json!([
                {"op": "create", "task": {"description": "new"}},
                {"op": "update", "id": TASK, "patch": {"isDone": true}, "ifMatch": "\"1\""},
                {"op": "delete", "id": NOBODY},
            ]),
        )
        .await;
        assert_eq!(statuses(&answer), [201, 200, 404]);
        let results = &answer.body["results"];
        assert_eq!(results[0]["consistencyToken"], format!("{SECOND}@1"));
        assert_eq!(results[1]["consistencyToken"], format!("{TASK}@2"));
        assert_eq!(results[1]["task"]["isDone"], true);
        let problem = &results[2]["problem"];
        assert_eq!(
            (&problem["status"], &problem["code"], problem.get("requestId")),
            (&json!(404), &json!("task-not-found"), None)
        );
        assert_eq!(answer.header("idempotency-replayed"), "");
        let second = api.send(request("GET", &format!("/tasks/{SECOND}"), &[])).await;
        assert_eq!(second.body["task"], results[0]["task"]);
        assert_eq!(api.events().len(), 3);
        let answer = send(&api, "", json!([{"op": "delete", "id": SECOND, "ifMatch": "*"}])).await;
        assert_eq!(
            answer.body["results"][0]["consistencyToken"],
            format!("{SECOND}@2")
        );
        assert_eq!(answer.body["results"][0]["task"]["version"], 1);
    }

    #[tokio::test]
    async fn what_an_operation_breaks_is_its_own_problem_with_pointers_from_the_root() {
        let api = TestApi::with_a_task().await;
        let answer = send(
            &api,
            "",
            json!([
                {"op": "create", "task": {"description": " ", "x": 1}},
                {"op": "create", "task": {"description": "a", "parentId": NOBODY}},
                {"op": "update", "id": TASK, "patch": {}, "ifMatch": "\"7\""},
                {"op": "create", "task": {"description": "a"}},
            ]),
        )
        .await;
        assert_eq!(statuses(&answer), [400, 400, 412, 201]);
        let stale = json!({"op": "update", "id": TASK, "patch": {"parentId": NOBODY}, "ifMatch": "\"7\""});
        assert_eq!(statuses(&send(&api, "", json!([stale])).await), [400]);
        let pointers = |index: usize| {
            let errors = answer.body["results"][index]["problem"]["errors"]
                .as_array()
                .unwrap()
                .iter();
            errors
                .map(|error| error["pointer"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            pointers(0),
            ["/operations/0/task/description", "/operations/0/task/x"]
        );
        assert_eq!(pointers(1), ["/operations/1/task/parentId"]);
        assert_eq!(api.events().len(), 2);
    }

    #[tokio::test]
    async fn one_refusal_undoes_an_atomic_bulk() {
        let api = TestApi::with_a_task().await;
        let operations = json!([
            {"op": "delete", "id": TASK},
            {"op": "create", "task": {"description": ""}},
        ]);
        let answer = send(&api, "?atomic=true", operations.clone()).await;
        assert_eq!(codes(&answer), ["rolled-back", "invalid-request"]);
        assert_eq!(statuses(&answer), [424, 400]);
        assert_eq!(
            (api.descriptions(), api.events().len()),
            (vec!["old".to_owned()], 1)
        );
        let answer = send(&api, "?atomic=false", operations).await;
        assert_eq!(codes(&answer), ["done", "invalid-request"]);
    }

    #[tokio::test]
    async fn the_errors_of_all_results_together_are_limited() {
        let wrong: serde_json::Map<_, _> = (0..90).map(|n| (format!("f{n}"), json!(0))).collect();
        let operations = vec![json!({"op": "create", "task": wrong}); 20];
        let answer = send(&TestApi::new(), "", json!(operations)).await;
        assert_eq!(statuses(&answer), [400; 20]);
        let results = answer.body["results"].as_array().unwrap();
        let told: Vec<_> = results
            .iter()
            .map(|result| result["problem"]["errors"].as_array().unwrap().len())
            .collect();
        // Each has one more: the description is missing.
        assert_eq!(told, [vec![91; 10], vec![90], vec![1; 9]].concat());
        let detail = &results[19]["problem"]["detail"];
        assert_eq!(
            detail,
            "91 values of the request are wrong; errors names the first"
        );
    }

    #[tokio::test]
    async fn a_broken_envelope_refuses_the_whole() {
        let api = TestApi::with_a_task().await;
        let answer = send(
            &api,
            "",
            json!([
                {"op": "delete", "id": TASK},
                {"op": "update", "id": TASK, "patch": {"isDone": 1}},
                {"op": "rename"},
            ]),
        )
        .await;
        assert_eq!(answer.problem(), (400, "invalid-request"));
        let wanted = [
            "/operations/1/id duplicate",
            "/operations/2/op unknown-operation",
            "/operations/1/patch/isDone wrong-type",
        ];
        assert_eq!(answer.wrong_fields(), wanted);
        assert_eq!(api.events().len(), 1);
    }

    #[tokio::test]
    async fn the_same_bulk_under_a_key_is_done_once_and_answered_alike() {
        let api = TestApi::with_a_task().await;
        let body = json!({"operations": [
            {"op": "create", "task": {"description": "a"}},
            {"op": "delete", "id": NOBODY},
        ]})
        .to_string();
        let keyed = |query: &str, key: &str| {
            json_request(
                "POST",
                &format!("/tasks/bulk{query}"),
                &[("idempotency-key", key)],
                body.clone(),
            )
        };
        let first = api.send(keyed("", "k 1")).await;
        let again = api.send(keyed("", "\"k 1\"")).await;
        assert_eq!(statuses(&first), [201, 404]);
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(first.header("idempotency-replayed"), "");
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(api.events().len(), 2);
        // The same operations, asked to be done otherwise, are another request.
        let other = api.send(keyed("?atomic=true", "k 1")).await;
        assert_eq!(other.problem(), (422, "idempotency-key-reused"));
    }

    #[tokio::test]
    async fn a_bulk_that_was_undone_leaves_its_key_free() {
        let api = TestApi::with_a_task().await;
        let key = [("idempotency-key", "k")];
        let undone = json!({"operations": [
            {"op": "create", "task": {"description": "a"}},
            {"op": "delete", "id": NOBODY},
        ]});
        for _ in 0..2 {
            let sent = json_request("POST", "/tasks/bulk?atomic=true", &key, undone.to_string());
            let answer = api.send(sent).await;
            assert_eq!(codes(&answer), ["rolled-back", "task-not-found"]);
            assert_eq!(answer.header("idempotency-replayed"), "");
        }
        let sound = json!({"operations": [{"op": "create", "task": {"description": "a"}}]});
        let sent = json_request("POST", "/tasks/bulk?atomic=true", &key, sound.to_string());
        assert_eq!(statuses(&api.send(sent).await), [201]);
    }

    #[tokio::test]
    async fn a_version_can_be_required_of_every_change() {
        let api = TestApi::with(RestConfig {
            require_if_match: true,
            ..RestConfig::default()
        });
        let answer = send(
            &api,
            "",
            json!([
                {"op": "create", "task": {"description": "a"}},
                {"op": "update", "id": NOBODY, "patch": {}},
                {"op": "delete", "id": TASK, "ifMatch": "\"1\""},
            ]),
        )
        .await;
        assert_eq!(codes(&answer), ["done", "invalid-request", "done"]);
        let error = &answer.body["results"][1]["problem"]["errors"][0];
        assert_eq!(error["pointer"], "/operations/1/ifMatch");
    }

    #[tokio::test]
    async fn five_hundred_large_tasks_fit() {
        let api = TestApi::new();
        let create = json!({"op": "create", "task": {"description": "x".repeat(1_900)}});
        let answer = send(&api, "", json!(vec![create; 500])).await;
        assert_eq!(statuses(&answer), [201; 500]);
        assert_eq!(api.events().len(), 500);
    }
}
