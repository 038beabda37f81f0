//! `POST /tasks`: stores a new task.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use taskwire_domain::Receipt;

use crate::docs::{Answer, Body, Component, Endpoint, FailureKind, Header, Parameter, Tag, examples};
use crate::failure::{Failure, both};
use crate::idempotency_key::IdempotencyKey;
use crate::kept_answer::{self, KeptAnswer};
use crate::media_type::BodyKind;
use crate::query::Query;
use crate::task_answer::{TaskAnswer, X_CONSISTENCY_TOKEN};
use crate::task_fields::decode_task_fields;
use crate::{AppState, entity_tag, json, traceparent};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The task is stored.")
        .shows(Component::TaskAnswer, examples::task_answers())
        .carries(Header::Location)
        .carries(Header::EntityTag)
        .carries(Header::ConsistencyToken)
        .carries(Header::IdempotencyReplayed)
        .leads_to("get", "getTask")
        .leads_to("replace", "replaceTask")
        .leads_to("patch", "patchTask")
        .leads_to("delete", "deleteTask");
    Endpoint::new(
        "createTask",
        Tag::Tasks,
        "Create a task",
        "Stores a new task at version 1. Searches find it after a short delay. With an `Idempotency-Key` it can be sent \
         again until an answer arrives, and makes one task.",
    )
    .takes(Parameter::IdempotencyKey)
    .takes(Parameter::Traceparent)
    .reads(Body {
        kind: BodyKind::Post,
        shape: Component::TaskInput,
        examples: examples::task_inputs(),
    })
    .answers(StatusCode::CREATED, answer)
    .fails([
        FailureKind::NotAcceptable,
        FailureKind::ExternalIdTaken,
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
    let around = both(Query::none(query.as_deref()), IdempotencyKey::of(&headers));
    let fields = json::parse(&body).and_then(decode_task_fields);
    let (((), key), fields) = both(around, fields)?;
    let traceparent = traceparent::sampled(&headers);
    let Some(key) = key else {
        let receipt = app.tasks.create(fields, traceparent).await?;
        return Ok(created(&receipt).into_response());
    };
    let key = key.of_request("POST /tasks", &body, "");
    let render = |receipt: &Receipt| created(receipt).to_bytes();
    let answered = app.tasks.create_once(fields, key, &render, traceparent).await?;
    kept_answer::respond(answered, created)
}

fn created(receipt: &Receipt) -> KeptAnswer {
    let task = &receipt.task;
    KeptAnswer::new(StatusCode::CREATED, &TaskAnswer { task })
        .with(&header::LOCATION, format!("/tasks/{}", task.id))
        .with(&header::ETAG, entity_tag::of(task.version))
        .with(&X_CONSISTENCY_TOKEN, receipt.token.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Behaviour, NOBODY, NOW, TASK, TestApi, json_request, post};

    #[tokio::test]
    async fn a_created_task_is_answered_whole_with_its_location_tag_and_token() {
        let api = TestApi::new();
        let answer = api
            .send(post(
                "/tasks",
                r#"{"description": "buy milk", "priority": "high", "isDone": true, "categories": [" home "],
                    "dates": {"due": "2026-05-02T11:00:00.123456+02:00"}, "id": "ignored", "version": 9}"#,
            ))
            .await;
        let task = json!({
            "id": TASK, "externalId": null, "description": "buy milk", "priority": "high",
            "dates": {"start": null, "due": "2026-05-02T09:00:00.123Z"}, "isDone": true, "parentId": null,
            "categories": ["home"], "createdAt": NOW, "updatedAt": NOW, "completedAt": NOW, "version": 1
        });
        assert_eq!(
            (answer.status.as_u16(), &answer.body),
            (201, &json!({"task": task}))
        );
        assert_eq!(answer.header("location"), format!("/tasks/{TASK}"));
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(answer.header("x-consistency-token"), format!("{TASK}@1"));
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(
            api.events(),
            [(json!({"type": "Task.Created", "value": task}), None)]
        );
    }

    #[tokio::test]
    async fn a_sampled_trace_travels_with_the_event_and_an_unsampled_one_does_not() {
        let api = TestApi::new();
        let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        for trace in [sampled, unsampled] {
            let body = r#"{"description": "a"}"#;
            api.send(json_request("POST", "/tasks", &[("traceparent", trace)], body))
                .await;
        }
        let traces: Vec<_> = api.events().into_iter().map(|(_, trace)| trace).collect();
        assert_eq!(traces, [Some(sampled.to_owned()), None]);
    }

    #[tokio::test]
    async fn the_same_request_under_a_key_is_done_once_and_answered_alike() {
        let api = TestApi::new();
        let keyed = |key: &str, body: &str| {
            json_request("POST", "/tasks", &[("idempotency-key", key)], body.to_owned())
        };
        let body = r#"{"description": "a"}"#;
        let first = api.send(keyed("8e03978e", body)).await;
        let again = api.send(keyed("\"8e03978e\"", body)).await;
        assert_eq!((again.status.as_u16(), &again.body), (201, &first.body));
        for name in ["location", "etag", "x-consistency-token", "content-type"] {
            assert!(!first.header(name).is_empty(), "{name}");
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        let marks = [&first, &again].map(|answer| answer.header("idempotency-replayed").to_owned());
        assert_eq!(marks, ["", "true"]);
        assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
        assert_eq!(api.events().len(), 1);
        let other = api.send(keyed("8e03978e", r#"{"description":  "a"}"#)).await;
        assert_eq!(other.problem(), (422, "idempotency-key-reused"));
        api.send(keyed("another", body)).await;
        assert_eq!(api.events().len(), 2);
    }

    #[tokio::test]
    async fn a_refused_request_leaves_its_key_free() {
        let api = TestApi::with_a_task().await;
        let keyed = |body: String| json_request("POST", "/tasks", &[("idempotency-key", "k")], body);
        let taken = json!({"description": "a", "externalId": "J-1"}).to_string();
        api.send(post("/tasks", &taken)).await;
        let conflict = api.send(keyed(taken)).await;
        assert_eq!(conflict.problem(), (409, "external-id-taken"));
        let unknown = json!({"description": "a", "parentId": NOBODY}).to_string();
        let answer = api.send(keyed(unknown)).await;
        assert_eq!(answer.wrong_fields(), ["/parentId unknown-parent"]);
        let answer = api.send(keyed(json!({"description": "a"}).to_string())).await;
        assert_eq!(answer.status, 201);
    }

    #[tokio::test]
    async fn a_database_away_is_503_with_retry_after() {
        let api = TestApi::new();
        api.engines_now(Behaviour::IsAway);
        let answer = api.send(post("/tasks", r#"{"description": "a"}"#)).await;
        assert_eq!(answer.problem(), (503, "unavailable"));
        assert_eq!(answer.header("retry-after"), "2");
    }

    #[tokio::test]
    async fn a_lost_answer_is_504_and_says_that_the_outcome_is_unknown() {
        let api = TestApi::new();
        api.engines_now(Behaviour::LosesTheAnswer);
        let answer = api.send(post("/tasks", r#"{"description": "a"}"#)).await;
        assert_eq!(answer.problem(), (504, "outcome-unknown"));
        assert_eq!(answer.header("retry-after"), "");
    }
}
