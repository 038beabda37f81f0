//! A table of requests that must be refused: with which status and code, naming which fields, and always without
//! a trace in the repository.

mod bodies;
mod codes;
mod envelopes;

use axum::body::Body;
use axum::http::Request;

use crate::testing::{TASK, TestApi};

/// A request, its status and code, and for a 400 each wrong field as `place code`.
struct Case {
    name: String,
    request: Request<Body>,
    status: u16,
    code: &'static str,
    wrong: Vec<String>,
}

fn case(name: &str, request: Request<Body>, status: u16, code: &'static str) -> Case {
    Case {
        name: name.to_owned(),
        request,
        status,
        code,
        wrong: Vec::new(),
    }
}

fn bad(name: &str, request: Request<Body>, wrong: &[&str]) -> Case {
    Case {
        wrong: wrong.iter().map(|&field| field.to_owned()).collect(),
        ..case(name, request, 400, "invalid-request")
    }
}

/// Sends every case to an API with one task, and checks that the task and the events are as before. That the OpenAPI
/// document has the status for the path and method is checked where the case is sent.
async fn refuse_all(cases: Vec<Case>) {
    for case in cases {
        let api = TestApi::with_a_task().await;
        let answer = api.send(case.request).await;
        let name = &case.name;
        assert_eq!(answer.status.as_u16(), case.status, "{name}: {answer:?}");
        assert_eq!(answer.problem(), (case.status, case.code), "{name}: {answer:?}");
        if case.status == 400 {
            assert_eq!(answer.wrong_fields(), case.wrong, "{name}");
        }
        assert_eq!(api.descriptions(), ["old"], "{name}");
        assert_eq!(api.events().len(), 1, "{name}");
        assert!(api.queries().is_empty(), "{name}");
    }
}

fn task_path() -> String {
    format!("/tasks/{TASK}")
}
