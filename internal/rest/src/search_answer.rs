//! What both ways to search have in common: the rules of a query, and the answer.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use taskwire_domain::{
    ConsistencyToken, Facet, FacetCount, FacetValue, Priority, SearchOrder, SearchPage, SearchWindow, Task,
    Violation,
};
use taskwire_service::{Found, Highlights, SearchRequest, SentCursor};

use crate::docs::FailureKind;
use crate::handlers::list_tasks;

/// How a search fails, besides what any request does.
pub(crate) const FAILURES: [FailureKind; 5] = [
    FailureKind::CursorExpired,
    FailureKind::NotYetSearchable,
    FailureKind::NotAcceptable,
    FailureKind::Unavailable,
    FailureKind::TimedOut,
];

/// `{"tasks": […], "total": n}`, and what else was asked for.
pub(crate) fn answer(request: &SearchRequest, found: &Found) -> Response {
    let Found {
        page,
        highlights,
        suggestion,
        next_cursor,
        consistent,
    } = found;
    let SearchPage { tasks, total, facets } = page;
    let facets = facets.iter().map(|(facet, counts)| {
        let counts = counts.iter().map(FacetCountAnswer::of).collect();
        (facet.as_str(), counts)
    });
    let answer = PageAnswer {
        tasks,
        total: *total,
        facets: (!request.query.facets.is_empty()).then(|| facets.collect()),
        highlights: highlights.as_ref(),
        suggestion: suggestion.as_deref(),
        next_cursor: next_cursor.as_deref(),
        consistent: *consistent,
    };
    Json(answer).into_response()
}

#[derive(Serialize)]
struct PageAnswer<'a> {
    tasks: &'a [Task],
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<BTreeMap<&'static str, Vec<FacetCountAnswer<'a>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    highlights: Option<&'a Highlights>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a str>,
    #[serde(rename = "nextCursor", skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consistent: Option<bool>,
}

#[derive(Serialize)]
struct FacetCountAnswer<'a> {
    value: ValueAnswer<'a>,
    count: u64,
}

impl<'a> FacetCountAnswer<'a> {
    fn of(counted: &'a FacetCount) -> Self {
        Self {
            value: ValueAnswer(&counted.value),
            count: counted.count,
        }
    }
}

struct ValueAnswer<'a>(&'a FacetValue);

impl Serialize for ValueAnswer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            FacetValue::Priority(priority) => Priority::serialize(priority, serializer),
            FacetValue::IsDone(is_done) => serializer.serialize_bool(*is_done),
            FacetValue::Category(name) => serializer.serialize_str(name),
            // The date of RFC 3339.
            FacetValue::Day(day) => serializer.collect_str(&day.as_utc().format("%Y-%m-%d")),
        }
    }
}

/// What comes first, as `sort` names it.
pub(crate) fn order(text: String) -> Result<SearchOrder, Violation> {
    if text == RELEVANCE {
        return Ok(SearchOrder::Relevance);
    }
    list_tasks::order(text).map(SearchOrder::By).map_err(|violation| {
        let detail = "must be relevance, or one of createdAt, updatedAt, due, priority, with - in front to begin at the greatest";
        Violation::new(violation.code, detail)
    })
}

/// The order in which the best comes first.
pub(crate) const RELEVANCE: &str = "relevance";

/// The name of a facet.
pub(crate) fn facet(name: String) -> Result<Facet, Violation> {
    let known = Facet::ALL.into_iter().find(|facet| facet.as_str() == name);
    known.ok_or_else(|| {
        Violation::new(
            "unknown-facet",
            "must be one of priority, isDone, categories, due",
        )
    })
}

/// The writes that a search has to include, with a comma between.
pub(crate) fn after(text: String) -> Result<Vec<ConsistencyToken>, Violation> {
    let writes: Result<Vec<_>, _> = text.split(',').map(|token| token.trim().parse()).collect();
    writes.and_then(within_limit)
}

/// No more writes than a search can be asked to include.
pub(crate) fn within_limit(writes: Vec<ConsistencyToken>) -> Result<Vec<ConsistencyToken>, Violation> {
    if writes.len() > SearchRequest::MAX_AFTER {
        let detail = format!("must have at most {} tokens", SearchRequest::MAX_AFTER);
        return Err(Violation::new("too-many", detail));
    }
    Ok(writes)
}

/// How long to wait: a whole number of `s` or `ms`.
pub(crate) fn patience(text: String) -> Result<Duration, Violation> {
    let number = |unit| {
        text.strip_suffix(unit)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let millis = match (number("ms"), number("s")) {
        (Some(millis), _) => millis.parse().ok(),
        (None, Some(seconds)) => seconds
            .parse::<u64>()
            .ok()
            .and_then(|seconds| seconds.checked_mul(1_000)),
        (None, None) => None,
    };
    let patience = millis.map(Duration::from_millis);
    patience
        .filter(|patience| *patience <= SearchRequest::MAX_PATIENCE)
        .ok_or_else(|| {
            let most = SearchRequest::MAX_PATIENCE.as_secs();
            Violation::new(
                "invalid-duration",
                format!("must be a time such as 2s or 500ms, at most {most}s"),
            )
        })
}

/// The part of the results that is asked for, without or with a cursor.
///
/// # Errors
/// About the value of the name that comes with it.
pub(crate) fn window(
    from: Option<u32>,
    size: Option<u32>,
    cursor: Option<&SentCursor>,
) -> Result<SearchWindow, (&'static str, Violation)> {
    match cursor {
        None => window_from(from, size).map_err(|violation| ("from", violation)),
        Some(_) => walked_window(from, size),
    }
}

fn window_from(from: Option<u32>, size: Option<u32>) -> Result<SearchWindow, Violation> {
    let default = SearchWindow::default();
    let window = SearchWindow {
        from: from.unwrap_or(default.from),
        size: size.unwrap_or(default.size),
    };
    if window.from + window.size > SearchWindow::LIMIT {
        let detail = format!(
            "from and size together may be at most {}; with cursor instead of from, {} to begin, a search leads through \
             everything",
            SearchWindow::LIMIT,
            SentCursor::BEGINNING,
        );
        return Err(Violation::new("window-too-large", detail));
    }
    Ok(window)
}

fn walked_window(from: Option<u32>, size: Option<u32>) -> Result<SearchWindow, (&'static str, Violation)> {
    let size = size.unwrap_or(SearchWindow::default().size);
    if from.is_some() {
        let detail = "must be absent with a cursor, which says where its page begins";
        return Err(("from", Violation::new("from-with-cursor", detail)));
    }
    if size == 0 {
        let detail = "must be at least 1 with a cursor, or the walk would never end";
        return Err(("size", Violation::new("empty-page", detail)));
    }
    Ok(SearchWindow { from: 0, size })
}
