//! The document against the code, and against its committed copy.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::adherence::{DOCUMENT, check, resolve};
use super::{examples, openapi_document};
use crate::task_fields::decode_task_fields;
use crate::task_patch::decode_task_patch;
use crate::testing::{NOBODY, TASK, TestApi, json_request, post, request};

/// Every operation as `(method, path, operation)`.
fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_committed_document_is_the_one_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = fs::read_to_string(path).unwrap_or_default();
    // Compared as values: another crate of the same build decides in which order examples have their members.
    let committed: Value = serde_json::from_str(&committed).unwrap_or_default();
    assert!(
        committed == *DOCUMENT,
        "docs/openapi.json is not what the code says: run `cargo xtask openapi` and read the difference"
    );
    assert!(openapi_document().ends_with("}\n"));
}

#[test]
fn every_operation_has_its_names_texts_and_a_problem_for_every_failure() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let what = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{what}: {id} is not the only one");
        for text in ["summary", "description"] {
            assert!(!operation[text].as_str().unwrap().is_empty(), "{what}");
        }
        let tag = &operation["tags"][0];
        let tags = DOCUMENT["tags"].as_array().unwrap();
        assert!(tags.iter().any(|known| known["name"] == *tag), "{what}: {tag}");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let answer = resolve(answer);
            assert!(answer["headers"]["X-Request-Id"].is_object(), "{what} {status}");
            if status.as_str() >= "400" && !path.starts_with("/healthz") {
                let content = &answer["content"]["application/problem+json"];
                assert!(
                    !content["examples"].as_object().unwrap().is_empty(),
                    "{what} {status}"
                );
            }
        }
    }
    assert_eq!(ids.len(), 13);
}

#[tokio::test]
async fn every_documented_operation_is_routed() {
    for (method, path, _) in operations() {
        let api = TestApi::with_a_task().await;
        let path = path.replace("{id}", TASK);
        let answer = api
            .raw(json_request(&method.to_uppercase(), &path, &[], "{}"))
            .await;
        let status = answer.status().as_u16();
        assert!(![404, 405].contains(&status), "{method} {path}: {status}");
    }
}

#[test]
fn every_example_has_the_shape_it_is_an_example_of() {
    let mut seen = 0;
    let mut look_at = |content: &'static Value, what: &str| {
        for (name, example) in content["examples"].as_object().into_iter().flatten() {
            seen += 1;
            if let Err(wrong) = check(&content["schema"], &example["value"], "") {
                panic!("{what}, example {name}: {wrong}");
            }
        }
    };
    for (method, path, operation) in operations() {
        for content in operation["requestBody"]["content"]
            .as_object()
            .into_iter()
            .flatten()
        {
            look_at(content.1, &format!("{method} {path}"));
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            for content in resolve(answer)["content"].as_object().into_iter().flatten() {
                look_at(content.1, &format!("{method} {path} {status}"));
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

#[tokio::test]
async fn every_example_of_a_request_is_accepted() {
    for (_, _, body) in examples::task_inputs() {
        let api = TestApi::with_a_task().await;
        let body = body.to_string();
        assert_eq!(api.send(post("/tasks", &body)).await.status, 201, "{body}");
        let api = TestApi::with_a_task().await;
        let put = json_request("PUT", &format!("/tasks/{TASK}"), &[], body.clone());
        assert_eq!(api.send(put).await.status, 200, "{body}");
    }
    for (_, _, body) in examples::task_patches() {
        let api = TestApi::with_a_task().await;
        let patch = json_request("PATCH", &format!("/tasks/{TASK}"), &[], body.to_string());
        assert_eq!(api.send(patch).await.status, 200, "{body}");
    }
    for (_, _, body) in examples::bulk_requests() {
        let answer = TestApi::with_a_task()
            .await
            .send(post("/tasks/bulk", &body.to_string()))
            .await;
        assert_eq!(answer.status, 200, "{body}");
    }
    for (_, _, body) in examples::search_requests() {
        let answer = TestApi::new()
            .send(post("/tasks/search", &body.to_string()))
            .await;
        assert_eq!(answer.status, 200, "{body}");
    }
}

#[tokio::test]
async fn the_shape_of_a_task_is_that_of_a_task() {
    let api = TestApi::with_a_task().await;
    let answer = api.send(request("GET", &format!("/tasks/{TASK}"), &[])).await;
    let task = &DOCUMENT["components"]["schemas"]["Task"];
    assert_eq!(names(&task["properties"]), names(&answer.body["task"]));
    let required: BTreeSet<_> = task["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(required, names(&task["properties"]));
    assert_eq!(names(&examples::task()), names(&task["properties"]));
}

#[tokio::test]
async fn the_shapes_of_bodies_name_what_is_accepted_and_nothing_else() {
    let schemas = &DOCUMENT["components"]["schemas"];
    assert_eq!(
        names(&schemas["TaskInput"]["properties"]),
        names(&examples::task())
    );
    decode_task_fields(examples::task()).unwrap();
    assert_eq!(
        names(&schemas["TaskPatch"]["properties"]),
        names(&examples::task())
    );
    decode_task_patch(examples::task()).unwrap();
    // Each field of a search alone, as null: an unknown one would be refused.
    for name in names(&schemas["SearchRequest"]["properties"]) {
        let body = json!({name: null}).to_string();
        assert_eq!(
            TestApi::new().send(post("/tasks/search", &body)).await.status,
            200,
            "{body}"
        );
    }
}

#[test]
fn nothing_is_filled_in_for_one_who_tries_it_out_but_what_is_required() {
    for (name, parameter) in DOCUMENT["components"]["parameters"].as_object().unwrap() {
        let required = parameter["required"] == true;
        assert_eq!(parameter.get("example").is_some(), required, "{name}");
        assert!(parameter["schema"].get("example").is_none(), "{name}");
    }
}

#[tokio::test]
async fn defaults_are_those_of_the_code() {
    let api = TestApi::new();
    let answer = api.send(post("/tasks", r#"{"description": "a"}"#)).await;
    let shapes = &DOCUMENT["components"]["schemas"];
    for (name, shape) in shapes["TaskInput"]["properties"].as_object().unwrap() {
        if let Some(default) = resolve(shape).get("default") {
            assert_eq!(&answer.body["task"][name], default, "{name}");
        }
    }
    api.send(post("/tasks/search", "{}")).await;
    let window = api.queries()[0].window;
    let search = &shapes["SearchRequest"]["properties"];
    assert_eq!(
        (&search["from"]["default"], &search["size"]["default"]),
        (&json!(window.from), &json!(window.size))
    );
}

#[test]
fn an_answer_that_is_not_documented_is_noticed() {
    let problem = |status: u16, body: Value| {
        let headers = [
            ("content-type", "application/problem+json"),
            ("x-request-id", "e"),
            ("cache-control", "no-store"),
        ]
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .into_iter()
        .collect();
        let path = format!("/tasks/{NOBODY}");
        std::panic::catch_unwind(|| {
            super::adherence::assert_documented(&"GET".parse().unwrap(), &path, status, &headers, &body)
        })
    };
    let sound =
        json!({"type": "a", "title": "b", "status": 404, "detail": "c", "code": "d", "requestId": "e"});
    assert!(problem(404, sound.clone()).is_ok());
    assert!(problem(409, sound.clone()).is_err());
    for (member, value) in [
        ("status", json!("404")),
        ("code", Value::Null),
        ("errors", json!([])),
    ] {
        let mut wrong = sound.clone();
        wrong[member] = value;
        assert!(problem(404, wrong).is_err(), "{member}");
    }
}
