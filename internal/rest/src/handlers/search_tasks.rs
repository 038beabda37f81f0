//! `POST /tasks/search`: finds tasks by text and exact conditions.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;
use taskwire_domain::{FieldError, SearchFilter, SearchQuery, SearchWindow};

use crate::docs::{Answer, Body, Component, Endpoint, FailureKind, Tag, examples};
use crate::failure::{Failure, both};
use crate::json_object::{Decoded, JsonObject, boolean, text, whole_number};
use crate::media_type::BodyKind;
use crate::query::Query;
use crate::search_answer::{self, window, words};
use crate::task_fields::{categories, external_id, priority, task_id};
use crate::{AppState, json};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The tasks found, best first.")
        .shows(Component::SearchResult, examples::search_results());
    Endpoint::new(
        "searchTasks",
        Tag::Search,
        "Search tasks",
        "Finds tasks by words and exact conditions. Case does not matter. Nothing in the words is an engine's syntax.",
    )
    .reads(Body {
        kind: BodyKind::Post,
        shape: Component::SearchRequest,
        examples: examples::search_requests(),
    })
    .answers(StatusCode::OK, answer)
    .fails([
        FailureKind::NotAcceptable,
        FailureKind::Unavailable,
        FailureKind::TimedOut,
    ])
}

pub(crate) async fn handle(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    BodyKind::Post.require(&headers)?;
    let search = json::parse(&body).and_then(decode_query);
    let ((), search) = both(Query::none(query.as_deref()), search)?;
    let page = app.tasks.search(&search).await?;
    Ok(search_answer::answer(&page))
}

/// Null is absent throughout; an absent condition is none.
fn decode_query(value: Value) -> Decoded<SearchQuery> {
    let mut object = JsonObject::open(value)?;
    let words = object
        .nullable("description", |value| text(value, words))
        .flatten();
    let filter = SearchFilter {
        is_done: object.nullable("isDone", boolean),
        priority: object.nullable("priority", priority),
        categories: object.nullable("categories", categories),
        parent_id: object.nullable("parentId", task_id),
        external_id: object.nullable("externalId", external_id),
    };
    let from = object.nullable("from", |value| whole_number(value, 0..=SearchWindow::LIMIT));
    let size = object.nullable("size", |value| whole_number(value, 0..=SearchWindow::MAX_SIZE));
    let window = window(from, size).unwrap_or_else(|violation| {
        object.reject(FieldError::at_pointer("/from", violation));
        SearchWindow::default()
    });
    object.finish(Some(SearchQuery {
        text: words,
        filter,
        window,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskwire_domain::{Categories, ExternalId, Priority};

    use super::*;
    use crate::testing::{Behaviour, TASK, TestApi, post, request};

    #[tokio::test]
    async fn found_tasks_are_answered_whole_with_their_total() {
        let api = TestApi::with_a_task().await;
        let answer = api.send(post("/tasks/search", r#"{"description": "old"}"#)).await;
        let task = api.send(request("GET", &format!("/tasks/{TASK}"), &[])).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, json!({"tasks": [task.body["task"]], "total": 1}));
    }

    #[tokio::test]
    async fn every_condition_reaches_the_search_and_absent_is_not_false() {
        let api = TestApi::new();
        let full = format!(
            r#"{{"description": "buy -milk \"now\"", "isDone": false, "priority": "low", "categories": ["a", "b"],
                "parentId": "{TASK}", "externalId": "J-1", "from": 9900, "size": 100}}"#
        );
        let nulls = r#"{"description": null, "isDone": null, "priority": null, "categories": null,
            "parentId": null, "externalId": null, "from": null, "size": null}"#;
        for body in [&full, nulls, "{}", r#"{"description": " ", "size": 0}"#] {
            let answer = api.send(post("/tasks/search", body)).await;
            assert_eq!(answer.status, 200, "{body}: {answer:?}");
        }
        let wanted = SearchQuery {
            text: Some(r#"buy -milk "now""#.into()),
            filter: SearchFilter {
                is_done: Some(false),
                priority: Some(Priority::Low),
                categories: Some(Categories::parse(vec!["a".into(), "b".into()]).unwrap()),
                parent_id: Some(TASK.parse().unwrap()),
                external_id: Some(ExternalId::parse("J-1".into()).unwrap()),
            },
            window: SearchWindow {
                from: 9_900,
                size: 100,
            },
        };
        let everything = SearchQuery::default();
        let count_only = SearchQuery {
            window: SearchWindow { from: 0, size: 0 },
            ..SearchQuery::default()
        };
        assert_eq!(
            api.queries(),
            [wanted, everything.clone(), everything, count_only]
        );
    }

    #[tokio::test]
    async fn a_search_engine_away_is_503() {
        let api = TestApi::new();
        api.engines_now(Behaviour::IsAway);
        let answer = api.send(post("/tasks/search", "{}")).await;
        assert_eq!(answer.problem(), (503, "unavailable"));
        assert_eq!(answer.header("retry-after"), "2");
    }
}
