//! `GET /tasks/{id}`: the task as the database has it.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::docs::{Answer, Component, Endpoint, FailureKind, Header, Parameter, Tag, examples};
use crate::entity_tag::known_copies;
use crate::failure::{Failure, both};
use crate::query::Query;
use crate::task_id_parameter::{IdInPath, task_id};
use crate::{AppState, task_answer};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let found = Answer::new("The task.")
        .shows(Component::TaskAnswer, examples::task_answers())
        .carries(Header::EntityTag);
    let known = Answer::new("A copy at hand is the task as it stands.").carries(Header::EntityTag);
    Endpoint::new(
        "getTask",
        Tag::Tasks,
        "Read a task",
        "The task as the database has it, never behind.",
    )
    .takes(Parameter::TaskId)
    .takes(Parameter::IfNoneMatch)
    .answers(StatusCode::OK, found)
    .answers(StatusCode::NOT_MODIFIED, known)
    .fails([
        FailureKind::NotFound,
        FailureKind::NotAcceptable,
        FailureKind::Unavailable,
        FailureKind::TimedOut,
    ])
}

pub(crate) async fn handle(
    State(app): State<AppState>,
    path: IdInPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let target = both(task_id(path), known_copies(&headers));
    let ((), (id, known_copies)) = both(Query::none(query.as_deref()), target)?;
    let task = app.tasks.get(id).await?;
    let entity_tag = task_answer::entity_tag(&task);
    if known_copies.include(task.version) {
        return Ok((StatusCode::NOT_MODIFIED, entity_tag).into_response());
    }
    Ok((entity_tag, task_answer::body(&task)).into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::testing::{NOBODY, TASK, TestApi, request};

    #[tokio::test]
    async fn a_task_is_answered_with_its_tag() {
        let api = TestApi::with_a_task().await;
        let answer = api.send(request("GET", &format!("/tasks/{TASK}"), &[])).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["task"]["id"], TASK);
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(answer.header("x-consistency-token"), "");
    }

    #[tokio::test]
    async fn a_known_copy_is_304_without_a_body() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        for known in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"] {
            let answer = api.send(request("GET", &path, &[("if-none-match", known)])).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body),
                (304, &Value::Null),
                "{known}"
            );
            assert_eq!(answer.header("etag"), "\"1\"");
        }
        let answer = api
            .send(request("GET", &path, &[("if-none-match", "\"2\"")]))
            .await;
        assert_eq!(answer.status, 200);
    }

    #[tokio::test]
    async fn head_is_get_without_its_body() {
        let api = TestApi::with_a_task().await;
        let answer = api.send(request("HEAD", &format!("/tasks/{TASK}"), &[])).await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "\"1\""));
        assert_eq!(answer.body, Value::Null);
    }

    #[tokio::test]
    async fn nobody_is_404_even_to_one_who_knows_a_copy() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{NOBODY}");
        let answer = api.send(request("GET", &path, &[("if-none-match", "*")])).await;
        assert_eq!(answer.problem(), (404, "task-not-found"));
    }
}
