//! What an index of tasks looks like.

use serde_json::{Value, json};

use crate::{AnalysisSettings, IndexName, IndexSettings};

/// The number in a generation's name and `_meta`. A change of the mapping that old documents or old readers would not
/// bear takes the next one.
pub(crate) const SCHEMA_VERSION: u64 = 1;

/// The longest token: what does not fit is cut there, and the rest is a token of its own.
const MAX_TOKEN_LENGTH: u32 = 255;

/// The body that creates a generation together with its two aliases. `group` goes into `_meta`.
pub(crate) fn creation(alias: &IndexName, write_alias: &str, group: &str, settings: &IndexSettings) -> Value {
    json!({
        "settings": { "index": {
            "number_of_shards": settings.shards,
            "number_of_replicas": settings.replicas,
            // Never left unset: an index without it stops refreshing after 30 s without a search, and the first
            // search after that misses what was written.
            "refresh_interval": format!("{}ms", settings.refresh_ms),
            "analysis": analysis(&settings.analysis),
        }},
        "mappings": mappings(group, &settings.analysis),
        "aliases": {
            alias.as_str(): { "filter": { "term": { "deleted": false } } },
            write_alias: {},
        },
    })
}

fn analysis(settings: &AnalysisSettings) -> Value {
    json!({
        "tokenizer": { "words": { "type": "standard", "max_token_length": MAX_TOKEN_LENGTH } },
        "filter": settings.own_filters(),
        "analyzer": settings.analyzers(),
        "normalizer": { "caseless": { "type": "custom", "filter": ["lowercase"] } },
    })
}

fn mappings(group: &str, analysis: &AnalysisSettings) -> Value {
    // Strict: four digits of year, as a task's times have them. Anything else is poison rather than a guess.
    let time = json!({ "type": "date", "format": "strict_date_optional_time" });
    json!({
        // A field that a newer writer adds is kept in the source and passed over, not refused.
        "dynamic": false,
        "_meta": { "schemaVersion": SCHEMA_VERSION, "group": group, "analysis": analysis },
        "properties": {
            "id": { "type": "keyword" },
            "externalId": { "type": "keyword" },
            // One letter is enough of a prefix; beyond five there are few terms left to go through.
            "description": {
                "type": "text",
                "analyzer": "words",
                "index_prefixes": { "min_chars": 1, "max_chars": 5 },
                "fields": analysis.fields(),
            },
            "priority": { "type": "keyword" },
            "priorityRank": { "type": "byte" },
            "dates": { "properties": { "start": time, "due": time } },
            "isDone": { "type": "boolean" },
            "parentId": { "type": "keyword" },
            // Whole names, compared without case: a task cannot have two categories that differ in case alone, so
            // case is not what tells one from another.
            "categories": { "type": "keyword", "normalizer": "caseless" },
            "createdAt": time,
            "updatedAt": time,
            "completedAt": time,
            "version": { "type": "long" },
            "deleted": { "type": "boolean" },
            "deletedAt": time,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_created_with_both_aliases_and_an_explicit_refresh_interval() {
        let settings = IndexSettings {
            shards: 3,
            replicas: 1,
            refresh_ms: 250,
            write_limit_ms: 1_000,
            bulk_bytes: 1_024,
            in_flight_bytes: 1_024,
            analysis: AnalysisSettings::default(),
        };
        let body = creation(
            &"tasks".parse().unwrap(),
            "tasks-v1-000001-write",
            "g1",
            &settings,
        );
        assert_eq!(body["aliases"]["tasks"]["filter"]["term"]["deleted"], false);
        assert!(body["aliases"]["tasks-v1-000001-write"].is_object());
        assert_eq!(body["settings"]["index"]["refresh_interval"], "250ms");
        assert_eq!(body["settings"]["index"]["number_of_shards"], 3);
        assert_eq!(
            body["mappings"]["_meta"],
            json!({ "schemaVersion": 1, "group": "g1", "analysis": { "language": null, "foldAccents": false } })
        );
        assert_eq!(body["mappings"]["dynamic"], false);
    }
}
