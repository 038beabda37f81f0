//! What the index holds, tombstones included: read from the generation itself, not through the search alias.

use anyhow::Context;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::database::ById;

const PAGE: usize = 5_000;

/// Every document of the generation behind the alias, as it is after a refresh.
pub(crate) async fn documents(url: &str, alias: &str) -> anyhow::Result<ById> {
    let client = reqwest::Client::new();
    let generation = generation(url, alias).await?;
    let (generation, _) = generation.with_context(|| format!("there is no index behind {alias}"))?;
    client
        .post(format!("{url}/{generation}/_refresh"))
        .send()
        .await?
        .error_for_status()?;
    let mut documents = ById::new();
    let mut after: Option<Value> = None;
    loop {
        let mut body =
            json!({"size": PAGE, "sort": [{"id": "asc"}], "query": {"match_all": {}}, "version": true});
        if let Some(after) = &after {
            body["search_after"] = after.clone();
        }
        let request = client.post(format!("{url}/{generation}/_search")).json(&body);
        let mut answer: Value = request.send().await?.error_for_status()?.json().await?;
        let hits = answer["hits"]["hits"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let Some(last) = hits.last() else {
            return Ok(documents);
        };
        after = Some(last["sort"].clone());
        for mut hit in hits {
            let id = hit["_id"].as_str().context("a hit without _id")?.to_owned();
            let mut source = hit["_source"].take();
            source["_version"] = hit["_version"].take();
            documents.insert(id, source);
        }
    }
}

/// The random id that the generation's consumer group ends in; `None` while there is no index.
pub(crate) async fn group_suffix(url: &str, alias: &str) -> anyhow::Result<Option<String>> {
    Ok(generation(url, alias).await?.map(|(_, group)| group))
}

/// The index behind the alias and its group's suffix.
async fn generation(url: &str, alias: &str) -> anyhow::Result<Option<(String, String)>> {
    let answer = reqwest::Client::new()
        .get(format!("{url}/{alias}/_mapping"))
        .send()
        .await?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let answer: Value = answer.error_for_status()?.json().await?;
    let indices = answer.as_object().context("no mapping in the answer")?;
    anyhow::ensure!(
        indices.len() == 1,
        "{alias} stands for {} indices, not one",
        indices.len()
    );
    let (name, mapping) = indices.iter().next().context("no index behind the alias")?;
    let group = mapping["mappings"]["_meta"]["group"]
        .as_str()
        .context("no group in _meta")?;
    Ok(Some((name.clone(), group.to_owned())))
}
