//! What is wrong around the body: path, method, media types, sizes.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::path;
use super::unique;
use crate::Api;

rules!("refused_requests":
    an_id_that_is_no_uuid_is_400_and_named,
    an_unknown_path_is_404,
    a_method_that_is_not_documented_is_405_and_told_those_that_are,
    an_answer_that_would_not_be_accepted_is_406,
    another_media_type_is_415_and_told_the_right_one,
    json_is_taken_with_any_parameter,
    a_body_up_to_128_kib_is_taken_and_one_byte_more_is_413,
    headers_above_16_kib_are_431,
    path_parameter_header_and_body_are_named_at_once,
);

/// The most bytes of a body.
const MAX_BODY: usize = 128 * 1024;

async fn an_id_that_is_no_uuid_is_400_and_named(api: Api) {
    for id in [
        "17",
        "0199c5a07d9f7cc1a3c85f2f1d4b7a10",
        "%ff",
        "%00",
        "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a1g",
    ] {
        let path = format!("/tasks/{id}");
        let wrong = ["id invalid-uuid"];
        api.ask(Method::GET, &path, &[]).await.assert_wrong(&wrong);
        api.ask(Method::DELETE, &path, &[]).await.assert_wrong(&wrong);
        let fields = json!({"description": "a"});
        api.tell(Method::PUT, &path, &[], &fields)
            .await
            .assert_wrong(&wrong);
    }
}

async fn an_unknown_path_is_404(api: Api) {
    let task = path(&api.described(&unique()).await);
    for path in [
        "/nowhere",
        "/tasks/",
        "/task",
        "/TASKS",
        "/healthz",
        "/tasks/search/more",
        &format!("{task}/"),
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = api.ask(method, path, &[]).await;
            answer.assert_problem(404, "unknown-path");
        }
    }
}

/// The document that the service serves says which methods there are.
async fn a_method_that_is_not_documented_is_405_and_told_those_that_are(api: Api) {
    let document = api.ask(Method::GET, "/openapi.json", &[]).await.body;
    let task = path(&api.described(&unique()).await);
    let paths = document["paths"].as_object().expect("the document has paths");
    assert!(paths.len() >= 6, "{paths:?}");
    for (template, operations) in paths {
        let operations = operations.as_object().expect("a path has operations");
        let mut allowed: BTreeSet<String> = operations.keys().map(|name| name.to_uppercase()).collect();
        allowed.retain(|name| ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&name.as_str()));
        if allowed.contains("GET") {
            allowed.insert("HEAD".to_owned());
        }
        let target = template.replace("/tasks/{id}", &task);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            if allowed.contains(method) {
                continue;
            }
            let known = Method::from_bytes(method.as_bytes()).expect("a token is a method");
            let answer = api.ask(known, &target, &[]).await;
            answer.assert_problem(405, "method-not-allowed");
            let told: BTreeSet<String> = answer
                .header("allow")
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect();
            assert_eq!(told, allowed, "{method} {target}");
        }
    }
}

async fn an_answer_that_would_not_be_accepted_is_406(api: Api) {
    let task = api.described(&unique()).await;
    let fields = json!({"description": unique()});
    for accept in ["text/html", "application/json;q=0, */*", "application/xml"] {
        let headers = [("accept", accept)];
        let answers = [
            api.ask(Method::GET, &path(&task), &headers).await,
            api.ask(Method::DELETE, &path(&task), &headers).await,
            api.tell(Method::PUT, &path(&task), &headers, &fields).await,
            api.tell(Method::PATCH, &path(&task), &headers, &fields).await,
            api.ask(Method::GET, "/tasks", &headers).await,
            api.ask(Method::GET, "/tasks/search", &headers).await,
            api.tell(Method::POST, "/tasks", &headers, &fields).await,
            api.tell(Method::POST, "/tasks/search", &headers, &json!({}))
                .await,
        ];
        for answer in answers {
            answer.assert_problem(406, "not-acceptable");
        }
    }
    for accept in ["*/*", "application/*", "text/html, application/json;q=0.1", ""] {
        let answer = api.ask(Method::GET, &path(&task), &[("accept", accept)]).await;
        assert_eq!((answer.status.as_u16(), answer.task()), (200, &task), "{accept}");
    }
}

async fn another_media_type_is_415_and_told_the_right_one(api: Api) {
    let task = api.described(&unique()).await;
    let body = json!({"description": unique()}).to_string().into_bytes();
    for (method, path, advertised_in) in [
        (Method::POST, "/tasks", "accept-post"),
        (Method::POST, "/tasks/search", "accept-post"),
        (Method::PUT, path(&task).as_str(), "accept"),
    ] {
        for media_type in [
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("application/jsonl"),
            Some(""),
            None,
        ] {
            let headers: Vec<_> = media_type
                .map(|value| ("content-type", value))
                .into_iter()
                .collect();
            let answer = api.send(method.clone(), path, &headers, Some(body.clone())).await;
            let answer = answer.expect("a complete answer");
            answer.assert_problem(415, "unsupported-media-type");
            assert_eq!(
                answer.header(advertised_in),
                "application/json",
                "{method} {path}"
            );
        }
    }
    assert_eq!(api.read(&task).await.task(), &task);
}

async fn json_is_taken_with_any_parameter(api: Api) {
    for media_type in ["application/json; charset=utf-8", "Application/JSON ;x=y"] {
        let body = json!({"description": unique()}).to_string().into_bytes();
        let answer = api
            .send(
                Method::POST,
                "/tasks",
                &[("content-type", media_type)],
                Some(body),
            )
            .await;
        assert_eq!(answer.expect("a complete answer").status, 201, "{media_type}");
    }
}

async fn a_body_up_to_128_kib_is_taken_and_one_byte_more_is_413(api: Api) {
    let task = api.described(&unique()).await;
    let sized = |bytes: usize| {
        let fields = json!({"description": unique()}).to_string();
        format!("{fields}{}", " ".repeat(bytes - fields.len())).into_bytes()
    };
    let json_type = [("content-type", "application/json")];
    for (method, path, status) in [
        (Method::POST, "/tasks", 201),
        (Method::PUT, path(&task).as_str(), 200),
        (Method::PATCH, path(&task).as_str(), 200),
        (Method::POST, "/tasks/search", 200),
    ] {
        for too_large in [MAX_BODY + 1, 10_000_000] {
            let answer = api
                .send(method.clone(), path, &json_type, Some(sized(too_large)))
                .await;
            answer
                .expect("a complete answer")
                .assert_problem(413, "body-too-large");
        }
        let answer = api
            .send(method.clone(), path, &json_type, Some(sized(MAX_BODY)))
            .await;
        assert_eq!(
            answer.expect("a complete answer").status,
            status,
            "{method} {path}"
        );
    }
}

async fn headers_above_16_kib_are_431(api: Api) {
    let large = "x".repeat(20_000);
    let task = path(&api.described(&unique()).await);
    for path in [task.as_str(), "/healthz/live"] {
        let answer = api.ask(Method::GET, path, &[("x-large", &large)]).await;
        answer.assert_problem(431, "headers-too-large");
        let answer = api.ask(Method::GET, path, &[("x-large", &large[..10_000])]).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

async fn path_parameter_header_and_body_are_named_at_once(api: Api) {
    let body: Value = json!({"x": 1});
    let answer = api
        .tell(Method::PUT, "/tasks/17", &[("if-match", "3")], &body)
        .await;
    answer.assert_wrong(&[
        "id invalid-uuid",
        "if-match malformed-entity-tag",
        "/description missing",
        "/x unknown-field",
    ]);
}
