//! One call, and what its answer says about the write.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use taskwire_e2e::{Answer, Api};
use tokio::time::timeout;

use crate::finding::{Findings, Kind};
use crate::history::Outcome;

/// The service's own limit is 10 s; a client that waits longer waits for a server that is gone.
const PATIENCE: Duration = Duration::from_secs(12);

/// What a call led to.
#[derive(Debug)]
pub(crate) enum Told {
    Answered(Answer),
    /// There was nobody to send it to.
    NotSent,
    /// It was sent, and no complete answer came.
    Nothing,
}

/// Sends it; the body is JSON.
pub(crate) async fn call(
    api: &Api,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Told {
    let mut all = headers.to_vec();
    if body.is_some() {
        all.push(("content-type", "application/json"));
    }
    let body = body.map(|body| body.to_string().into_bytes());
    match timeout(PATIENCE, api.send(method, path, &all, body)).await {
        Ok(Ok(answer)) => Told::Answered(answer),
        Ok(Err(error)) if error.is_connect() => Told::NotSent,
        Ok(Err(_)) | Err(_) => Told::Nothing,
    }
}

/// What an answer says about the write that asked for it. An answer that nobody should get is a finding.
pub(crate) fn outcome(told: &Told, is_deletion: bool, findings: &Findings) -> Outcome {
    let answer = match told {
        Told::Answered(answer) => answer,
        Told::NotSent => return Outcome::NotApplied("no connection".to_owned()),
        Told::Nothing => return Outcome::Unknown,
    };
    let task = &answer.body["task"];
    let version = task["version"].as_i64();
    let code = answer.body["code"].as_str().unwrap_or_default();
    match (answer.status, version) {
        (StatusCode::OK | StatusCode::CREATED, Some(version)) if is_deletion => Outcome::Applied {
            version: version + 1,
            task: None,
        },
        (StatusCode::OK | StatusCode::CREATED, Some(version)) => Outcome::Applied {
            version,
            task: Some(task.clone()),
        },
        (StatusCode::GATEWAY_TIMEOUT, _) => Outcome::Unknown,
        (
            StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::PRECONDITION_FAILED,
            _,
        ) => Outcome::NotApplied(format!("{} {code}", answer.status.as_u16())),
        _ => {
            findings.add(Kind::WrongAnswer, format!("{answer:?}"));
            Outcome::Unknown
        }
    }
}
