//! A search in the server's words. What was typed is only ever a value to be analysed, never a query language.

use std::time::Duration;

use serde_json::{Value, json};
use taskwire_domain::{SearchFilter, SearchQuery, SearchedText};

/// The body of a search request. `server_limit` is after how long the server gives up.
///
/// A text without any word, such as `!!!`, matches nothing; a blank one is no text.
pub(crate) fn search_body(query: &SearchQuery, server_limit: Duration) -> Value {
    let newest_first = [json!({ "createdAt": "desc" }), json!({ "id": "asc" })];
    let mut sort = newest_first.to_vec();
    let mut conditions = json!({ "filter": filters(&query.filter) });
    if let Some(searched) = query.searched() {
        sort.insert(0, json!("_score"));
        conditions["must"] = words(searched);
        conditions["should"] = json!(preferences(searched));
    }
    json!({
        "query": { "bool": conditions },
        "sort": sort,
        "from": query.window.from,
        "size": query.window.size,
        "track_total_hits": true,
        "timeout": format!("{}ms", server_limit.as_millis()),
    })
}

/// The condition on the text: every word occurs, typos forgiven; the last may be the beginning of a word.
fn words(searched: SearchedText<'_>) -> Value {
    let text = searched.text;
    let last_is_a_prefix = json!({ "query": text, "operator": "and" });
    let Some(guesses) = searched.guesses else {
        return json!({ "match_bool_prefix": { "description": last_is_a_prefix } });
    };
    // Up to two letters exact, to five one typo, above two; the first letter is never the typo.
    let forgiving = json!({
        "query": text, "operator": "and",
        "fuzziness": "AUTO:3,6", "prefix_length": 1, "max_expansions": guesses,
    });
    // The first forgives typos in the last word, the second takes the last word as a prefix.
    json!({ "dis_max": { "queries": [
        { "match": { "description": forgiving } },
        { "match_bool_prefix": { "description": forgiving } },
    ]}})
}

/// What ranks higher: exact words before words in order before the beginning of a word before a typo. The constants are
/// far above the scores of the words themselves, which decide among equals.
fn preferences(searched: SearchedText<'_>) -> Vec<Value> {
    let text = searched.text;
    if searched.guesses.is_none() {
        return Vec::new();
    }
    let exact = json!({ "match": { "description": { "query": text, "operator": "and" } } });
    let in_order = json!({ "match_phrase_prefix": { "description": { "query": text } } });
    let without_typo =
        json!({ "match_bool_prefix": { "description": { "query": text, "operator": "and" } } });
    let ranked = [(exact, 4_000), (in_order, 2_000), (without_typo, 1_000)];
    ranked
        .into_iter()
        .map(|(filter, boost)| json!({ "constant_score": { "filter": filter, "boost": boost } }))
        .collect()
}

fn filters(filter: &SearchFilter) -> Vec<Value> {
    let SearchFilter {
        is_done,
        priority,
        categories,
        parent_id,
        external_id,
    } = filter;
    let term = |field: &str, value: Value| json!({ "term": { field: value } });
    let mut filters = Vec::new();
    filters.extend(is_done.map(|is_done| term("isDone", is_done.into())));
    filters.extend(priority.map(|priority| term("priority", priority.as_str().into())));
    filters.extend(parent_id.map(|id| term("parentId", id.to_string().into())));
    filters.extend(
        external_id
            .as_ref()
            .map(|id| term("externalId", id.as_str().into())),
    );
    let categories = categories.iter().flat_map(|categories| categories.as_slice());
    filters.extend(categories.map(|name| term("categories", name.as_str().into())));
    filters
}

#[cfg(test)]
mod tests {
    use taskwire_domain::{Categories, ExternalId, Priority, SearchWindow};

    use super::*;

    fn body(query: &SearchQuery) -> Value {
        search_body(query, Duration::from_millis(1_500))
    }

    fn text(text: &str) -> SearchQuery {
        SearchQuery {
            text: Some(text.to_owned()),
            ..SearchQuery::default()
        }
    }

    #[test]
    fn absent_conditions_are_no_conditions() {
        let wanted = json!({
            "query": { "bool": { "filter": [] } },
            "sort": [{ "createdAt": "desc" }, { "id": "asc" }],
            "from": 0, "size": 10, "track_total_hits": true, "timeout": "1500ms"
        });
        assert_eq!(body(&SearchQuery::default()), wanted);
        assert_eq!(body(&text(" \t")), wanted);
    }

    #[test]
    fn every_condition_is_a_filter_of_its_own() {
        let id = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
        let filter = SearchFilter {
            is_done: Some(false),
            priority: Some(Priority::High),
            categories: Some(Categories::parse(vec!["a".into(), "b".into()]).unwrap()),
            parent_id: Some(id.parse().unwrap()),
            external_id: Some(ExternalId::parse("x*".into()).unwrap()),
        };
        let query = SearchQuery {
            filter,
            window: SearchWindow { from: 20, size: 5 },
            ..SearchQuery::default()
        };
        let body = body(&query);
        let wanted = json!([
            { "term": { "isDone": false } },
            { "term": { "priority": "high" } },
            { "term": { "parentId": id } },
            { "term": { "externalId": "x*" } },
            { "term": { "categories": "a" } },
            { "term": { "categories": "b" } },
        ]);
        assert_eq!(body["query"]["bool"]["filter"], wanted);
        assert_eq!((&body["from"], &body["size"]), (&json!(20), &json!(5)));
    }

    #[test]
    fn what_was_typed_is_a_value_and_best_comes_first() {
        let typed = r#"a" AND (b) OR *:* \"#;
        let body = body(&text(typed));
        assert_eq!(
            body["query"]["bool"]["must"]["dis_max"]["queries"][0]["match"]["description"]["query"],
            typed
        );
        assert_eq!(body["sort"][0], "_score");
        assert_eq!(body["query"]["bool"]["should"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn of_very_many_words_no_typo_is_forgiven() {
        let body = body(&text(&"word ".repeat(200)));
        assert!(body["query"]["bool"]["must"]["match_bool_prefix"].is_object());
        assert_eq!(body["query"]["bool"]["should"], json!([]));
    }
}
