//! `GET /docs/`: Swagger UI, from the program itself. No file of it comes from elsewhere, so it works offline.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use tower::ServiceExt;
use tower_http::decompression::Decompression;
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
        .route("/docs/{*file}", get(in_the_folder))
        .route_layer(from_fn(unpack_where_needed))
}

/// The files are kept packed, and sent so to those who can unpack them.
async fn unpack_where_needed(request: Request, next: Next) -> Response {
    let mut answer = if compression::accepts_gzip(request.headers()) {
        next.run(request).await
    } else {
        let Ok(unpacked) = Decompression::new(next).oneshot(request).await;
        unpacked.map(Body::new)
    };
    let vary = HeaderValue::from_static("accept-encoding");
    answer.headers_mut().insert(header::VARY, vary);
    answer
}

async fn in_the_folder(file: Result<Path<String>, PathRejection>) -> Response {
    match file {
        Ok(Path(file)) => answer(&file),
        Err(_) => nothing(),
    }
}

fn nothing() -> Response {
    Failure::from(Refusal::UnknownPath).into_response()
}

fn answer(file: &str) -> Response {
    let config = Config::new(["../openapi.json"])
        .display_request_duration(true)
        .try_it_out_enabled(true)
        // The default sends the document's address to a validator on the internet.
        .validator_url("none");
    let Ok(Some(file)) = utoipa_swagger_ui::serve(file, Arc::new(config)) else {
        return nothing();
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
    use utoipa_swagger_ui::Config;

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
    async fn a_file_is_sent_as_it_is_kept_to_those_who_can_unpack_it() {
        let kept = utoipa_swagger_ui::serve("swagger-ui.css", Config::new([""]).into());
        let kept = kept.unwrap().unwrap();
        assert!(kept.gzpipped);
        for (accepted, packed) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("br", false),
            ("", false),
        ] {
            let asked = request("GET", "/docs/swagger-ui.css", &[("accept-encoding", accepted)]);
            let (parts, body) = TestApi::new().router.oneshot(asked).await.unwrap().into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            assert_eq!(*bytes == *kept.bytes, packed, "{accepted}");
            assert_eq!(
                parts.headers.contains_key("content-encoding"),
                packed,
                "{accepted}"
            );
            assert_eq!(parts.headers["vary"], "accept-encoding", "{accepted}");
        }
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
