//! A client of the REST API that sees what is really answered.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// One server's API.
#[derive(Clone)]
pub struct Api {
    base: String,
    client: Client,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body: as a string when it is no JSON, `null` when there is none.
    pub body: Value,
    /// Its body as it came.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// A header's value, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The task in the body.
    ///
    /// # Panics
    /// When there is none.
    pub fn task(&self) -> &Value {
        let task = &self.body["task"];
        assert!(task.is_object(), "no task in {self:?}");
        task
    }
}

impl Api {
    /// The API at this base URL, `http://127.0.0.1:9234` for instance.
    pub fn new(base: impl Into<String>) -> Self {
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            // Another package of the workspace may ask for it, and what is really answered would be hidden.
            .no_gzip()
            .redirect(Policy::none())
            .build();
        Self {
            base: base.into(),
            client: client.expect("the client's settings are right"),
        }
    }

    /// Its base URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a JSON body, or none.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        let headers: &[_] = match body {
            Some(_) => &[("content-type", "application/json")],
            None => &[],
        };
        let body = body.map(|body| body.to_string().into_bytes());
        self.send(method, path, headers, body).await
    }

    /// Sends these headers, as name and value, and this body or none.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await?.to_vec();
        Ok(Answer {
            status,
            headers,
            body: read(&bytes),
            bytes,
        })
    }

    /// `POST /tasks`, which must succeed; the task.
    pub async fn create(&self, fields: &Value) -> Value {
        let answer = self
            .call(Method::POST, "/tasks", Some(fields))
            .await
            .expect("a complete answer");
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.task().clone()
    }

    /// `POST /tasks/search` for this text, which must succeed; the descriptions found, best first.
    pub async fn search(&self, text: &str) -> Vec<String> {
        let query = serde_json::json!({"description": text, "size": 100});
        let answer = self
            .call(Method::POST, "/tasks/search", Some(&query))
            .await
            .expect("a complete answer");
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let tasks = answer.body["tasks"].as_array().expect("a search answers tasks");
        tasks
            .iter()
            .map(|task| {
                task["description"]
                    .as_str()
                    .expect("a task has a description")
                    .to_owned()
            })
            .collect()
    }
}

fn read(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
