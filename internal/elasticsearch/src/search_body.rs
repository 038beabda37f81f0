//! A search in the server's words. What was typed is only ever a value to be analysed, never a query language.

use std::time::Duration;

use serde_json::{Map, Value, json};
use taskwire_domain::{
    ListKey, ListOrder, SearchFilter, SearchOrder, SearchQuery, SearchText, TimeRange, TypedWord,
};

use crate::analysis::STEMS_FIELD;
use crate::search_facets::aggregations;

/// The body of a search request. `server_limit` is after how long the server gives up.
///
/// What the facets count by is not restricted by the query but after it, so that each facet can be counted without its own
/// conditions.
pub(crate) fn search_body(query: &SearchQuery, server_limit: Duration) -> Value {
    let mut counted = query.filter.clone();
    for facet in &query.facets {
        counted = counted.without(*facet);
    }
    let mut body = json!({
        "query": condition(query.text.as_ref(), &counted),
        "sort": sort(query),
        "from": query.window.from,
        "size": query.window.size,
        "track_total_hits": true,
        "timeout": format!("{}ms", server_limit.as_millis()),
    });
    if !query.facets.is_empty() {
        let own = query
            .facets
            .iter()
            .flat_map(|&facet| filters(&query.filter.of(facet)));
        body["post_filter"] = json!({ "bool": { "filter": own.collect::<Vec<_>>() } });
        body["aggs"] = aggregations(query);
    }
    body
}

fn sort(query: &SearchQuery) -> Value {
    match query.order {
        SearchOrder::Relevance if query.ranks() => {
            json!(["_score", { "createdAt": "desc" }, { "id": "asc" }])
        }
        SearchOrder::Relevance => json!([{ "createdAt": "desc" }, { "id": "asc" }]),
        SearchOrder::By(ListOrder { key, descending }) => {
            let direction = if descending { "desc" } else { "asc" };
            let field = match key {
                ListKey::CreatedAt => "createdAt",
                ListKey::UpdatedAt => "updatedAt",
                ListKey::Due => "dates.due",
                ListKey::Priority => "priorityRank",
            };
            json!([{ field: { "order": direction, "missing": "_last" } }, { "id": direction }])
        }
    }
}

/// What is found, and what of it ranks higher.
fn condition(text: Option<&SearchText>, filter: &SearchFilter) -> Value {
    let mut conditions = json!({ "filter": filters(filter) });
    let Some(text) = text else {
        return json!({ "bool": conditions });
    };
    if text.finds_nothing() {
        return json!({ "match_none": {} });
    }
    let mut must: Vec<Value> = text
        .phrases()
        .iter()
        .map(|phrase| one_after_the_other(&TypedWord::joined(phrase)))
        .collect();
    if let [others @ .., last] = text.words() {
        let others = others
            .iter()
            .map(|word| or_of_its_stem(&word.word, like(text, &word.word)));
        must.extend(others);
        must.push(or_of_its_stem(&last.word, last_like(text, &last.word)));
        conditions["should"] = json!(preferences(text));
    }
    conditions["must"] = must.into();
    let excluded = text.excluded().iter();
    conditions["must_not"] = excluded
        .map(|words| one_after_the_other(&words.join(" ")))
        .collect();
    json!({ "bool": conditions })
}

pub(crate) fn one_after_the_other(words: &str) -> Value {
    json!({ "match_phrase": { "description": words } })
}

/// The word, or one that is like it.
fn like(text: &SearchText, word: &str) -> Value {
    let typos = text.likeness(word).typos();
    let mut matching = json!({ "query": word, "operator": "and" });
    if typos > 0 {
        matching["fuzziness"] = typos.into();
        // The first character is never the typo.
        matching["prefix_length"] = 1.into();
        matching["max_expansions"] = text.guesses().into();
    }
    json!({ "match": { "description": matching } })
}

/// The last word, or one that is like it or begins with it.
fn last_like(text: &SearchText, word: &str) -> Value {
    let like = like(text, word);
    match text.last_is_open() {
        true => json!({ "dis_max": { "queries": [like, exact_or_beginning(text, word)] } }),
        false => like,
    }
}

