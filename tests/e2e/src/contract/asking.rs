//! Short forms of what the rules ask, and what they want of every answer.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Answer, Api, until};

/// How long a write may take to be searchable: a bound against hanging, not a promise.
const SEARCHABLE: Duration = Duration::from_secs(30);

/// A well-formed id that no task has.
pub(super) const NOBODY: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";

/// Name and value.
pub(super) type Header<'a> = (&'a str, &'a str);

impl Api {
    /// Without a body.
    pub(super) async fn ask(&self, method: Method, path: &str, headers: &[Header<'_>]) -> Answer {
        let answer = self.send(method, path, headers, None).await;
        answer.expect("a complete answer")
    }

    /// With a JSON body.
    pub(super) async fn tell(
        &self,
        method: Method,
        path: &str,
        headers: &[Header<'_>],
        body: &Value,
    ) -> Answer {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        let answer = self.send(method, path, &headers, Some(body.to_string().into_bytes()));
        answer.await.expect("a complete answer")
    }

    /// `GET /tasks/{id}`.
    pub(super) async fn read(&self, task: &Value) -> Answer {
        self.ask(Method::GET, &path(task), &[]).await
    }

    /// `PUT /tasks/{id}`.
    pub(super) async fn replace(&self, task: &Value, fields: &Value) -> Answer {
        self.tell(Method::PUT, &path(task), &[], fields).await
    }

    /// `PATCH /tasks/{id}`, as plain JSON.
    pub(super) async fn patch(&self, task: &Value, patch: &Value) -> Answer {
        self.tell(Method::PATCH, &path(task), &[], patch).await
    }

    /// `DELETE /tasks/{id}`.
    pub(super) async fn delete(&self, task: &Value) -> Answer {
        self.ask(Method::DELETE, &path(task), &[]).await
    }

    /// A task with this description that has nothing else.
    pub(super) async fn described(&self, description: &str) -> Value {
        self.create(&json!({"description": description})).await
    }

    /// `POST /tasks/bulk`, which must succeed as a whole; what came of each operation.
    pub(super) async fn bulk(&self, operations: &Value) -> Vec<Value> {
        let body = json!({"operations": operations});
        let answer = self.tell(Method::POST, "/tasks/bulk", &[], &body).await;
        answer.results().clone()
    }

    /// A bulk of creations, which must all succeed; the tasks.
    pub(super) async fn create_all(&self, tasks: &[Value]) -> Vec<Value> {
        let operations = tasks.iter().map(|task| json!({"op": "create", "task": task}));
        let results = self.bulk(&operations.collect()).await;
        let task = |result: &Value| {
            assert_eq!(result["status"], 201, "{result}");
            result["task"].clone()
        };
        results.iter().map(task).collect()
    }

    /// `GET /tasks`, which must succeed; the page.
    pub(super) async fn listed(&self, query: &str) -> Answer {
        let answer = self.ask(Method::GET, &format!("/tasks?{query}"), &[]).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer
    }

    /// `POST /tasks/search`, which must succeed; the body.
    pub(super) async fn found(&self, query: &Value) -> Value {
        let answer = self.tell(Method::POST, "/tasks/search", &[], query).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer.body
    }

    /// Waits until a search finds exactly these tasks, in any order, field by field.
    pub(super) async fn await_found(&self, query: &Value, wanted: &[&Value]) {
        let sorted = |tasks: &mut dyn Iterator<Item = &Value>| -> BTreeSet<String> {
            tasks.map(Value::to_string).collect()
        };
        let wanted = sorted(&mut wanted.iter().copied());
        let what = format!("a search for {query} finds exactly {wanted:?}");
        until(&what, SEARCHABLE, || async {
            let page = self.found(query).await;
            let tasks = page["tasks"].as_array().expect("a search answers tasks");
            let complete = page["total"] == wanted.len() && sorted(&mut tasks.iter()) == wanted;
            complete.then_some(())
        })
        .await;
    }
}

impl Answer {
    /// What came of each operation of a bulk.
    #[track_caller]
    pub(super) fn results(&self) -> &Vec<Value> {
        assert_eq!(self.status, 200, "{self:?}");
        self.body["results"].as_array().expect("a bulk answers results")
    }

    /// The tasks of a page.
    #[track_caller]
    pub(super) fn tasks(&self) -> &Vec<Value> {
        self.body["tasks"].as_array().expect("a page has tasks")
    }

    /// Asserts a complete problem document with this status and code.
    #[track_caller]
    pub(super) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), &self.body["code"]),
            (status, &json!(code)),
            "{self:?}"
        );
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        assert_eq!(self.body["status"], status, "{self:?}");
        assert_eq!(self.body["requestId"], self.header("x-request-id"), "{self:?}");
        for member in ["type", "title", "detail"] {
            let text = self.body[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "no {member} in {self:?}");
        }
        assert_eq!(self.body.get("errors").is_some(), status == 400, "{self:?}");
    }

    /// Asserts a 400 that names exactly these, as `place code`.
    #[track_caller]
    pub(super) fn assert_wrong(&self, wanted: &[&str]) {
        self.assert_problem(400, "invalid-request");
        assert_eq!(wrong(&self.body), wanted, "{self:?}");
    }
}

/// What the document of a 400 says is wrong, as `place code`.
#[track_caller]
pub(super) fn wrong(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().expect("a 400 lists what is wrong");
    errors.iter().map(place_and_code).collect()
}

fn place_and_code(error: &Value) -> String {
    let place = ["pointer", "parameter", "header"]
        .iter()
        .find_map(|place| error[place].as_str());
    let code = error["code"].as_str().expect("an error has a code");
    assert!(
        !error["detail"].as_str().unwrap_or_default().is_empty(),
        "an error says what is wrong: {error}"
    );
    format!("{} {code}", place.expect("an error has one place"))
}

/// A task's path.
pub(super) fn path(task: &Value) -> String {
    format!("/tasks/{}", id(task))
}

/// A task's id.
pub(super) fn id(task: &Value) -> &str {
    task["id"].as_str().expect("a task has an id")
}
