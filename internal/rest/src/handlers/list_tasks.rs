//! `GET /tasks`: all tasks, page by page, from the database.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Serialize;
use taskwire_domain::{Categories, ExternalId, ListFilter, ListKey, ListOrder, ListQuery, Task, Violation};
use taskwire_service::ListRequest;

use crate::AppState;
use crate::docs::{Answer, Component, Endpoint, FailureKind, Header, Parameter, Tag, examples};
use crate::failure::Failure;
use crate::json_object::Decoded;
use crate::query::{Query, boolean, whole_number};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("A page of the list.")
        .shows(Component::TaskPage, examples::task_pages())
        .carries(Header::Link);
    Endpoint::new(
        "listTasks",
        Tag::Tasks,
        "List tasks",
        "From the database, never behind. To walk the whole list, send the same parameters again with `cursor` set to \
         `nextCursor`, or follow `Link`, until `nextCursor` is null. In the order of `createdAt`, every task that \
         exists throughout a walk is seen exactly once, whatever others write meanwhile; in the other orders a task \
         that is changed during the walk may be seen twice or not at all. The id breaks ties. Tasks without a due \
         time come last in the order of `due`, in both directions.",
    )
    .takes(Parameter::IsDone)
    .takes(Parameter::Priority)
    .takes(Parameter::Category)
    .takes(Parameter::ParentId)
    .takes(Parameter::ExternalId)
    .takes(Parameter::DueBefore)
    .takes(Parameter::DueAfter)
    .takes(Parameter::Sort)
    .takes(Parameter::Limit)
    .takes(Parameter::Cursor)
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
) -> Result<Response, Failure> {
    let query = query.as_deref();
    let page = app.tasks.list(decode_request(query)?).await?;
    let link = page.next_cursor.as_deref().map(|cursor| {
        let next = Query::with(query, "cursor", cursor);
        (header::LINK, format!("</tasks?{next}>; rel=\"next\""))
    });
    let answer = PageAnswer {
        tasks: &page.tasks,
        next_cursor: page.next_cursor.as_deref(),
    };
    Ok((AppendHeaders(link), Json(answer)).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageAnswer<'a> {
    tasks: &'a [Task],
    next_cursor: Option<&'a str>,
}

/// The parameters, each of them checked.
pub(crate) fn decode_request(raw: Option<&str>) -> Decoded<ListRequest> {
    let mut query = Query::open(raw);
    let filter = ListFilter {
        is_done: query.optional("isDone", boolean),
        priority: query.optional("priority", |text| text.parse()),
        category: query.optional("category", category),
        parent_id: query.optional("parentId", |text| text.parse()),
        external_id: query.optional("externalId", ExternalId::parse),
        due_before: query.optional("dueBefore", |text| text.parse()),
        due_after: query.optional("dueAfter", |text| text.parse()),
    };
    let order = query.optional("sort", order).unwrap_or_default();
    let limit = query.optional("limit", |text| whole_number(&text, 1..=ListQuery::MAX_LIMIT));
    let cursor = query.optional("cursor", Ok);
    query.finish(ListRequest {
        filter,
        order,
        cursor,
        limit: limit.unwrap_or(ListQuery::DEFAULT_LIMIT),
    })
}

/// A category as tasks carry it: without surrounding space.
fn category(text: String) -> Result<String, Violation> {
    let parsed = Categories::parse(vec![text.clone()]);
    match parsed {
        Ok(categories) => Ok(categories.as_slice().first().cloned().unwrap_or(text)),
        Err(violations) => Err(violations.into_iter().next().map_or_else(
            || Violation::new("invalid-category", "must be a category"),
            |(_, violation)| violation,
        )),
    }
}

/// What a list may be sorted by, as `sort` names it.
pub(crate) const SORT_KEYS: [(&str, ListKey); 4] = [
    ("createdAt", ListKey::CreatedAt),
    ("updatedAt", ListKey::UpdatedAt),
    ("due", ListKey::Due),
    ("priority", ListKey::Priority),
];

/// The order that `sort` names.
pub(crate) fn order(text: String) -> Result<ListOrder, Violation> {
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text.as_str(), false),
    };
    let known = SORT_KEYS.iter().find(|(known, _)| *known == name);
    known.map(|&(_, key)| ListOrder { key, descending }).ok_or_else(|| {
        let detail = "must be one of createdAt, updatedAt, due, priority, with - in front to begin at the greatest";
        Violation::new("unknown-sort", detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Behaviour, TASK, TestApi, post, request};

    async fn with_tasks(count: usize) -> TestApi {
        let api = TestApi::new();
        for number in 1..=count {
            let body = format!(r#"{{"description": "{number}", "isDone": {}}}"#, number % 2 == 0);
            assert_eq!(api.send(post("/tasks", &body)).await.status, 201);
        }
        api
    }

    #[tokio::test]
    async fn a_walk_by_link_or_cursor_sees_every_task_once_in_order() {
        let api = with_tasks(5).await;
        let mut path = "/tasks?limit=2&sort=-createdAt".to_owned();
        let mut seen = Vec::new();
        loop {
            let answer = api.send(request("GET", &path, &[])).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let page = answer.body["tasks"].as_array().unwrap();
            seen.extend(
                page.iter()
                    .map(|task| task["description"].as_str().unwrap().to_owned()),
            );
            let link = answer.header("link").to_owned();
            let Some(cursor) = answer.body["nextCursor"].as_str() else {
                assert_eq!(link, "");
                break;
            };
            let target = link
                .strip_prefix('<')
                .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
                .unwrap();
            let by_hand = format!("/tasks?limit=2&sort=-createdAt&cursor={cursor}");
            let followed = api.send(request("GET", target, &[])).await;
            assert_eq!(followed.body, api.send(request("GET", &by_hand, &[])).await.body);
            target.clone_into(&mut path);
        }
        assert_eq!(seen, ["5", "4", "3", "2", "1"]);
    }

    #[tokio::test]
    async fn a_filter_leaves_out_what_does_not_fit() {
        let api = with_tasks(3).await;
        let answer = api.send(request("GET", "/tasks?isDone=true", &[])).await;
        assert_eq!(answer.body["tasks"].as_array().unwrap().len(), 1);
        assert_eq!(answer.body["tasks"][0]["description"], "2");
        let all = api.send(request("GET", "/tasks", &[])).await;
        assert_eq!(all.body["tasks"].as_array().unwrap().len(), 3);
        let none = api
            .send(request("GET", &format!("/tasks?parentId={TASK}"), &[]))
            .await;
        assert_eq!(none.body, serde_json::json!({"tasks": [], "nextCursor": null}));
    }

    #[test]
    fn every_parameter_reaches_the_list_and_absent_ones_have_their_defaults() {
        let raw = format!(
            "isDone=false&priority=high&category=+Home+&parentId={TASK}&externalId=J-1&dueBefore=2026-05-02T09:00:00Z\
             &dueAfter=2026-05-01T11:00:00%2B02:00&sort=-due&limit=200&cursor=abc"
        );
        let wanted = ListRequest {
            filter: ListFilter {
                is_done: Some(false),
                priority: Some(taskwire_domain::Priority::High),
                category: Some("Home".into()),
                parent_id: TASK.parse().ok(),
                external_id: ExternalId::parse("J-1".into()).ok(),
                due_before: "2026-05-02T09:00:00Z".parse().ok(),
                due_after: "2026-05-01T09:00:00Z".parse().ok(),
            },
            order: ListOrder {
                key: ListKey::Due,
                descending: true,
            },
            cursor: Some("abc".into()),
            limit: 200,
        };
        assert_eq!(decode_request(Some(&raw)), Ok(wanted));
        let defaults = ListRequest {
            filter: ListFilter::default(),
            order: ListOrder::default(),
            cursor: None,
            limit: 50,
        };
        assert_eq!(decode_request(None), Ok(defaults));
    }

    #[tokio::test]
    async fn every_wrong_parameter_is_named() {
        let path = "/tasks?isDone=&priority=urgent&category=+&parentId=17&externalId=&dueBefore=tomorrow\
                    &dueAfter=2026-05-01T11:00:00+02:00&sort=size&limit=0&q=milk&page=2";
        let answer = TestApi::new().send(request("GET", path, &[])).await;
        assert_eq!(answer.problem(), (400, "invalid-request"));
        let wanted = [
            "isDone wrong-type",
            "priority unknown-priority",
            "category invalid-length",
            "parentId invalid-uuid",
            "externalId invalid-length",
            "dueBefore invalid-time",
            "dueAfter invalid-time",
            "sort unknown-sort",
            "limit out-of-range",
            "page unknown-parameter",
            "q unknown-parameter",
        ];
        assert_eq!(answer.wrong_fields(), wanted);
        for repeated in ["/tasks?limit=1&limit=1", "/tasks?limit=1&cursor=&limit=2"] {
            let answer = TestApi::new().send(request("GET", repeated, &[])).await;
            assert_eq!(answer.wrong_fields(), ["limit repeated"], "{repeated}");
        }
    }

    #[tokio::test]
    async fn a_cursor_that_is_not_ours_is_refused() {
        for cursor in ["", "x", "%00", &"A".repeat(2_000)] {
            let path = format!("/tasks?cursor={cursor}");
            let answer = TestApi::new().send(request("GET", &path, &[])).await;
            assert_eq!(answer.problem(), (400, "invalid-request"), "{cursor}");
            assert!(answer.wrong_fields()[0].starts_with("cursor "), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_database_away_is_503() {
        let api = TestApi::new();
        api.engines_now(Behaviour::IsAway);
        let answer = api.send(request("GET", "/tasks", &[])).await;
        assert_eq!(answer.problem(), (503, "unavailable"));
    }
}
