//! What the service says of itself: the document, the front page, the pages to click through.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use crate::Api;

rules!("front":
    the_document_is_the_committed_one,
    the_front_page_is_html_for_browsers_and_json_for_others,
    the_documentation_and_every_file_it_needs_come_from_the_service,
    unknown_files_of_the_documentation_are_404,
);

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn the_document_is_the_committed_one(api: Api) {
    let answer = api.ask(Method::GET, "/openapi.json", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "application/json")
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = std::fs::read(&path).expect("docs/openapi.json is there");
    let committed: Value = serde_json::from_slice(&committed).expect("it is JSON");
    assert!(
        answer.body == committed,
        "docs/openapi.json differs: cargo xtask openapi"
    );
}

async fn the_front_page_is_html_for_browsers_and_json_for_others(api: Api) {
    let page = api.ask(Method::GET, "/", &[BROWSER]).await;
    assert_eq!((page.status.as_u16(), page.header("vary")), (200, "accept"));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let text = page.body.as_str().expect("a page is text");
    let host = api.base().strip_prefix("http://").expect("the base is a URL");
    assert!(
        text.contains(&format!("http://{host}/tasks")),
        "it shows its own address: {text}"
    );
    for link in links(text) {
        let answer = api.ask(Method::GET, &format!("/{link}"), &[]).await;
        assert_eq!(answer.status, 200, "{link}");
    }
    let plain = api.ask(Method::GET, "/", &[]).await;
    let links = plain.body["links"].as_object().expect("it names its parts");
    for link in links.values() {
        let link = link.as_str().expect("a link is text");
        assert_eq!(api.ask(Method::GET, link, &[]).await.status, 200, "{link}");
    }
}

async fn the_documentation_and_every_file_it_needs_come_from_the_service(api: Api) {
    let moved = api.ask(Method::GET, "/docs", &[BROWSER]).await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (307, "/docs/"));
    for (file, media_type) in [
        ("", "text/html"),
        ("index.css", "text/css"),
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui-standalone-preset.js", "text/javascript"),
        ("swagger-initializer.js", "text/javascript"),
    ] {
        let answer = api.ask(Method::GET, &format!("/docs/{file}"), &[BROWSER]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, media_type),
            "{file}"
        );
        assert_ne!(answer.body, Value::Null, "{file}");
        // A browser that keeps to it loads nothing from elsewhere.
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{file}: {policy}");
    }
}

async fn unknown_files_of_the_documentation_are_404(api: Api) {
    for path in [
        "/docs/nothing.js",
        "/docs/%2e%2e/Cargo.toml",
        "/docs/%2e%2e%2fCargo.toml",
    ] {
        let answer = api.ask(Method::GET, path, &[BROWSER]).await;
        answer.assert_problem(404, "unknown-path");
    }
}

/// What a page refers to.
fn links(page: &str) -> Vec<&str> {
    let after = page.split("href=\"").skip(1);
    after.filter_map(|rest| rest.split('"').next()).collect()
}
