//! `POST /tasks/search`: finds tasks by text and exact conditions.

use std::collections::BTreeSet;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;
use taskwire_domain::{
    ConsistencyToken, Facet, FieldError, Location, SearchFilter, SearchQuery, SearchText, SearchWindow,
    TimeRange, Violation,
};
use taskwire_service::{SearchRequest, SentCursor};

use crate::docs::{Answer, Body, Component, Endpoint, Tag, examples};
use crate::failure::{Failure, both};
use crate::json_object::{Decoded, JsonObject, boolean, items, text, whole_number};
use crate::media_type::BodyKind;
use crate::query::Query;
use crate::search_answer::{self, facet, order, patience, window};
use crate::task_fields::{categories, external_id, priority, task_id, time};
use crate::{AppState, json};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The tasks found, in the order of `sort`.")
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
    .fails(search_answer::FAILURES)
}

pub(crate) async fn handle(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    BodyKind::Post.require(&headers)?;
    let search = json::parse(&body).and_then(decode_request);
    let ((), search) = both(Query::none(query.as_deref()), search)?;
    let found = app.tasks.search(&search).await?;
    Ok(search_answer::answer(&search, &found))
}

/// Null is absent throughout; an absent condition is none.
pub(crate) fn decode_request(value: Value) -> Decoded<SearchRequest> {
    let mut object = JsonObject::open(value)?;
    let words = object
        .nullable("description", |value| text(value, SearchText::parse))
        .flatten();
    let filter = filter(&mut object);
    let order = object.nullable("sort", |value| text(value, order));
    let from = object.nullable("from", |value| whole_number(value, 0..=SearchWindow::LIMIT));
    let size = object.nullable("size", |value| whole_number(value, 0..=SearchWindow::MAX_SIZE));
    let cursor = object.nullable("cursor", |value| text(value, cursor));
    let window = window(from, size, cursor.as_ref()).unwrap_or_else(|(name, violation)| {
        object.reject(FieldError::at_pointer(format!("/{name}"), violation));
        SearchWindow::default()
    });
    let facets = object.nullable("facets", facets).unwrap_or_default();
    let highlight = object.nullable("highlight", boolean).unwrap_or_default();
    let suggest = object.nullable("suggest", boolean).unwrap_or_default();
    let query = SearchQuery {
        text: words,
        filter,
        order: order.unwrap_or_default(),
        window,
        facets,
    };
    let after = object.nullable("after", after).unwrap_or_default();
    let patience = object.nullable("timeout", |value| text(value, patience));
    let strict = object.nullable("strict", boolean).unwrap_or_default();
    object.finish(Some(SearchRequest {
        query,
        highlight,
        suggest,
        cursor,
        after,
        patience: patience.unwrap_or(SearchRequest::PATIENCE),
        strict,
    }))
}

fn cursor(text: String) -> Result<SentCursor, Violation> {
    let location = Location::Pointer("/cursor".to_owned());
    Ok(SentCursor { text, location })
}

fn filter(object: &mut JsonObject) -> SearchFilter {
    let mut range = |after, before| TimeRange {
        after: object.nullable(after, time),
        before: object.nullable(before, time),
    };
    let due = range("dueAfter", "dueBefore");
    let start = range("startAfter", "startBefore");
    let created = range("createdAfter", "createdBefore");
    SearchFilter {
        is_done: object.nullable("isDone", boolean),
        priority: object.nullable("priority", priority),
        categories: object.nullable("categories", categories),
        parent_id: object.nullable("parentId", task_id),
        external_id: object.nullable("externalId", external_id),
        due,
        start,
        created,
    }
}

/// A list of tokens, or one string of them as the query has it.
fn after(value: Value) -> Decoded<Vec<ConsistencyToken>> {
    if value.is_string() {
        return text(value, search_answer::after);
    }
    let (writes, wrong) = items(value, SearchRequest::MAX_AFTER, |value| {
        text(value, |token| token.parse())
    })?;
    if wrong.is_empty() {
        Ok(writes.into_iter().flatten().collect())
    } else {
        Err(wrong)
    }
}

fn facets(value: Value) -> Decoded<BTreeSet<Facet>> {
    let (facets, wrong) = items(value, Facet::ALL.len(), |value| text(value, facet))?;
    if wrong.is_empty() {
        Ok(facets.into_iter().flatten().collect())
    } else {
        Err(wrong)
    }
}

