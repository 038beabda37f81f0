//! `GET /tasks/search`: the same search as `POST /tasks/search`, for a browser or curl.

use std::collections::BTreeSet;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use taskwire_domain::{
    Categories, ExternalId, Facet, Location, SearchFilter, SearchQuery, SearchText, SearchWindow, TimeRange,
    Violation,
};
use taskwire_service::{SearchRequest, SentCursor};

use crate::AppState;
use crate::docs::{Answer, Component, Endpoint, Parameter, Tag, examples};
use crate::failure::Failure;
use crate::json_object::Decoded;
use crate::query::{Query, boolean, whole_number};
use crate::search_answer::{self, after, facet, order, patience, window};

/// What the document says of it.
pub(crate) fn endpoint() -> Endpoint {
    let answer = Answer::new("The tasks found, in the order of `sort`.")
        .shows(Component::SearchResult, examples::search_results());
    let endpoint = Endpoint::new(
        "searchTasksByQuery",
        Tag::Search,
        "Search tasks from a browser",
        "The same search as `searchTasks`. An absent condition is none: absent `isDone` finds both.",
    );
    Parameter::OF_SEARCH
        .into_iter()
        .fold(endpoint, Endpoint::takes)
        .answers(StatusCode::OK, answer)
        .fails(search_answer::FAILURES)
}

pub(crate) async fn handle(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let search = decode_request(query.as_deref())?;
    let found = app.tasks.search(&search).await?;
    Ok(search_answer::answer(&search, &found))
}

/// The parameters, each of them checked.
pub(crate) fn decode_request(raw: Option<&str>) -> Decoded<SearchRequest> {
    let mut query = Query::open(raw);
    let text = query.optional("q", SearchText::parse).flatten();
    let filter = filter(&mut query);
    let order = query.optional("sort", order).unwrap_or_default();
    let from = query.optional("from", |text| whole_number(&text, 0..=SearchWindow::LIMIT));
    let size = query.optional("size", |text| whole_number(&text, 0..=SearchWindow::MAX_SIZE));
    let cursor = query.optional("cursor", cursor);
    let window = window(from, size, cursor.as_ref()).unwrap_or_else(|(name, violation)| {
        query.reject(name, violation);
        SearchWindow::default()
    });
    let facets = facets(&mut query);
    let highlight = query.optional("highlight", boolean).unwrap_or_default();
    let suggest = query.optional("suggest", boolean).unwrap_or_default();
    let search = SearchQuery {
        text,
        filter,
        order,
        window,
        facets,
    };
    let after = query.optional("after", after).unwrap_or_default();
    let patience = query.optional("timeout", patience);
    let strict = query.optional("strict", boolean).unwrap_or_default();
    query.finish(SearchRequest {
        query: search,
        highlight,
        suggest,
        cursor,
        after,
        patience: patience.unwrap_or(SearchRequest::PATIENCE),
        strict,
    })
}

fn cursor(text: String) -> Result<SentCursor, Violation> {
    let location = Location::Parameter("cursor".to_owned());
    Ok(SentCursor { text, location })
}

fn filter(query: &mut Query) -> SearchFilter {
    let is_done = query.optional("isDone", boolean);
    let priority = query.optional("priority", |text| text.parse());
    let categories = categories(query);
    let mut range = |after, before| TimeRange {
        after: query.optional(after, |text| text.parse()),
        before: query.optional(before, |text| text.parse()),
    };
    let due = range("dueAfter", "dueBefore");
    let start = range("startAfter", "startBefore");
    let created = range("createdAfter", "createdBefore");
    SearchFilter {
        is_done,
        priority,
        categories,
        parent_id: query.optional("parentId", |text| text.parse()),
        external_id: query.optional("externalId", ExternalId::parse),
        due,
        start,
        created,
    }
}

/// One parameter for each.
fn facets(query: &mut Query) -> BTreeSet<Facet> {
    let mut facets = BTreeSet::new();
    for name in query.repeatable("facet").unwrap_or_default() {
        match facet(name) {
            Ok(facet) => drop(facets.insert(facet)),
            Err(violation) => query.reject("facet", violation),
        }
    }
    facets
}