/// What is like the word, or has its stem: one more clause, for which the clauses of similar words leave room.
fn or_of_its_stem(word: &str, like: Value) -> Value {
    let stem = json!({ "match": { STEMS_FIELD: { "query": word, "operator": "and" } } });
    json!({ "dis_max": { "queries": [like, stem] } })
}

/// Every word as it was typed, but for an open last one, which may be the beginning of one.
fn exact_or_beginning(text: &SearchText, words: &str) -> Value {
    let kind = if text.last_is_open() {
        "match_bool_prefix"
    } else {
        "match"
    };
    json!({ kind: { "description": { "query": words, "operator": "and" } } })
}

/// What ranks higher: exact words before words in order before the beginning of a word before a typo. The constants are
/// far above the scores of the words themselves, which decide among equals.
fn preferences(text: &SearchText) -> Vec<Value> {
    let words = TypedWord::joined(text.words());
    let exact = json!({ "match": { "description": { "query": words, "operator": "and" } } });
    let in_order = if text.last_is_open() {
        "match_phrase_prefix"
    } else {
        "match_phrase"
    };
    let in_order = json!({ in_order: { "description": { "query": words } } });
    let ranked = [
        (exact, 4_000),
        (in_order, 2_000),
        (exact_or_beginning(text, &words), 1_000),
    ];
    ranked
        .into_iter()
        .map(|(filter, boost)| json!({ "constant_score": { "filter": filter, "boost": boost } }))
        .collect()
}

