//! `GET /docs/`: Swagger UI, from the program itself. No file of it comes from elsewhere, so it works offline.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::decompression::DecompressionLayer;
use utoipa_swagger_ui::Config;

use super::page::page;
use crate::AppState;
use crate::compression;
use crate::failure::{Failure, Refusal};

/// Its styles are partly written in place, and its icons are data URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The page and its files. They are for people, and not in the document.
pub(crate) fn router() -> Router<AppState> {
    // The page's own references are relative to the folder.
    let to_the_folder = async || Redirect::temporary("/docs/");
    Router::new()
        .route("/docs", get(to_the_folder))
        .route("/docs/", get(async || answer("index.html")))
        .route(
            "/docs/{*file}",
            get(async |Path(file): Path<String>| answer(&file)),
        )
        // The files are kept packed: unpacked for all, and packed again for those who accept that.
        .route_layer(DecompressionLayer::new())
        .route_layer(compression::layer())
}

fn answer(file: &str) -> Response {
    let config = Config::new(["../openapi.json"])
        .display_request_duration(true)
        .try_it_out_enabled(true)
        // The default sends the document's address to a validator on the internet.
        .validator_url("none");
    let Ok(Some(file)) = utoipa_swagger_ui::serve(file, Arc::new(config)) else {
        return Failure::from(Refusal::UnknownPath).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CACHE_CONTROL, "max-age=3600".to_owned()),
    ];
    let packed: Option<(HeaderName, HeaderValue)> = file
        .gzpipped
        .then(|| (header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    page(POLICY, (AppendHeaders(packed), headers, file.bytes.into_owned()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, Response};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use crate::testing::{TestApi, request};

    async fn ask(path: &str) -> (Response<Body>, Vec<u8>) {
        let answer = TestApi::new()
            .router
            .oneshot(request("GET", path, &[]))
            .await
            .unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        (Response::from_parts(parts, Body::empty()), bytes)
    }

    #[tokio::test]
    async fn the_page_and_every_file_it_needs_come_from_here() {
        let (answer, _) = ask("/docs").await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["location"]),
            (307, &"/docs/".parse().unwrap())
        );
        for (file, media_type) in [
            ("", "text/html"),
            ("index.css", "text/css"),
            ("swagger-ui.css", "text/css"),
            ("swagger-ui-bundle.js", "text/javascript"),
            ("swagger-ui-standalone-preset.js", "text/javascript"),
            ("swagger-initializer.js", "text/javascript"),
            ("favicon-32x32.png", "image/png"),
        ] {
            let (answer, bytes) = ask(&format!("/docs/{file}")).await;
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["content-type"]),
                (200, &media_type.parse().unwrap()),
                "{file}"
            );
            assert!(!bytes.is_empty() && !bytes.starts_with(&[0x1f, 0x8b]), "{file}");
            assert!(answer.headers().contains_key("content-security-policy"), "{file}");
        }
        let (_, initializer) = ask("/docs/swagger-initializer.js").await;
        let initializer = String::from_utf8(initializer).unwrap();
        assert!(
            initializer.contains("\"url\": \"../openapi.json\""),
            "{initializer}"
        );
        assert!(
            initializer.contains("\"validatorUrl\": \"none\""),
            "{initializer}"
        );
    }

    #[tokio::test]
    async fn what_it_does_not_have_is_an_ordinary_404() {
        let send = async |request: Request<Body>| TestApi::new().send(request).await;
        for path in [
            "/docs/nothing.js",
            "/docs/../Cargo.toml",
            "/docs/%2e%2e/Cargo.toml",
        ] {
            let answer = send(request("GET", path, &[])).await;
            assert_eq!(answer.problem(), (404, "unknown-path"), "{path}");
        }
    }
}