/// One parameter for each.
fn categories(query: &mut Query) -> Option<Categories> {
    let names = query.repeatable("category")?;
    match Categories::parse(names) {
        Ok(categories) => Some(categories),
        Err(violations) => {
            for (position, violation) in violations {
                let which = position.map_or(String::new(), |position| format!("number {} ", position + 1));
                let detail = format!("{which}{}", violation.detail);
                query.reject("category", Violation::new(violation.code, detail));
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Behaviour, MISTYPED, TASK, TestApi, post, request};

    #[tokio::test]
    async fn it_is_the_search_that_a_post_would_be() {
        let api = TestApi::with_a_task().await;
        let all = format!(
            "/tasks/search?q=buy+-milk+%22now%22&isDone=false&priority=low&category=a&category=%C3%9F&parentId={TASK}\
             &externalId=J-1&dueAfter=2026-05-01T11:00:00%2B02:00&dueBefore=2026-05-02T09:00:00Z\
             &startAfter=2026-05-03T09:00:00Z&startBefore=2026-05-04T09:00:00Z&createdAfter=2026-05-05T09:00:00Z\
             &createdBefore=2026-05-06T09:00:00Z&sort=-due&facet=due&facet=priority&highlight=true&from=9900&size=100"
        );
        let same = json!({
            "description": "buy -milk \"now\"", "isDone": false, "priority": "low", "categories": ["a", "ß"],
            "parentId": TASK, "externalId": "J-1", "dueAfter": "2026-05-01T09:00:00Z",
            "dueBefore": "2026-05-02T09:00:00Z", "startAfter": "2026-05-03T09:00:00Z",
            "startBefore": "2026-05-04T09:00:00Z", "createdAfter": "2026-05-05T09:00:00Z",
            "createdBefore": "2026-05-06T09:00:00Z", "sort": "-due", "facets": ["priority", "due"], "highlight": true,
            "from": 9900, "size": 100
        });
        let by_query = api.send(request("GET", &all, &[])).await;
        let by_body = api.send(post("/tasks/search", &same.to_string())).await;
        assert_eq!((by_query.status.as_u16(), &by_query.body), (200, &by_body.body));
        assert_eq!(by_query.body["total"], 1);
        for empty in ["/tasks/search", "/tasks/search?q=", "/tasks/search?q=+&from=0"] {
            assert_eq!(api.send(request("GET", empty, &[])).await.status, 200, "{empty}");
        }
        let queries = api.queries();
        assert_eq!(queries[0], queries[1]);
        assert!(queries[2..].iter().all(|query| *query == Default::default()));
    }

    #[tokio::test]
    async fn a_suggestion_is_answered_to_who_asks_and_finds_nothing() {
        let api = TestApi::with_a_task().await;
        let path = format!("/tasks/search?q=%22{MISTYPED}%22+{MISTYPED}&suggest=");
        for (suggest, suggestion) in [("true", json!("\"old\" old")), ("false", json!(null))] {
            let answer = api.send(request("GET", &format!("{path}{suggest}"), &[])).await;
            assert_eq!(answer.body["suggestion"], suggestion, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn every_wrong_parameter_is_named() {
        let long = "%D0%B6".repeat(1_025);
        let path = format!(
            "/tasks/search?q={long}&isDone=1&priority=urgent&category=&category=A&category=a&parentId=17&externalId=\
             &dueAfter=x&createdBefore=2026-05-01&sort=-relevance&facet=due&facet=colour&highlight=1&suggest=yes&after=x&timeout=6s&strict=&from=-1&size=101\
             &description=x"
        );
        let answer = TestApi::new().send(request("GET", &path, &[])).await;
        assert_eq!(answer.problem(), (400, "invalid-request"));
        let wanted = [
            "q too-long",
            "isDone wrong-type",
            "priority unknown-priority",
            "category invalid-length",
            "category duplicate",
            "dueAfter invalid-time",
            "createdBefore invalid-time",
            "parentId invalid-uuid",
            "externalId invalid-length",
            "sort unknown-sort",
            "from out-of-range",
            "size out-of-range",
            "facet unknown-facet",
            "highlight wrong-type",
            "suggest wrong-type",
            "after invalid-token",
            "timeout invalid-duration",
            "strict wrong-type",
            "description unknown-parameter",
        ];
        assert_eq!(answer.wrong_fields(), wanted);
        let beyond = request("GET", "/tasks/search?from=9901&size=100", &[]);
        let answer = TestApi::new().send(beyond).await;
        assert_eq!(answer.wrong_fields(), ["from window-too-large"]);
    }

    #[tokio::test]
    async fn a_search_engine_away_is_503() {
        let api = TestApi::new();
        api.engines_now(Behaviour::IsAway);
        let answer = api.send(request("GET", "/tasks/search?q=milk", &[])).await;
        assert_eq!(answer.problem(), (503, "unavailable"));
    }
}
