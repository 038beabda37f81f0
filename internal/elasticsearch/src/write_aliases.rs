//! The generations there are, by their write aliases.

use std::collections::HashMap;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::Value;
use taskwire_domain::IndexFault;

use crate::IndexName;
use crate::classify::{self, Meaning};
use crate::client::{Client, JSON, Request};
use crate::search::DEPENDENCY;
use crate::upkeep::LIMIT;

#[derive(Debug, Deserialize)]
struct Index {
    #[serde(default)]
    aliases: HashMap<String, Value>,
}

/// The write aliases of every generation of this index, in the order of their names, the one that is searched among them.
///
/// # Errors
/// [`IndexFault::Retry`] also when there is none: the daemon has not created it yet, or somebody has just deleted it.
pub(crate) async fn write_aliases(client: &Client, alias: &IndexName) -> Result<Vec<String>, IndexFault> {
    let request = Request {
        method: Method::Get,
        path: &format!("_alias/{alias}-v*-write"),
        parameters: &[],
        content_type: JSON,
        body: None,
        limit: LIMIT,
    };
    let answer = client.send(request).await.map_err(classify::unanswered)?;
    let error = answer.error();
    match classify::meaning(answer.status, error.as_ref()) {
        Meaning::Done => {}
        _ if answer.status == 404 => return Err(none(alias)),
        Meaning::Passing => return Err(classify::passing(answer.status, error)),
        _ => return Err(classify::halt(alias.as_str(), answer.status, error)),
    }
    let indices: HashMap<String, Index> =
        serde_json::from_slice(&answer.body).map_err(|cause| IndexFault::Retry {
            detail: format!("the answer about the aliases is not {DEPENDENCY}'s"),
            cause: Some(cause.into()),
        })?;
    let names = indices.into_values().flat_map(|index| index.aliases.into_keys());
    let mut names: Vec<String> = names.filter(|name| belongs_to(alias, name)).collect();
    names.sort();
    if names.is_empty() {
        Err(none(alias))
    } else {
        Ok(names)
    }
}

/// Whether it is named `<alias>-v<digits>-<digits>-write`. Another index may be named like the beginning of ours.
fn belongs_to(alias: &IndexName, name: &str) -> bool {
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.strip_prefix(alias.as_str())
        .and_then(|rest| rest.strip_prefix("-v")?.strip_suffix("-write"))
        .and_then(|numbers| numbers.split_once('-'))
        .is_some_and(|(schema, number)| are_digits(schema) && are_digits(number))
}

fn none(alias: &IndexName) -> IndexFault {
    IndexFault::Retry {
        detail: format!("there is no generation of the index {alias}"),
        cause: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_index_is_not_taken_for_a_generation_of_ours() {
        let alias = "tasks".parse().unwrap();
        assert!(belongs_to(&alias, "tasks-v1-000001-write"));
        for other in [
            "tasks-v1-000001",
            "tasks-v1-x-v1-000001-write",
            "tasks-v-000001-write",
            "tasks-v1--write",
            "mytasks-v1-000001-write",
        ] {
            assert!(!belongs_to(&alias, other), "{other}");
        }
    }
}
