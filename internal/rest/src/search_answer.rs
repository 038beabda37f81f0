//! What both ways to search have in common: the rules of a query, and the answer.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use taskwire_domain::{SearchPage, SearchQuery, SearchWindow, Task, Violation};

/// `{"tasks": […], "total": n}`.
pub(crate) fn answer(page: &SearchPage) -> Response {
    let answer = PageAnswer {
        tasks: &page.tasks,
        total: page.total,
    };
    Json(answer).into_response()
}

#[derive(Serialize)]
struct PageAnswer<'a> {
    tasks: &'a [Task],
    total: u64,
}

/// Words to search for. Text without a word in it asks for nothing.
pub(crate) fn words(text: String) -> Result<Option<String>, Violation> {
    if text.chars().count() > SearchQuery::MAX_TEXT_CHARS {
        let detail = format!("must have at most {} characters", SearchQuery::MAX_TEXT_CHARS);
        return Err(Violation::new("too-long", detail));
    }
    Ok((!text.trim().is_empty()).then_some(text))
}

/// The part of the results that is asked for.
///
/// # Errors
/// About `from`, when the two reach beyond the window.
pub(crate) fn window(from: Option<u32>, size: Option<u32>) -> Result<SearchWindow, Violation> {
    let default = SearchWindow::default();
    let window = SearchWindow {
        from: from.unwrap_or(default.from),
        size: size.unwrap_or(default.size),
    };
    if window.from + window.size > SearchWindow::LIMIT {
        let detail = format!("from and size together may be at most {}", SearchWindow::LIMIT);
        return Err(Violation::new("window-too-large", detail));
    }
    Ok(window)
}
