//! What is wrong around the body: path, method, headers, media type, size.

use axum::body::Body;
use bytes::Bytes;
use futures::stream;

use super::{bad, case, refuse_all, task_path};
use crate::testing::{NOBODY, TestApi, json_request, post, request};

#[tokio::test]
async fn wrong_paths_parameters_and_headers_are_refused() {
    let task = task_path();
    let mut cases = Vec::new();
    for id in [
        "17",
        "0199c5a07d9f7cc1a3c85f2f1d4b7a10",
        "%ff",
        "%00",
        "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a1g",
    ] {
        let path = format!("/tasks/{id}");
        let wrong = ["id invalid-uuid"];
        cases.push(bad(id, request("GET", &path, &[]), &wrong));
        cases.push(bad(id, request("DELETE", &path, &[]), &wrong));
        let put = json_request("PUT", &path, &[], r#"{"description": "a"}"#);
        cases.push(bad(id, put, &wrong));
        let patch = json_request("PATCH", &path, &[], "{}");
        cases.push(bad(id, patch, &wrong));
    }
    let tag = [("if-match", "3")];
    let wrong_tag = ["if-match malformed-entity-tag"];
    cases.push(bad("a bare tag", request("DELETE", &task, &tag), &wrong_tag));
    let put = json_request("PUT", "/tasks/17", &tag, r#"{"x": 1}"#);
    let everywhere = [
        "id invalid-uuid",
        "if-match malformed-entity-tag",
        "/description missing",
        "/x unknown-field",
    ];
    cases.push(bad("path, header and body", put, &everywhere));
    let copies = request("GET", &task, &[("if-none-match", "\"3")]);
    cases.push(bad(
        "an open tag",
        copies,
        &["if-none-match malformed-entity-tag"],
    ));

    let nobody = format!("/tasks/{NOBODY}");
    let put = json_request("PUT", &nobody, &[], r#"{"description": "a"}"#);
    cases.push(case("PUT nobody", put, 404, "task-not-found"));
    let delete = request("DELETE", &nobody, &[]);
    cases.push(case("DELETE nobody", delete, 404, "task-not-found"));
    let get = request("GET", &nobody, &[]);
    cases.push(case("GET nobody", get, 404, "task-not-found"));
    for path in [
        "/tasks/",
        "/task",
        "/tasks/search/more",
        &format!("{task}/"),
        "/healthz",
        "/TASKS",
    ] {
        cases.push(case(path, request("GET", path, &[]), 404, "unknown-path"));
    }
    refuse_all(cases).await;
}

#[tokio::test]
async fn wrong_queries_and_keys_are_refused_with_all_else() {
    let task = task_path();
    let mut cases = Vec::new();
    for (method, path) in [("GET", &task), ("DELETE", &task)] {
        let path = format!("{path}?cascade=1&pretty");
        let wrong: &[&str] = match method {
            "DELETE" => &["cascade wrong-type", "pretty unknown-parameter"],
            _ => &["cascade unknown-parameter", "pretty unknown-parameter"],
        };
        cases.push(bad(method, request(method, &path, &[]), wrong));
    }
    for (method, path) in [
        ("POST", "/tasks"),
        ("POST", "/tasks/search"),
        ("PUT", &task),
        ("PATCH", &task),
    ] {
        let sent = json_request(method, &format!("{path}?dryRun=true"), &[], r#"{"isDone": 1}"#);
        let mut wrong = vec!["dryRun unknown-parameter"];
        if method != "PATCH" && path != "/tasks/search" {
            wrong.push("/description missing");
        }
        wrong.push("/isDone wrong-type");
        cases.push(bad(path, sent, &wrong));
    }
    let both_keys = [("idempotency-key", "a"), ("idempotency-key", "a")];
    for path in ["/tasks", "/tasks/bulk"] {
        let sent = json_request("POST", path, &both_keys, "[]");
        cases.push(bad(path, sent, &["idempotency-key repeated", " wrong-type"]));
    }
    let bulk = json_request("POST", "/tasks/bulk?atomic=yes&atomic=no", &[], "{}");
    cases.push(bad("bulk", bulk, &["atomic repeated", "/operations missing"]));
    refuse_all(cases).await;
}

#[tokio::test]
async fn a_wrong_method_is_refused_and_told_the_right_ones() {
    let task = task_path();
    for (method, path, allowed) in [
        ("PUT", "/tasks", "GET,HEAD,POST"),
        ("DELETE", "/tasks", "GET,HEAD,POST"),
        ("OPTIONS", "/tasks", "GET,HEAD,POST"),
        ("POST", &task, "PUT,PATCH,DELETE,GET,HEAD"),
        ("BREW", &task, "PUT,PATCH,DELETE,GET,HEAD"),
        ("PUT", "/tasks/search", "GET,HEAD,POST"),
        ("DELETE", "/tasks/search", "GET,HEAD,POST"),
        ("GET", "/tasks/bulk", "POST"),
        ("PATCH", "/tasks/bulk", "POST"),
        ("POST", "/healthz/live", "GET,HEAD"),
        ("DELETE", "/healthz/ready", "GET,HEAD"),
        ("POST", "/", "GET,HEAD"),
        ("PUT", "/openapi.json", "GET,HEAD"),
    ] {
        let api = TestApi::with_a_task().await;
        let answer = api.send(request(method, path, &[])).await;
        assert_eq!(answer.problem(), (405, "method-not-allowed"), "{method} {path}");
        let sorted = |list: &str| {
            let mut methods: Vec<_> = list.split(',').map(|name| name.trim().to_owned()).collect();
            methods.sort();
            methods
        };
        assert_eq!(sorted(answer.header("allow")), sorted(allowed), "{method} {path}");
        assert_eq!(api.events().len(), 1);
    }
}

#[tokio::test]
async fn wrong_media_types_are_refused() {
    let task = task_path();
    let body = r#"{"description": "a"}"#;
    for (method, path, advertised_in) in [
        ("POST", "/tasks", "accept-post"),
        ("POST", "/tasks/search", "accept-post"),
        ("POST", "/tasks/bulk", "accept-post"),
        ("PUT", &task, "accept"),
        ("PATCH", &task, "accept-patch"),
    ] {
        for media_type in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/xml",
        ] {
            let mut sent = json_request(method, path, &[], body);
            sent.headers_mut()
                .insert("content-type", media_type.parse().unwrap());
            refuse_all(vec![case(media_type, sent, 415, "unsupported-media-type")]).await;
        }
        let mut sent = json_request(method, path, &[], body);
        sent.headers_mut().remove("content-type");
        let api = TestApi::with_a_task().await;
        let answer = api.send(sent).await;
        assert_eq!(answer.problem(), (415, "unsupported-media-type"));
        let advertised = match method {
            "PATCH" => "application/merge-patch+json, application/json",
            _ => "application/json",
        };
        assert_eq!(answer.header(advertised_in), advertised, "{method} {path}");
        for accept in ["text/html", "application/json;q=0, */*"] {
            let sent = json_request(method, path, &[("accept", accept)], body);
            refuse_all(vec![case(accept, sent, 406, "not-acceptable")]).await;
        }
    }
    for method in ["GET", "DELETE"] {
        let sent = request(method, &task, &[("accept", "application/xml")]);
        refuse_all(vec![case(method, sent, 406, "not-acceptable")]).await;
    }
}

fn sized(bytes: usize) -> String {
    let object = r#"{"description": ""}"#;
    object.to_owned() + &" ".repeat(bytes - object.len())
}

fn in_chunks(bytes: usize) -> Body {
    let chunks = (0..bytes / 0x4000).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 0x4000])));
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_bulk_may_be_larger_than_other_bodies() {
    let bulk_limit = 1024 * 1024;
    refuse_all(vec![
        bad(
            "a bulk at its limit",
            post("/tasks/bulk", &sized(bulk_limit)),
            &["/operations missing", "/description unknown-field"],
        ),
        case(
            "one byte more in a bulk",
            post("/tasks/bulk", &sized(bulk_limit + 1)),
            413,
            "body-too-large",
        ),
        case(
            "a bulk in chunks",
            json_request("POST", "/tasks/bulk", &[], in_chunks(2 * bulk_limit)),
            413,
            "body-too-large",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let limit = 128 * 1024;
    let task = task_path();
    let large = "x".repeat(20_000);
    let large_header = [("x-large", large.as_str())];
    refuse_all(vec![
        bad(
            "a body at the limit",
            post("/tasks", &sized(limit)),
            &["/description blank"],
        ),
        case(
            "one byte more",
            post("/tasks", &sized(limit + 1)),
            413,
            "body-too-large",
        ),
        case(
            "10 MB",
            json_request("POST", "/tasks", &[], vec![b'x'; 10_000_000]),
            413,
            "body-too-large",
        ),
        case(
            "10 MB in chunks",
            json_request("PUT", &task, &[], in_chunks(10_000_000)),
            413,
            "body-too-large",
        ),
        case(
            "10 MB that were announced",
            json_request(
                "POST",
                "/tasks/search",
                &[("content-length", "10000000")],
                in_chunks(10_000_000),
            ),
            413,
            "body-too-large",
        ),
        case(
            "20 kB of headers",
            request("GET", &task, &large_header),
            431,
            "headers-too-large",
        ),
        bad(
            "a body that breaks off",
            json_request(
                "POST",
                "/tasks",
                &[],
                Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))])),
            ),
            &[" incomplete-body"],
        ),
    ])
    .await;
}
