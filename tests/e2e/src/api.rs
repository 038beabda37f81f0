//! A client of the REST API that sees what is really answered.

use std::time::Duration;

use reqwest::header::HeaderMap;
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
    /// Its body; `null` when it is no JSON.
    pub body: Value,
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
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        Self::send(request).await
    }

    /// Sends any body with any media type.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn call_raw(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> reqwest::Result<Answer> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        Self::send(request.header("content-type", media_type).body(body)).await
    }

    async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        Ok(Answer {
            status,
            headers,
            body,
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
