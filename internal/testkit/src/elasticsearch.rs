//! A private index.

use serde_json::{Value, json};

use crate::engines;

/// The name of an index that no other test has. Nothing of it exists until somebody creates it; everything
/// whose name begins with it is deleted with this value.
pub struct SearchIndex {
    url: String,
    name: String,
}

impl SearchIndex {
    /// A new name on the server of `ELASTICSEARCH_URL`.
    pub fn named() -> Self {
        let url = engines::take("elasticsearch", "ELASTICSEARCH_URL");
        Self {
            url: url.trim_end_matches('/').to_owned(),
            name: engines::unique_name("tasks"),
        }
    }

    /// As `ELASTICSEARCH_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// As `ELASTICSEARCH_INDEX`: the search alias; generations are `<name>-v1-000001` and on.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The generations that exist.
    pub async fn generations(&self) -> Vec<String> {
        generations(&self.url, &self.name)
            .await
            .expect("ELASTICSEARCH_URL answers")
    }

    /// Sends a request to the server behind the adapter's back; `path` begins with a slash. Panics unless it
    /// is answered with success.
    pub async fn request(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("ELASTICSEARCH_URL answers");
        let status = answer.status();
        let text = answer.text().await.expect("the answer is complete");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
    }
}

impl Drop for SearchIndex {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        engines::clean_up(format!("index {name}"), move || async move {
            for generation in generations(&url, &name).await? {
                reqwest::Client::new()
                    .delete(format!("{url}/{generation}"))
                    .send()
                    .await?
                    .error_for_status()?;
            }
            Ok(())
        });
    }
}

async fn generations(url: &str, name: &str) -> anyhow::Result<Vec<String>> {
    let listing = reqwest::Client::new().get(format!(
        "{url}/{name}*/_settings?filter_path=*.settings.index.uuid"
    ));
    let answer: Value = listing.send().await?.error_for_status()?.json().await?;
    Ok(answer
        .as_object()
        .map(|indices| indices.keys().cloned().collect())
        .unwrap_or_default())
}
