//! `GET /tasks/search?q=…`: the search of `POST /tasks/search`, for a browser or curl.

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::NOBODY;
use super::unique;
use crate::{Answer, Api};

rules!("search_by_query":
    it_answers_what_the_same_search_by_body_answers,
    the_words_are_decoded_as_forms_encode_them,
    pages_are_those_of_a_search_by_body,
    every_wrong_parameter_is_named,
    nothing_in_the_words_is_an_engines_syntax,
);

async fn by_query(api: &Api, query: &str) -> Answer {
    let path = format!("/tasks/search{query}");
    api.ask(Method::GET, &path, &[]).await
}

/// Both ways find exactly these, and say the same byte for byte.
async fn assert_same(api: &Api, query: &str, body: &Value, wanted: &[&Value]) {
    api.await_found(body, wanted).await;
    let by_query = by_query(api, query).await;
    let by_body = api.tell(Method::POST, "/tasks/search", &[], body).await;
    assert_eq!((by_query.status.as_u16(), by_body.status.as_u16()), (200, 200));
    assert_eq!(by_query.body["total"], wanted.len(), "{query}");
    assert!(
        by_query.bytes == by_body.bytes,
        "{query}: {by_query:?} {by_body:?}"
    );
    assert_eq!(by_query.header("content-type"), "application/json", "{query}");
}

async fn it_answers_what_the_same_search_by_body_answers(api: Api) {
    let word = unique();
    let parent = api.described(&unique()).await;
    let full = api
        .create(&json!({
            "description": format!("{word} with everything"), "priority": "high", "isDone": true,
            "categories": ["Haus", "Öl"], "parentId": parent["id"], "externalId": unique()
        }))
        .await;
    let bare = api.described(&format!("{word} with nothing")).await;
    let parent_id = parent["id"].as_str().expect("an id is text");
    let external_id = full["externalId"].as_str().expect("it has one");
    for (query, filter, wanted) in [
        (String::new(), json!({}), &[&full, &bare][..]),
        ("&isDone=true".into(), json!({"isDone": true}), &[&full]),
        ("&isDone=false".into(), json!({"isDone": false}), &[&bare]),
        ("&priority=high".into(), json!({"priority": "high"}), &[&full]),
        (
            "&category=%C3%B6l&category=HAUS".into(),
            json!({"categories": ["öl", "HAUS"]}),
            &[&full],
        ),
        (
            "&category=Haus&category=Garten".into(),
            json!({"categories": ["Haus", "Garten"]}),
            &[],
        ),
        (
            format!("&parentId={parent_id}"),
            json!({"parentId": parent_id}),
            &[&full],
        ),
        (format!("&parentId={NOBODY}"), json!({"parentId": NOBODY}), &[]),
        (
            format!("&externalId={external_id}"),
            json!({"externalId": external_id}),
            &[&full],
        ),
        (
            "&sort=-priority&facet=priority&facet=due&highlight=true".into(),
            json!({"sort": "-priority", "facets": ["due", "priority"], "highlight": true}),
            &[&full, &bare],
        ),
        (
            "&createdAfter=2020-01-01T00:00:00Z&dueBefore=2031-01-01T00:00:00%2B01:00".into(),
            json!({"createdAfter": "2020-01-01T00:00:00Z", "dueBefore": "2031-01-01T00:00:00+01:00"}),
            &[],
        ),
        (
            "&isDone=true&priority=none".into(),
            json!({"isDone": true, "priority": "none"}),
            &[],
        ),
    ] {
        let mut body = filter;
        body["description"] = json!(word);
        assert_same(&api, &format!("?q={word}{query}"), &body, wanted).await;
    }
    let without_words = json!({"externalId": external_id});
    for query in [
        format!("?externalId={external_id}"),
        format!("?q=+&externalId={external_id}"),
    ] {
        assert_same(&api, &query, &without_words, &[&full]).await;
    }
}

async fn the_words_are_decoded_as_forms_encode_them(api: Api) {
    let (one, two) = (unique(), unique());
    let task = api.described(&format!("{one} größer {two}")).await;
    let body = json!({"description": format!("{one} größer {two}")});
    for query in [
        format!("?q={one}+gr%C3%B6%C3%9Fer+{two}"),
        format!("?q={one}%20gr%c3%b6%c3%9fer%20{two}"),
    ] {
        assert_same(&api, &query, &body, &[&task]).await;
    }
}

async fn pages_are_those_of_a_search_by_body(api: Api) {
    let word = unique();
    let tasks: Vec<_> = (0..12)
        .map(|number| json!({"description": format!("{word} {number}")}))
        .collect();
    let tasks = api.create_all(&tasks).await;
    let whole = json!({"description": word, "size": 100});
    api.await_found(&whole, &tasks.iter().collect::<Vec<_>>()).await;
    for (query, body, count) in [
        ("", json!({}), 10),
        ("&size=0", json!({"size": 0}), 0),
        ("&size=100", json!({"size": 100}), 12),
        ("&from=10", json!({"from": 10}), 2),
        ("&from=3&size=4", json!({"from": 3, "size": 4}), 4),
        ("&from=9900&size=100", json!({"from": 9_900, "size": 100}), 0),
    ] {
        let mut body = body;
        body["description"] = json!(word);
        let page = by_query(&api, &format!("?q={word}{query}")).await;
        assert_eq!(page.body, api.found(&body).await, "{query}");
        assert_eq!(
            (page.tasks().len(), &page.body["total"]),
            (count, &json!(12)),
            "{query}"
        );
    }
}

async fn every_wrong_parameter_is_named(api: Api) {
    let long = "%D0%B6".repeat(1_025);
    let all = format!(
        "?q={long}&isDone=1&priority=urgent&category=&category=A&category=a&parentId=17&externalId=\
         &dueAfter=x&createdBefore=2026-05-01&sort=-relevance&facet=due&facet=colour&highlight=1&from=-1&size=101\
         &description=x"
    );
    by_query(&api, &all).await.assert_wrong(&[
        "q too-long",
        "isDone wrong-type",
        "priority unknown-priority",
        "category invalid-length",
        "category duplicate",
        "dueAfter invalid-time",
        "createdBefore invalid-time",
        "parentId invalid-uuid",
        "externalId invalid-length",
        "sort unknown-sort",
        "from out-of-range",
        "size out-of-range",
        "facet unknown-facet",
        "highlight wrong-type",
        "description unknown-parameter",
    ]);
    for (query, wrong) in [
        ("?q=a&q=b", "q repeated"),
        ("?q=%ff", "q not-utf-8"),
        ("?size=1&size=1", "size repeated"),
        ("?size=ten", "size wrong-type"),
        ("?from=9901&size=100", "from window-too-large"),
        ("?limit=10", "limit unknown-parameter"),
    ] {
        by_query(&api, query).await.assert_wrong(&[wrong]);
    }
}

async fn nothing_in_the_words_is_an_engines_syntax(api: Api) {
    for words in [
        "*",
        "%22",
        "%22open",
        "-",
        "%5B1+TO+2%5D",
        "description%3Ax",
        "a~9",
        "%00",
        "%7B%7D",
        "((((((",
        "/.*/",
        "%F0%9F%91%A9",
    ] {
        let page = by_query(&api, &format!("?q={words}")).await;
        assert_eq!(page.status, 200, "{words}: {page:?}");
        assert!(page.body["total"].is_u64(), "{words}: {page:?}");
    }
}
