//! `GET /openapi.json`: the document that this crate makes of itself.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::{Answer, Endpoint, Tag, openapi_document};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(
        "getOpenApiDocument",
        Tag::About,
        "This document",
        "The OpenAPI 3.1 document of the release that answers.",
    )
    .answers(
        StatusCode::OK,
        Answer::new("The document.").shows_any("application/json"),
    )
}

pub(crate) async fn handle() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        // The next release at the same address has another one.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, openapi_document())
}

#[cfg(test)]
mod tests {
    use crate::testing::{TestApi, request};

    #[tokio::test]
    async fn the_document_is_served_to_anybody() {
        let headers = [("accept", "text/html")];
        let answer = TestApi::new()
            .send(request("GET", "/openapi.json", &headers))
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.body["openapi"], "3.1.0");
        assert_eq!(answer.body["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