#[cfg(test)]
mod walks;

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskwire_domain::{Categories, ExternalId, ListKey, ListOrder, Priority, SearchOrder};

    use super::*;
    use crate::testing::{Behaviour, MISTYPED, TASK, TestApi, post, request};

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
                "parentId": "{TASK}", "externalId": "J-1", "dueAfter": "2026-05-01T11:00:00+02:00",
                "dueBefore": "2026-05-02T09:00:00Z", "startAfter": "2026-05-03T09:00:00Z",
                "startBefore": "2026-05-04T09:00:00Z", "createdAfter": "2026-05-05T09:00:00Z",
                "createdBefore": "2026-05-06T09:00:00Z", "sort": "-due", "facets": ["due", "priority"],
                "highlight": true, "suggest": true, "from": 9900, "size": 100}}"#
        );
        let nulls = r#"{"description": null, "isDone": null, "priority": null, "categories": null,
            "parentId": null, "externalId": null, "dueAfter": null, "dueBefore": null, "startAfter": null,
            "startBefore": null, "createdAfter": null, "createdBefore": null, "sort": null, "facets": null,
            "highlight": null, "suggest": null, "from": null, "size": null}"#;
        for body in [&full, nulls, "{}", r#"{"description": " ", "size": 0}"#] {
            let answer = api.send(post("/tasks/search", body)).await;
            assert_eq!(answer.status, 200, "{body}: {answer:?}");
        }
        let wanted = SearchQuery {
            text: SearchText::parse(r#"buy -milk "now""#.into()).unwrap(),
            filter: SearchFilter {
                is_done: Some(false),
                priority: Some(Priority::Low),
                categories: Some(Categories::parse(vec!["a".into(), "b".into()]).unwrap()),
                parent_id: Some(TASK.parse().unwrap()),
                external_id: Some(ExternalId::parse("J-1".into()).unwrap()),
                due: between("2026-05-01T09:00:00Z", "2026-05-02T09:00:00Z"),
                start: between("2026-05-03T09:00:00Z", "2026-05-04T09:00:00Z"),
                created: between("2026-05-05T09:00:00Z", "2026-05-06T09:00:00Z"),
            },
            order: SearchOrder::By(ListOrder {
                key: ListKey::Due,
                descending: true,
            }),
            facets: [Facet::Priority, Facet::Due].into(),
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

    fn between(after: &str, before: &str) -> TimeRange {
        TimeRange {
            after: after.parse().ok(),
            before: before.parse().ok(),
        }
    }

    #[tokio::test]
    async fn facets_and_highlights_are_answered_to_those_who_ask() {
        let api = TestApi::with_a_task().await;
        let body = r#"{"description": "old", "facets": ["isDone"], "highlight": true}"#;
        let answer = api.send(post("/tasks/search", body)).await;
        assert_eq!(answer.body["facets"], json!({"isDone": []}));
        let fragments = answer.body["highlights"][TASK][0].as_str().unwrap();
        assert!(fragments.contains("<em>old</em>"), "{fragments}");
        let without_words = api.send(post("/tasks/search", r#"{"highlight": true}"#)).await;
        assert_eq!(without_words.body["highlights"], json!({}));
    }

    #[tokio::test]
    async fn a_suggestion_is_answered_to_who_asks_and_finds_nothing() {
        let api = TestApi::with_a_task().await;
        let text = format!("{MISTYPED} -new");
        for (text, suggest, suggestion) in [
            (&*text, json!(true), json!("old -new")),
            (&*text, json!(false), json!(null)),
            (&*text, json!(null), json!(null)),
            ("old", json!(true), json!(null)),
        ] {
            let body = json!({"description": text, "suggest": suggest}).to_string();
            let answer = api.send(post("/tasks/search", &body)).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["suggestion"]),
                (200, &suggestion),
                "{body}"
            );
        }
    }

    #[tokio::test]
    async fn a_search_says_whether_it_includes_the_writes_that_it_was_to_include() {
        let api = TestApi::with_a_task().await;
        for (after, consistent) in [
            (json!([format!("{TASK}@1")]), json!(true)),
            (json!(format!("{TASK}@1,{TASK}@2")), json!(false)),
            (json!([]), json!(null)),
            (json!(null), json!(null)),
        ] {
            let body = json!({"after": after, "timeout": "50ms"}).to_string();
            let answer = api.send(post("/tasks/search", &body)).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["consistent"]),
                (200, &consistent),
                "{after}"
            );
        }
        let strict = format!(r#"{{"after": ["{TASK}@2"], "timeout": "0s", "strict": true}}"#);
        let answer = api.send(post("/tasks/search", &strict)).await;
        assert_eq!(answer.problem(), (412, "not-yet-searchable"));
        let detail = answer.body["detail"].as_str().unwrap();
        for way_out in ["again", "longer timeout", "without strict"] {
            assert!(detail.contains(way_out), "{detail}");
        }
    }

    #[tokio::test]
    async fn every_wrong_field_is_named() {
        let body = format!(
            r#"{{"description": "{}", "dueAfter": "tomorrow", "createdBefore": 17, "sort": "-relevance",
                "facets": ["priority", "colour", 1], "highlight": "yes", "suggest": 1, "after": ["x", 1], "timeout": "1m",
                "strict": 1}}"#,
            "a ".repeat(129)
        );
        let answer = TestApi::new().send(post("/tasks/search", &body)).await;
        assert_eq!(answer.problem(), (400, "invalid-request"));
        let wanted = [
            "/description too-many-words",
            "/dueAfter invalid-time",
            "/createdBefore wrong-type",
            "/sort unknown-sort",
            "/facets/1 unknown-facet",
            "/facets/2 wrong-type",
            "/highlight wrong-type",
            "/suggest wrong-type",
            "/after/0 invalid-token",
            "/after/1 wrong-type",
            "/timeout invalid-duration",
            "/strict wrong-type",
        ];
        assert_eq!(answer.wrong_fields(), wanted);
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
