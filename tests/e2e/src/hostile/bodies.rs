//! The same body, sent to each endpoint that reads one.

use super::case::{Case, send};
use super::request::{tell, template};

/// A body that no endpoint takes, whatever it reads: each names the same.
pub(super) fn refused_by_all(task: &str, name: &str, body: impl AsRef<[u8]>, named: &[&str]) -> Vec<Case> {
    let endpoints = [
        ("POST", "/tasks"),
        ("PUT", task),
        ("PATCH", task),
        ("POST", "/tasks/search"),
        ("POST", "/tasks/bulk"),
    ];
    endpoints
        .map(|(method, target)| {
            let name = format!("{name}, {method} {}", template(target));
            send(name, tell(method, target, body.as_ref())).wrong(named)
        })
        .to_vec()
}

/// A body that is no JSON.
pub(super) fn no_json(task: &str, name: &str, body: impl AsRef<[u8]>) -> Vec<Case> {
    refused_by_all(task, name, body, &[" malformed-json"])
}
