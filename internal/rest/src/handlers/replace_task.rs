//! `PUT /tasks/{id}`: replaces every writable field; absent ones get their defaults.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::docs::{Answer, Body, Component, Endpoint, FailureKind, Header, Parameter, Tag, examples};
use crate::failure::{Failure, both};
use crate::media_type::BodyKind;
use crate::query::Query;
use crate::task_fields::decode_task_fields;
use crate::task_id_parameter::{IdInPath, task_id};
use crate::{AppState, entity_tag, json, task_answer, traceparent};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The task as it now stands. There is no `ETag`; the version is in the body.")
        .shows(Component::TaskAnswer, examples::task_answers())
        .carries(Header::ConsistencyToken);
    Endpoint::new(
        "replaceTask",
        Tag::Tasks,
        "Replace a task",
        "Replaces every writable field; absent ones get their defaults. A replacement that changes nothing keeps the \
         version. Without `If-Match` a lost race is retried inside.",
    )
    .takes(Parameter::TaskId)
    .takes(Parameter::IfMatch)
    .takes(Parameter::UnlessMatch)
    .takes(Parameter::Traceparent)
    .reads(Body {
        kind: BodyKind::Put,
        shape: Component::TaskInput,
        examples: examples::task_inputs(),
    })
    .answers(StatusCode::OK, answer)
    .fails([
        FailureKind::NotFound,
        FailureKind::NotAcceptable,
        FailureKind::ParentCycle,
        FailureKind::ExternalIdTaken,
        FailureKind::Contended,
        FailureKind::VersionMismatch,
        FailureKind::PreconditionRequired,
        FailureKind::Unavailable,
        FailureKind::ChangeUnknown,
    ])
}

pub(crate) async fn handle(
    State(app): State<AppState>,
    path: IdInPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    BodyKind::Put.require(&headers)?;
    let target = both(task_id(path), entity_tag::precondition(&headers));
    let fields = json::parse(&body).and_then(decode_task_fields);
    let around = both(Query::none(query.as_deref()), target);
    let (((), (id, precondition)), fields) = both(around, fields)?;
    entity_tag::require_if_match(&app, &headers)?;
    let receipt = app
        .tasks
        .replace(id, fields, &precondition, traceparent::sampled(&headers))
        .await?;
    // No ETag: what is stored is not the body that was sent, byte for byte (RFC 9110, section 9.3.4).
    Ok((
        task_answer::consistency_token(receipt.token),
        task_answer::body(&receipt.task),
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{NOBODY, TASK, TestApi, json_request, request};

    const NEW: &str = r#"{"description": "new"}"#;

    #[tokio::test]
    async fn a_replacement_sets_absent_fields_to_their_defaults_and_carries_no_tag() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        let first = r#"{"description": "new", "priority": "low", "isDone": true, "externalId": "J-1"}"#;
        let answer = api.send(json_request("PUT", &path, &[], first)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["task"]["version"]),
            (200, &json!(2))
        );
        assert_eq!(answer.header("etag"), "");
        assert_eq!(answer.header("x-consistency-token"), format!("{TASK}@2"));
        let answer = api.send(json_request("PUT", &path, &[], NEW)).await;
        let task = &answer.body["task"];
        assert_eq!(
            (
                &task["priority"],
                &task["isDone"],
                &task["externalId"],
                &task["completedAt"],
                &task["version"]
            ),
            (
                &json!("none"),
                &json!(false),
                &json!(null),
                &json!(null),
                &json!(3)
            )
        );
        let events = api.events();
        assert_eq!(events.len(), 3);
        assert_eq!(events[2].0, json!({"type": "Task.Updated", "value": task}));
    }

    #[tokio::test]
    async fn what_get_returned_can_be_put_back_and_changes_nothing() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        let read = api.send(request("GET", &path, &[])).await;
        let body = read.body["task"].to_string();
        let answer = api.send(json_request("PUT", &path, &[], body)).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &read.body));
        assert_eq!(answer.header("x-consistency-token"), format!("{TASK}@1"));
        assert_eq!(api.events().len(), 1);
    }

    #[tokio::test]
    async fn if_match_lets_through_the_tasks_version_alone() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        for refused in ["\"2\"", "W/\"1\"", "\"2\", \"3\"", "\"01\""] {
            let answer = api
                .send(json_request("PUT", &path, &[("if-match", refused)], NEW))
                .await;
            assert_eq!(answer.problem(), (412, "version-mismatch"), "{refused}");
        }
        assert_eq!(api.events().len(), 1);
        for (accepted, version) in [("\"7\", \"1\"", 2), ("*", 3)] {
            let body = json!({"description": format!("version {version}")}).to_string();
            let answer = api
                .send(json_request("PUT", &path, &[("if-match", accepted)], body))
                .await;
            assert_eq!(answer.body["task"]["version"], version, "{accepted}");
        }
    }

    #[tokio::test]
    async fn a_bad_request_comes_before_a_missing_task_and_that_before_the_precondition() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{NOBODY}");
        let stale = [("if-match", "\"9\"")];
        let answer = api.send(json_request("PUT", &path, &stale, "{}")).await;
        assert_eq!(answer.problem(), (400, "invalid-request"));
        let answer = api.send(json_request("PUT", &path, &stale, NEW)).await;
        assert_eq!(answer.problem(), (404, "task-not-found"));
    }
}
