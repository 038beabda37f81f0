//! `DELETE /tasks/{id}`: deletes the task and answers its last state.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::docs::{Answer, Component, Endpoint, FailureKind, Header, Parameter, Tag, examples};
use crate::failure::{Failure, both};
use crate::json_object::Decoded;
use crate::query::{Query, boolean};
use crate::task_id_parameter::{IdInPath, task_id};
use crate::{AppState, entity_tag, task_answer, traceparent};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The task is gone; this is how it last stood.")
        .shows(Component::TaskAnswer, examples::task_answers())
        .carries(Header::ConsistencyToken);
    Endpoint::new(
        "deleteTask",
        Tag::Tasks,
        "Delete a task",
        "Deletes the task and answers its last state. A task that still has sub-tasks is not deleted, unless `cascade` \
         is set: then all that is below it goes with it, in one transaction.",
    )
    .takes(Parameter::TaskId)
    .takes(Parameter::Cascade)
    .takes(Parameter::IfMatch)
    .takes(Parameter::UnlessMatch)
    .takes(Parameter::Traceparent)
    .answers(StatusCode::OK, answer)
    .fails([
        FailureKind::NotFound,
        FailureKind::NotAcceptable,
        FailureKind::HasSubtasks,
        FailureKind::SubtreeTooLarge,
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
) -> Result<Response, Failure> {
    let target = both(task_id(path), entity_tag::precondition(&headers));
    let (cascade, (id, precondition)) = both(cascade(query.as_deref()), target)?;
    entity_tag::require_if_match(&app, &headers)?;
    let traceparent = traceparent::sampled(&headers);
    let receipt = if cascade {
        app.tasks.delete_cascade(id, &precondition, traceparent).await?
    } else {
        app.tasks.delete(id, &precondition, traceparent).await?
    };
    Ok((
        task_answer::consistency_token(receipt.token),
        task_answer::body(&receipt.task),
    )
        .into_response())
}

fn cascade(raw: Option<&str>) -> Decoded<bool> {
    let mut query = Query::open(raw);
    let cascade = query.optional("cascade", boolean);
    query.finish(cascade.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{NOW, TASK, TestApi, post, request};

    #[tokio::test]
    async fn a_deletion_answers_the_last_state_and_the_tombstones_token() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        let answer = api.send(request("DELETE", &path, &[])).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["task"]["version"]),
            (200, &json!(1))
        );
        assert_eq!(answer.body["task"]["description"], "old");
        assert_eq!(answer.header("x-consistency-token"), format!("{TASK}@2"));
        assert_eq!(answer.header("etag"), "");
        let event = json!({"type": "Task.Deleted", "value": {"id": TASK, "version": 2, "deletedAt": NOW}});
        assert_eq!(api.events()[1].0, event);
        let again = api.send(request("DELETE", &path, &[])).await;
        assert_eq!(again.problem(), (404, "task-not-found"));
    }

    #[tokio::test]
    async fn sub_tasks_forbid_a_deletion_or_go_with_it() {
        let api = TestApi::with_a_task().await;
        let child = json!({"description": "child", "parentId": TASK}).to_string();
        api.send(post("/tasks", &child)).await;
        let path = format!("/tasks/{TASK}");
        for kept in ["", "?cascade=false"] {
            let answer = api.send(request("DELETE", &format!("{path}{kept}"), &[])).await;
            assert_eq!(answer.problem(), (409, "has-subtasks"), "{kept}");
        }
        let all = format!("{path}?cascade=true");
        let answer = api.send(request("DELETE", &all, &[("if-match", "\"2\"")])).await;
        assert_eq!(answer.problem(), (412, "version-mismatch"));
        let answer = api.send(request("DELETE", &all, &[("if-match", "\"1\"")])).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["task"]["id"]),
            (200, &json!(TASK))
        );
        assert_eq!(answer.header("x-consistency-token"), format!("{TASK}@2"));
        assert!(api.descriptions().is_empty());
        assert_eq!(api.events().len(), 4);
        let again = api.send(request("DELETE", &all, &[])).await;
        assert_eq!(again.problem(), (404, "task-not-found"));
    }

    #[tokio::test]
    async fn if_match_guards_a_deletion() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        let answer = api.send(request("DELETE", &path, &[("if-match", "\"2\"")])).await;
        assert_eq!(answer.problem(), (412, "version-mismatch"));
        assert_eq!(api.descriptions(), ["old"]);
        let answer = api.send(request("DELETE", &path, &[("if-match", "\"1\"")])).await;
        assert_eq!(answer.status, 200);
        assert!(api.descriptions().is_empty());
    }
}
