//! `PATCH /tasks/{id}`: changes single fields of a task (JSON Merge Patch, RFC 7396).

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::docs::{Answer, Body, Component, Endpoint, FailureKind, Header, Parameter, Tag, examples};
use crate::failure::{Failure, both};
use crate::media_type::BodyKind;
use crate::query::Query;
use crate::task_id_parameter::{IdInPath, task_id};
use crate::task_patch::decode_task_patch;
use crate::{AppState, entity_tag, json, task_answer, traceparent};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The task as it now stands.")
        .shows(Component::TaskAnswer, examples::task_answers())
        .carries(Header::EntityTag)
        .carries(Header::ConsistencyToken);
    Endpoint::new(
        "patchTask",
        Tag::Tasks,
        "Change single fields of a task",
        "A JSON Merge Patch (RFC 7396): fields that are absent stay, and `null` takes one away: what may be unset is \
         unset, anything else gets its default; the description cannot be taken away. `dates` merges in the same \
         way, and its `null` unsets both times. A patch that changes nothing keeps the version. Without `If-Match` a \
         lost race is decided anew, and no update of another field is lost.",
    )
    .takes(Parameter::TaskId)
    .takes(Parameter::IfMatch)
    .takes(Parameter::UnlessMatch)
    .takes(Parameter::Traceparent)
    .reads(Body {
        kind: BodyKind::Patch,
        shape: Component::TaskPatch,
        examples: examples::task_patches(),
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
    BodyKind::Patch.require(&headers)?;
    let target = both(task_id(path), entity_tag::precondition(&headers));
    let patch = json::parse(&body).and_then(decode_task_patch);
    let around = both(Query::none(query.as_deref()), target);
    let (((), (id, precondition)), patch) = both(around, patch)?;
    entity_tag::require_if_match(&app, &headers)?;
    let receipt = app
        .tasks
        .patch(id, &patch, &precondition, traceparent::sampled(&headers))
        .await?;
    Ok((
        task_answer::entity_tag(&receipt.task),
        task_answer::consistency_token(receipt.token),
        task_answer::body(&receipt.task),
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::json;

    use crate::RestConfig;
    use crate::testing::{NOBODY, TASK, TestApi, json_request, request};

    fn patch(headers: &[(&str, &str)], body: &str) -> Request<Body> {
        json_request("PATCH", &format!("/tasks/{TASK}"), headers, body.to_owned())
    }

    #[tokio::test]
    async fn only_what_is_named_changes_and_null_takes_away() {
        let api = TestApi::with_a_task().await;
        let first = r#"{"priority": "high", "externalId": "J-1", "categories": ["a"], "isDone": true,
            "dates": {"start": "2026-05-01T09:00:00Z", "due": "2026-05-02T09:00:00Z"}}"#;
        let answer = api.send(patch(&[], first)).await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "\"2\""));
        assert_eq!(answer.header("x-consistency-token"), format!("{TASK}@2"));
        assert_eq!(answer.body["task"]["description"], "old");
        let second = r#"{"dates": {"due": null}, "priority": null, "externalId": null}"#;
        let answer = api.send(patch(&[], second)).await;
        let task = &answer.body["task"];
        let wanted = json!({"start": "2026-05-01T09:00:00.000Z", "due": null});
        assert_eq!(
            (
                &task["dates"],
                &task["priority"],
                &task["externalId"],
                &task["categories"],
                &task["isDone"]
            ),
            (&wanted, &json!("none"), &json!(null), &json!(["a"]), &json!(true))
        );
        let answer = api.send(patch(&[], r#"{"dates": null}"#)).await;
        assert_eq!(answer.body["task"]["dates"], json!({"start": null, "due": null}));
        let events = api.events();
        assert_eq!(events.len(), 4);
        assert_eq!(
            events[3].0,
            json!({"type": "Task.Updated", "value": answer.body["task"]})
        );
    }

    #[tokio::test]
    async fn what_get_returned_can_be_sent_back_and_changes_nothing() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        let read = api.send(request("GET", &path, &[])).await;
        for body in [read.body["task"].to_string(), "{}".to_owned()] {
            let mut sent = json_request("PATCH", &path, &[], body);
            let merge_patch = "application/merge-patch+json".parse().unwrap();
            sent.headers_mut().insert("content-type", merge_patch);
            let answer = api.send(sent).await;
            assert_eq!((answer.status.as_u16(), &answer.body), (200, &read.body));
            assert_eq!(answer.header("etag"), "\"1\"");
        }
        assert_eq!(api.events().len(), 1);
    }

    #[tokio::test]
    async fn a_time_is_judged_with_the_one_that_is_there() {
        let api = TestApi::with_a_task().await;
        api.send(patch(&[], r#"{"dates": {"due": "2026-05-02T09:00:00Z"}}"#))
            .await;
        let answer = api
            .send(patch(&[], r#"{"dates": {"start": "2026-05-03T09:00:00Z"}}"#))
            .await;
        assert_eq!(answer.problem(), (400, "invalid-request"));
        assert_eq!(answer.wrong_fields(), ["/dates start-after-due"]);
    }

    #[tokio::test]
    async fn if_match_guards_a_patch_after_everything_else_is_judged() {
        let api = TestApi::with_a_task().await;
        let stale = [("if-match", "\"9\"")];
        let answer = api.send(patch(&stale, r#"{"isDone": 1}"#)).await;
        assert_eq!(answer.problem(), (400, "invalid-request"));
        let nobody = json_request("PATCH", &format!("/tasks/{NOBODY}"), &stale, "{}");
        assert_eq!(api.send(nobody).await.problem(), (404, "task-not-found"));
        let answer = api.send(patch(&stale, r#"{"isDone": true}"#)).await;
        assert_eq!(answer.problem(), (412, "version-mismatch"));
        let answer = api
            .send(patch(&[("if-match", "\"1\"")], r#"{"isDone": true}"#))
            .await;
        assert_eq!(answer.status, 200);
    }

    #[tokio::test]
    async fn if_none_match_refuses_the_versions_it_names_whatever_if_match_says() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/{TASK}");
        let body = r#"{"description": "new"}"#;
        for method in ["PUT", "PATCH", "DELETE"] {
            for refused in ["*", "\"1\"", "W/\"1\"", "\"7\", \"1\""] {
                for both in [&[][..], &[("if-match", "\"1\"")]] {
                    let headers = [&[("if-none-match", refused)], both].concat();
                    let answer = api.send(json_request(method, &path, &headers, body)).await;
                    assert_eq!(answer.problem(), (412, "version-mismatch"), "{method} {refused}");
                }
            }
            let none_match = [("if-none-match", "*")];
            let nobody = json_request(method, &format!("/tasks/{NOBODY}"), &none_match, body);
            assert_eq!(
                api.send(nobody).await.problem(),
                (404, "task-not-found"),
                "{method}"
            );
            let malformed = json_request(method, &path, &[("if-none-match", "1")], body);
            let answer = api.send(malformed).await;
            assert_eq!(answer.wrong_fields(), ["if-none-match malformed-entity-tag"]);
        }
        let cascade = request(
            "DELETE",
            &format!("{path}?cascade=true"),
            &[("if-none-match", "*")],
        );
        assert_eq!(api.send(cascade).await.problem(), (412, "version-mismatch"));
        assert_eq!(api.events().len(), 1);
        let other = [("if-none-match", "\"2\", \"01\""), ("if-match", "\"1\"")];
        assert_eq!(api.send(patch(&other, body)).await.status, 200);
    }

    #[tokio::test]
    async fn what_only_the_database_knows_to_be_wrong_comes_before_the_precondition_too() {
        let api = TestApi::with_a_task().await;
        api.send(patch(&[], r#"{"dates": {"due": "2026-05-02T09:00:00Z"}}"#))
            .await;
        let stale = [("if-match", "\"1\"")];
        let orphan = format!(r#"{{"description": "a", "parentId": "{NOBODY}"}}"#);
        let late = r#"{"dates": {"start": "2026-05-03T09:00:00Z"}}"#;
        for (method, body, wrong) in [
            ("PUT", orphan.as_str(), "/parentId unknown-parent"),
            ("PATCH", orphan.as_str(), "/parentId unknown-parent"),
            ("PATCH", late, "/dates start-after-due"),
        ] {
            let request = json_request(method, &format!("/tasks/{TASK}"), &stale, body.to_owned());
            let answer = api.send(request).await;
            assert_eq!(answer.problem(), (400, "invalid-request"), "{method} {body}");
            assert_eq!(answer.wrong_fields(), [wrong], "{method} {body}");
        }
    }

    #[tokio::test]
    async fn a_precondition_can_be_required_of_every_write_and_comes_before_a_missing_task() {
        let api = TestApi::with(RestConfig {
            require_if_match: true,
            ..RestConfig::default()
        });
        let path = format!("/tasks/{TASK}");
        for method in ["PUT", "PATCH", "DELETE"] {
            let body = r#"{"description": "a"}"#;
            let answer = api.send(json_request(method, &path, &[], body)).await;
            assert_eq!(answer.problem(), (428, "precondition-required"), "{method}");
            let answer = api.send(json_request(method, "/tasks/17", &[], body)).await;
            assert_eq!(answer.problem(), (400, "invalid-request"), "{method}");
            let answer = api
                .send(json_request(method, &path, &[("if-match", "*")], body))
                .await;
            assert_eq!(answer.problem(), (404, "task-not-found"), "{method}");
        }
        api.send(json_request("POST", "/tasks", &[], r#"{"description": "a"}"#))
            .await;
        assert_eq!(api.descriptions(), ["a"]);
    }

    #[tokio::test]
    async fn what_a_patch_may_be_is_said_where_one_asks() {
        let api = TestApi::with_a_task().await;
        let accepted = "application/merge-patch+json, application/json";
        let mut wrong = patch(&[], "{}");
        let json_patch = "application/json-patch+json".parse().unwrap();
        wrong.headers_mut().insert("content-type", json_patch);
        let answer = api.send(wrong).await;
        assert_eq!(answer.problem(), (415, "unsupported-media-type"));
        assert_eq!(answer.header("accept-patch"), accepted);
        let options = api.send(request("OPTIONS", &format!("/tasks/{TASK}"), &[])).await;
        assert_eq!(options.problem(), (405, "method-not-allowed"));
        assert_eq!(options.header("accept-patch"), accepted);
        let options = api.send(request("OPTIONS", "/tasks", &[])).await;
        assert_eq!(options.header("accept-patch"), "");
    }
}