pub(crate) fn filters(filter: &SearchFilter) -> Vec<Value> {
    let SearchFilter {
        is_done,
        priority,
        categories,
        parent_id,
        external_id,
        due,
        start,
        created,
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
    let ranges = [("dates.due", due), ("dates.start", start), ("createdAt", created)];
    let ranges = ranges.into_iter().filter(|(_, range)| !range.is_open());
    filters.extend(ranges.map(|(field, range)| between(field, range)));
    filters
}

fn between(field: &str, range: &TimeRange) -> Value {
    let bounds = [("gt", range.after), ("lt", range.before)].into_iter();
    let bounds: Map<String, Value> = bounds
        .filter_map(|(bound, time)| Some((bound.to_owned(), time?.to_string().into())))
        .collect();
    json!({ "range": { field: bounds } })
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
            text: SearchText::parse(text.to_owned()).unwrap(),
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
            due: TimeRange {
                after: "2026-05-01T00:00:00Z".parse().ok(),
                before: "2026-05-02T00:00:00Z".parse().ok(),
            },
            created: TimeRange {
                before: "2026-05-03T00:00:00Z".parse().ok(),
                ..TimeRange::default()
            },
            start: TimeRange::default(),
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
            { "range": { "dates.due": { "gt": "2026-05-01T00:00:00.000Z", "lt": "2026-05-02T00:00:00.000Z" } } },
            { "range": { "createdAt": { "lt": "2026-05-03T00:00:00.000Z" } } },
        ]);
        assert_eq!(body["query"]["bool"]["filter"], wanted);
        assert_eq!((&body["from"], &body["size"]), (&json!(20), &json!(5)));
    }

    #[test]
    fn what_was_typed_is_a_value_and_best_comes_first() {
        let body = body(&text(r#"a (b) OR description:*:* \"#));
        let wanted = ["a", "b", "or", "description"];
        let must = body["query"]["bool"]["must"].as_array().unwrap();
        let like = |word: &Value| word["dis_max"]["queries"][0]["match"]["description"]["query"].clone();
        let words = must.iter().map(like);
        assert!(words.eq(wanted), "{must:?}");
        assert_eq!(body["sort"][0], "_score");
        assert_eq!(body["query"]["bool"]["should"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn phrases_have_to_and_exclusions_must_not_occur() {
        let both = body(&text(r#"milk "Fresh bread" -rye -"white wine""#));
        let conditions = &both["query"]["bool"];
        assert_eq!(
            conditions["must"][0],
            json!({ "match_phrase": { "description": "fresh bread" } })
        );
        let excluded = json!([
            { "match_phrase": { "description": "rye" } },
            { "match_phrase": { "description": "white wine" } },
        ]);
        assert_eq!(conditions["must_not"], excluded);
        let only_excluded = body(&text("-rye"));
        assert_eq!(only_excluded["sort"][0], json!({ "createdAt": "desc" }));
        assert_eq!(body(&text("!!!"))["query"], json!({ "match_none": {} }));
    }

    /// Each server has its own way of counting; here every word counts wherever it stands.
    fn clauses(query: &Value) -> u64 {
        match query {
            Value::Object(members) => members.iter().map(clauses_of).sum(),
            Value::Array(queries) => queries.iter().map(clauses).sum(),
            _ => 0,
        }
    }

    fn clauses_of((kind, query): (&String, &Value)) -> u64 {
        match kind.as_str() {
            "term" | "terms" | "range" => 1,
            "match" | "match_phrase" | "match_phrase_prefix" | "match_bool_prefix" => {
                let asked = query.as_object().unwrap().values().next().unwrap();
                let words = asked
                    .as_str()
                    .or(asked["query"].as_str())
                    .unwrap()
                    .split(' ')
                    .count();
                words as u64 + asked["max_expansions"].as_u64().unwrap_or_default()
            }
            _ => clauses(query),
        }
    }

    #[test]
    fn no_text_makes_more_clauses_than_every_server_allows() {
        let far = Some("2026-05-01T09:00:00Z".parse().unwrap());
        let range = TimeRange {
            after: far,
            before: far,
        };
        let filter = SearchFilter {
            is_done: Some(true),
            priority: Some(Priority::High),
            categories: Some(Categories::parse((0..32).map(|n| format!("c{n}")).collect()).unwrap()),
            parent_id: "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().ok(),
            external_id: ExternalId::parse("x".into()).ok(),
            due: range,
            start: range,
            created: range,
        };
        let mut most = 0;
        for words in 1..=128 {
            let phrases = format!(" \"{}\"", vec!["a"; 128 - words].join(" "));
            let typed = vec!["banana"; words].join(" ");
            let query = SearchQuery {
                filter: filter.clone(),
                ..text(&match words {
                    128 => typed,
                    _ => format!("{phrases} {typed}"),
                })
            };
            most = most.max(clauses(&body(&query)["query"]));
        }
        assert!((700..1_024).contains(&most), "{most}");
    }

    #[test]
    fn only_an_open_last_word_may_be_the_beginning_of_one() {
        let open = body(&text("oat mil"));
        let last = &open["query"]["bool"]["must"][1]["dis_max"]["queries"][0]["dis_max"]["queries"];
        let wanted = json!({ "match_bool_prefix": { "description": { "query": "mil", "operator": "and" } } });
        assert_eq!(last[1], wanted);
        let closed = body(&text("oat mil ")).to_string();
        assert!(!closed.contains("prefix\":{"), "{closed}");
    }

    #[test]
    fn words_are_looked_for_by_their_stems_too_and_phrases_and_exclusions_never() {
        let body = body(&text(r#"running "oat milk" -rye fas"#));
        let conditions = &body["query"]["bool"];
        let must = conditions["must"].as_array().unwrap();
        let stem =
            |at: usize| must[at]["dis_max"]["queries"][1]["match"]["description.stems"]["query"].clone();
        assert_eq!((stem(1), stem(2)), (json!("running"), json!("fas")));
        for exact in [&must[0], &conditions["must_not"], &conditions["should"]] {
            assert!(!exact.to_string().contains("stems"), "{exact}");
        }
    }

    #[test]
    fn of_very_many_words_no_typo_is_forgiven() {
        assert!(body(&text("word word")).to_string().contains("fuzziness"));
        assert!(!body(&text(&"word ".repeat(33))).to_string().contains("fuzziness"));
    }
}
