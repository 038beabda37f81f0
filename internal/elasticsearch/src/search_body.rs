//! A search in the server's words. What was typed is only ever a value to be analysed, never a query language.

use std::time::Duration;

use serde_json::{Value, json};
use taskwire_domain::{SearchFilter, SearchQuery};

/// The body of a search request. `server_limit` is after how long the server gives up.
///
/// A text without any word, such as `!!!`, matches nothing; a blank one is no text.
pub(crate) fn search_body(query: &SearchQuery, server_limit: Duration) -> Value {
    let text = query
        .text
        .as_deref()
        .filter(|text| !text.trim().is_empty())
        .map(searched);
    let newest_first = [json!({ "createdAt": "desc" }), json!({ "id": "asc" })];
    let mut sort = newest_first.to_vec();
    let mut conditions = json!({ "filter": filters(&query.filter) });
    if let Some(text) = text {
        sort.insert(0, json!("_score"));
        conditions["must"] = words(text);
        conditions["should"] = json!(preferences(text));
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
fn words(text: &str) -> Value {
    let last_is_a_prefix = json!({ "query": text, "operator": "and" });
    let Some(expansions) = expansions(text) else {
        return json!({ "match_bool_prefix": { "description": last_is_a_prefix } });
    };
    // Up to two letters exact, to five one typo, above two; the first letter is never the typo.
    let forgiving = json!({
        "query": text, "operator": "and",
        "fuzziness": "AUTO:3,6", "prefix_length": 1, "max_expansions": expansions,
    });
    // The first forgives typos in the last word, the second takes the last word as a prefix.
    json!({ "dis_max": { "queries": [
        { "match": { "description": forgiving } },
        { "match_bool_prefix": { "description": forgiving } },
    ]}})
}

/// What ranks higher: exact words before words in order before the beginning of a word before a typo. The constants are
/// far above the scores of the words themselves, which decide among equals.
fn preferences(text: &str) -> Vec<Value> {
    if expansions(text).is_none() {
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

/// The part of the text that is searched for: all of it, but for a text of more words than a query can have.
///
/// A query of more clauses than the server's memory allows is an error, and 1,024 is the least that any server allows.
/// Only a script written without spaces has so many words in a text of legal length; of such a text the end is left out.
/// What is left of the 1,024 is for the filters.
fn searched(text: &str) -> &str {
    const MOST_CHARS: usize = 960;
    if most_words(text) <= MOST_CHARS {
        return text;
    }
    let end = text
        .char_indices()
        .nth(MOST_CHARS)
        .map_or(text.len(), |(end, _)| end);
    &text[..end]
}

/// How many similar words the server may try for each word typed; `None` when there are so many words that typos can
/// no longer be forgiven. The limit is that of [`searched`]: a word makes one clause for each similar word, twice, and
/// three for the [`preferences`].
fn expansions(text: &str) -> Option<usize> {
    const CLAUSES: usize = 900;
    const MOST: usize = 50;
    let expansions = (CLAUSES / most_words(text).max(1)).saturating_sub(3) / 2;
    (expansions >= 2).then_some(expansions.min(MOST))
}

/// No tokenizer by UAX #29 finds more words than this: runs of letters and digits of scripts that are written with
/// spaces count once, any other character that is not ASCII once each.
fn most_words(text: &str) -> usize {
    const LONGEST_TOKEN: usize = 255;
    let joins = |c: char| c < '\u{e00}' && (c.is_alphabetic() || c.is_ascii_digit());
    let runs = text
        .split(|c| !joins(c))
        .filter(|run| !run.is_empty())
        .map(|run| 1 + run.len() / LONGEST_TOKEN);
    let singles = text.chars().filter(|&c| !joins(c) && !c.is_ascii()).count();
    runs.sum::<usize>() + singles
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
    fn words_are_never_counted_too_low() {
        assert_eq!(most_words("buy  milk, o'clock 17"), 5);
        assert_eq!(most_words("купить молоко"), 2);
        assert_eq!(most_words("你好世界"), 4);
        assert_eq!(most_words("a²b"), 3);
        assert_eq!(most_words("!!!"), 0);
        assert_eq!(most_words(&"x".repeat(1_024)), 5);
    }

    #[test]
    fn more_words_leave_fewer_guesses_and_in_the_end_none() {
        assert_eq!(expansions("milk"), Some(50));
        let of = |words: usize| expansions(&"word ".repeat(words));
        assert_eq!(
            (of(20), of(64), of(128), of(129)),
            (Some(21), Some(5), Some(2), None)
        );
        for words in 1..=128 {
            assert!(
                of(words).is_none_or(|guesses| words * (2 * guesses + 3) <= 900),
                "{words}"
            );
        }
        assert!(words(&"word ".repeat(200))["match_bool_prefix"].is_object());
    }

    #[test]
    fn no_text_makes_more_clauses_than_any_server_allows() {
        let latin = "a ".repeat(512);
        assert_eq!(searched(&latin), latin);
        for single in ["你", "😀", "²"] {
            assert_eq!(searched(&single.repeat(960)).chars().count(), 960);
            assert_eq!(searched(&single.repeat(1_024)).chars().count(), 960);
        }
    }
}
