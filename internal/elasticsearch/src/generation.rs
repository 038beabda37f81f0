//! Finding the index behind the aliases, or creating it.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::Value;
use taskwire_domain::IndexFault;
use uuid::Uuid;

use crate::analysis::ensure_offered;
use crate::classify::{self, Meaning};
use crate::client::{Answer, Client, JSON, Request};
use crate::engine_error::EngineError;
use crate::mapping::{self, SCHEMA_VERSION};
use crate::{AnalysisSettings, IndexName, IndexSettings};

/// An index of tasks: `<alias>-v<schema>-<number>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The index itself.
    pub name: String,
    /// The alias that writes go through, so that a missing index is an error instead of a new, wrong one.
    pub write_alias: String,
    /// Random, made with the generation: the last part of the consumer group that fills it. A new generation is
    /// filled by a new group, which starts at the topic's beginning.
    pub group: String,
}

/// The generation behind the search alias; if there is none, the first one, created together with its aliases.
/// Safe to call from any number of processes at once: all get the same generation with the same group.
///
/// # Errors
/// [`IndexFault::Retry`] while Elasticsearch is away or busy: wait and call again. [`IndexFault::Halt`] when what is
/// there is not ours to use or repair; the sentence says what to do.
pub async fn ensure_generation(
    client: &Client,
    alias: &IndexName,
    settings: &IndexSettings,
) -> Result<Generation, IndexFault> {
    if let Some(generation) = find(client, alias, settings).await? {
        return Ok(generation);
    }
    ensure_offered(client, &settings.analysis, settings.write_limit()).await?;
    let name = format!("{alias}-v{SCHEMA_VERSION}-000001");
    create(client, alias, &name, settings).await?;
    // What was created is read back, never assumed: another process may have been first, with another group.
    // Some versions answer from a node that may not have heard yet, hence the second look.
    for _ in 0..LOOKS {
        if let Some(generation) = find(client, alias, settings).await? {
            return Ok(generation);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Err(fatal(format!(
        "the index {name} exists, but the alias {alias} does not lead to it; give it the alias again, with the filter \
         {{\"term\":{{\"deleted\":false}}}}, or delete the index to have it built anew from the topic, and restart"
    )))
}

const LOOKS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

async fn find(
    client: &Client,
    alias: &IndexName,
    settings: &IndexSettings,
) -> Result<Option<Generation>, IndexFault> {
    let request = Request {
        method: Method::Get,
        path: alias.as_str(),
        parameters: &[("filter_path", "*.aliases,*.mappings._meta,error,status")],
        content_type: JSON,
        body: None,
        limit: settings.write_limit(),
    };
    let answer = client.send(request).await.map_err(classify::unanswered)?;
    let error = answer.error();
    if answer.status == 404 && EngineError::kind(error.as_ref()) == "index_not_found_exception" {
        return Ok(None);
    }
    succeeded(alias.as_str(), &answer, error)?;
    let indices: HashMap<String, Index> = serde_json::from_slice(&answer.body).map_err(|cause| IndexFault::Halt {
        detail: "the answer to a look at the index is not Elasticsearch's; correct ELASTICSEARCH_URL and restart".to_owned(),
        cause: Some(cause.into()),
    })?;
    generation(alias, indices, &settings.analysis)
        .map(Some)
        .map_err(fatal)
}

async fn create(
    client: &Client,
    alias: &IndexName,
    name: &str,
    settings: &IndexSettings,
) -> Result<(), IndexFault> {
    let group = Uuid::new_v4().simple().to_string();
    let body = mapping::creation(alias, &write_alias(name), &group, settings).to_string();
    let request = Request {
        method: Method::Put,
        path: name,
        parameters: &[],
        content_type: JSON,
        body: Some(Bytes::from(body)),
        limit: settings.write_limit(),
    };
    let answer = client.send(request).await.map_err(classify::unanswered)?;
    let error = answer.error();
    if EngineError::kind(error.as_ref()) == "resource_already_exists_exception" {
        return Ok(());
    }
    succeeded(name, &answer, error)?;
    tracing::info!(index.name = name, "index generation created");
    Ok(())
}

fn succeeded(target: &str, answer: &Answer, error: Option<EngineError>) -> Result<(), IndexFault> {
    match classify::meaning(answer.status, error.as_ref()) {
        Meaning::Done => Ok(()),
        Meaning::Passing => Err(classify::passing(answer.status, error)),
        _ => Err(classify::halt(target, answer.status, error)),
    }
}

fn fatal(detail: String) -> IndexFault {
    IndexFault::Halt { detail, cause: None }
}

fn write_alias(name: &str) -> String {
    format!("{name}-write")
}

#[derive(Debug, Default, Deserialize)]
struct Index {
    #[serde(default)]
    aliases: HashMap<String, Alias>,
    #[serde(default)]
    mappings: Mappings,
}

#[derive(Debug, Default, Deserialize)]
struct Alias {
    filter: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Mappings {
    #[serde(default, rename = "_meta")]
    meta: Meta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    schema_version: Option<u64>,
    group: Option<String>,
    /// Absent in indices that are older than these settings, which is what their defaults mean.
    #[serde(default)]
    analysis: AnalysisSettings,
}

/// What the name leads to, or a sentence about why it cannot be used.
fn generation(
    alias: &IndexName,
    indices: HashMap<String, Index>,
    analysis: &AnalysisSettings,
) -> Result<Generation, String> {
    if indices.is_empty() {
        return Err(format!(
            "nothing was said of the alias {alias}: grant the user of ELASTICSEARCH_URL view_index_metadata there, and restart"
        ));
    }
    let mut names: Vec<_> = indices.keys().cloned().collect();
    names.sort();
    let mut indices = indices.into_iter();
    let (Some((name, index)), None) = (indices.next(), indices.next()) else {
        return Err(format!(
            "the alias {alias} stands for several indices ({}); remove it from all but the right one, and restart",
            names.join(", ")
        ));
    };
    if name == alias.as_str() {
        return Err(format!(
            "{alias} is an index, not an alias; set ELASTICSEARCH_INDEX to another name, or delete that index, and restart"
        ));
    }
    let write_alias = write_alias(&name);
    let Meta {
        schema_version,
        group,
        analysis: made_with,
    } = index.mappings.meta;
    let version = schema_version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let (Some(SCHEMA_VERSION), Some(group)) = (schema_version, group) else {
        return Err(format!(
            "the index {name} behind the alias {alias} has schema version {version}, and this program knows version \
             {SCHEMA_VERSION} alone; use the program that made it, or set ELASTICSEARCH_INDEX to another name, and restart"
        ));
    };
    analysis.compare(&name, &made_with)?;
    if !index.aliases.contains_key(&write_alias) {
        return Err(format!(
            "the index {name} has lost its write alias; give it the alias {write_alias} again, and restart"
        ));
    }
    if index
        .aliases
        .get(alias.as_str())
        .is_none_or(|alias| alias.filter.is_none())
    {
        return Err(format!(
            "the alias {alias} has lost its filter, so that deleted tasks would be found; put it on {name} again with the \
             filter {{\"term\":{{\"deleted\":false}}}}, and restart"
        ));
    }
    Ok(Generation {
        name,
        write_alias,
        group,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(indices: Value) -> Result<Generation, String> {
        generation(
            &"tasks".parse().unwrap(),
            serde_json::from_value(indices).unwrap(),
            &AnalysisSettings::default(),
        )
    }

    fn sound() -> Value {
        json!({
            "aliases": { "tasks": { "filter": { "term": { "deleted": false } } }, "tasks-v1-000007-write": {} },
            "mappings": { "_meta": { "schemaVersion": 1, "group": "g" } }
        })
    }

    fn without(pointer: &str, key: &str) -> Value {
        let mut index = sound();
        index
            .pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(key);
        json!({ "tasks-v1-000007": index })
    }

    #[test]
    fn a_sound_generation_is_taken_as_it_is() {
        let generation = read(json!({ "tasks-v1-000007": sound() })).unwrap();
        assert_eq!(generation.name, "tasks-v1-000007");
        assert_eq!(generation.write_alias, "tasks-v1-000007-write");
        assert_eq!(generation.group, "g");
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_what_to_do() {
        let mut newer = sound();
        newer["mappings"]["_meta"]["schemaVersion"] = json!(2);
        let mut french = sound();
        french["mappings"]["_meta"]["analysis"] = json!({ "language": "french", "foldAccents": false });
        let table = [
            (json!({ "a": sound(), "b": sound() }), "several indices (a, b)"),
            (
                json!({ "tasks": { "mappings": {} } }),
                "is an index, not an alias",
            ),
            (json!({ "tasks-v2-000001": newer }), "schema version 2"),
            (
                json!({ "tasks-v1-000007": french }),
                "made with ELASTICSEARCH_LANGUAGE of french, and no language is set",
            ),
            (without("/mappings", "_meta"), "schema version none"),
            (
                without("/mappings/_meta", "group"),
                "this program knows version 1",
            ),
            (
                without("/aliases", "tasks-v1-000007-write"),
                "lost its write alias",
            ),
            (without("/aliases/tasks", "filter"), "lost its filter"),
        ];
        for (indices, wanted) in table {
            let sentence = read(indices).unwrap_err();
            assert!(sentence.contains(wanted), "{sentence}");
        }
    }
}
