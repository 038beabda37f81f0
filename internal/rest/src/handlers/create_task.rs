//! `POST /tasks`: stores a new task.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use bytes::Bytes;

use crate::docs::{Answer, Body, Component, Endpoint, FailureKind, Header, Parameter, Tag, examples};
use crate::failure::Failure;
use crate::task_fields::decode_task_fields;
use crate::{AppState, json, media_type, task_answer, traceparent};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The task is stored.")
        .shows(Component::TaskAnswer, examples::task_answers())
        .carries(Header::Location)
        .carries(Header::EntityTag)
        .carries(Header::ConsistencyToken)
        .leads_to("get", "getTask")
        .leads_to("replace", "replaceTask")
        .leads_to("delete", "deleteTask");
    Endpoint::new(
        "createTask",
        Tag::Tasks,
        "Create a task",
        "Stores a new task at version 1. Searches find it after a short delay.",
    )
    .takes(Parameter::Traceparent)
    .reads(Body {
        shape: Component::TaskInput,
        examples: examples::task_inputs(),
    })
    .answers(StatusCode::CREATED, answer)
    .fails([
        FailureKind::NotAcceptable,
        FailureKind::ExternalIdTaken,
        FailureKind::Unavailable,
        FailureKind::OutcomeUnknown,
    ])
}

pub(crate) async fn handle(
    State(app): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    media_type::require_json(&headers, media_type::ACCEPT_POST)?;
    let fields = json::parse(&body).and_then(decode_task_fields)?;
    let receipt = app.tasks.create(fields, traceparent::sampled(&headers)).await?;
    Ok((
        StatusCode::CREATED,
        AppendHeaders([(header::LOCATION, format!("/tasks/{}", receipt.task.id))]),
        task_answer::entity_tag(&receipt.task),
        task_answer::consistency_token(receipt.token),
        task_answer::body(&receipt.task),
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Behaviour, NOW, TASK, TestApi, json_request, post};

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
