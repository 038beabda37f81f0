//! A request and what came of it.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::Api;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Read,
    Replace,
    Patch,
    Delete,
    Cascade,
}

/// One request, or one operation of a bulk.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) verb: Verb,
    /// Of the task it is about; of a creation, none.
    pub(super) id: Option<String>,
    /// What is sent; null where there is nothing to send.
    pub(super) body: Value,
    /// `If-Match`.
    pub(super) condition: Condition,
}

/// At which versions a write is allowed.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    /// As it is sent; absent when nothing is.
    pub(super) header: Option<String>,
    /// What it means; `None` for any.
    pub(super) versions: Option<Vec<i64>>,
}

impl Condition {
    pub(super) fn accepts(&self, version: i64) -> bool {
        self.versions
            .as_ref()
            .is_none_or(|versions| versions.contains(&version))
    }
}

impl Request {
    pub(super) fn read(id: &str) -> Self {
        Self {
            verb: Verb::Read,
            id: Some(id.to_owned()),
            body: Value::Null,
            condition: Condition::default(),
        }
    }

    pub(super) fn is_write(&self) -> bool {
        self.verb != Verb::Read
    }

    /// The task that it asks to be placed below.
    pub(super) fn parent(&self) -> Option<&str> {
        self.body["parentId"].as_str()
    }

    /// As an operation of a bulk, which knows no replacement and no cascade.
    pub(super) fn operation(&self) -> Value {
        let mut operation = match self.verb {
            Verb::Create => json!({"op": "create", "task": self.body}),
            Verb::Delete => json!({"op": "delete", "id": self.id}),
            _ => json!({"op": "update", "id": self.id, "patch": self.body}),
        };
        if let Some(header) = &self.condition.header {
            operation["ifMatch"] = header.clone().into();
        }
        operation
    }
}

/// A request with its answer.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) request: Request,
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) status: u16,
    /// The problem's code; empty when there is none. For a 400, those of the wrong fields.
    pub(super) code: String,
    /// The task answered.
    pub(super) task: Option<Value>,
    /// The version in the consistency token; of a deletion, one more than the task's.
    pub(super) written: Option<i64>,
}

impl Call {
    pub(super) fn is_acknowledged(&self) -> bool {
        self.task.is_some()
    }

    /// The task it was about.
    pub(super) fn id(&self) -> Option<&str> {
        let answered = self.task.as_ref().and_then(|task| task["id"].as_str());
        self.request.id.as_deref().or(answered)
    }

    /// The version of the task answered.
    pub(super) fn version(&self) -> Option<i64> {
        self.task.as_ref().and_then(|task| task["version"].as_i64())
    }

    /// Reads an answer: of a request, or the result of an operation.
    fn new(
        request: Request,
        (began, ended): (Instant, Instant),
        status: u16,
        body: &Value,
        token: &str,
    ) -> Self {
        let problem = body.get("problem").unwrap_or(body);
        let codes = problem["errors"].as_array().map_or_else(
            || problem["code"].as_str().unwrap_or_default().to_owned(),
            |errors| {
                let codes = errors.iter().filter_map(|error| error["code"].as_str());
                codes.collect::<Vec<_>>().join(",")
            },
        );
        Self {
            request,
            began,
            ended,
            status,
            code: codes,
            task: body.get("task").cloned(),
            written: token
                .split_once('@')
                .and_then(|(_, version)| version.parse().ok()),
        }
    }
}

/// Makes the request.
pub(super) async fn made(api: &Api, request: Request) -> Call {
    let path = |suffix: &str| format!("/tasks/{}{suffix}", request.id.as_deref().unwrap_or_default());
    let (method, path) = match request.verb {
        Verb::Create => (Method::POST, "/tasks".to_owned()),
        Verb::Read => (Method::GET, path("")),
        Verb::Replace => (Method::PUT, path("")),
        Verb::Patch => (Method::PATCH, path("")),
        Verb::Delete => (Method::DELETE, path("")),
        Verb::Cascade => (Method::DELETE, path("?cascade=true")),
    };
    let mut headers = Vec::new();
    if let Some(header) = &request.condition.header {
        headers.push(("if-match", header.as_str()));
    }
    let body = (!request.body.is_null()).then(|| {
        headers.push(("content-type", "application/json"));
        request.body.to_string().into_bytes()
    });
    let began = Instant::now();
    let answer = api.send(method, &path, &headers, body).await;
    let ended = Instant::now();
    let answer = answer.expect("a complete answer");
    let token = answer.header("x-consistency-token").to_owned();
    Call::new(
        request,
        (began, ended),
        answer.status.as_u16(),
        &answer.body,
        &token,
    )
}

/// Makes all of them in one bulk.
pub(super) async fn made_together(api: &Api, requests: Vec<Request>) -> Vec<Call> {
    let operations: Vec<_> = requests.iter().map(Request::operation).collect();
    let body = json!({"operations": operations});
    let began = Instant::now();
    let answer = api.call(Method::POST, "/tasks/bulk", Some(&body)).await;
    let span = (began, Instant::now());
    let answer = answer.expect("a complete answer");
    // Without results, what became of the whole became of each.
    let result = |place: usize| match answer.body["results"].get(place) {
        Some(result) => (result["status"].as_u64(), result),
        None => (Some(u64::from(answer.status.as_u16())), &answer.body),
    };
    let calls = requests.into_iter().enumerate().map(|(place, request)| {
        let (status, body) = result(place);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let token = body["consistencyToken"].as_str().unwrap_or_default();
        Call::new(request, span, status.expect("a result has a status"), body, token)
    });
    calls.collect()
}
