//! `POST /tasks/search`. What words find in which order is the search suite's; here is what every search keeps to.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::asking::{NOBODY, id};
use super::unique;
use crate::Api;

rules!("search":
    a_search_follows_every_write,
    each_filter_is_exact_and_all_apply,
    all_words_must_match_and_case_does_not_matter,
    nothing_in_the_words_is_an_engines_syntax,
    pages_follow_one_another_and_the_total_is_exact,
    null_and_blank_ask_for_nothing,
);

async fn a_search_follows_every_write(api: Api) {
    let (old, new) = (unique(), unique());
    let created = api
        .create(&json!({
            "description": format!("water the {old}"), "priority": "low", "categories": ["Garden"],
            "dates": {"due": "2026-05-02T07:00:00Z"}, "externalId": unique()
        }))
        .await;
    api.await_found(&json!({"description": old}), &[&created]).await;
    let replaced = api
        .replace(&created, &json!({"description": format!("repot the {new}")}))
        .await;
    api.await_found(&json!({"description": new}), &[replaced.task()])
        .await;
    api.await_found(&json!({"description": old}), &[]).await;
    assert_eq!(api.delete(&created).await.status, 200);
    api.await_found(&json!({"description": new}), &[]).await;
}

async fn each_filter_is_exact_and_all_apply(api: Api) {
    let word = unique();
    let parent = api.described(&unique()).await;
    let full = api
        .create(&json!({
            "description": format!("{word} with everything"), "priority": "high", "isDone": true,
            "categories": ["Haus", "Öl"], "parentId": parent["id"], "externalId": unique()
        }))
        .await;
    let bare = api.described(&format!("{word} with nothing")).await;
    let with = |filter: Value| {
        let mut query = json!({"description": word});
        let query_fields = query.as_object_mut().expect("a query is an object");
        query_fields.extend(filter.as_object().expect("a filter is an object").clone());
        query
    };
    api.await_found(&with(json!({})), &[&full, &bare]).await;
    for (filter, wanted) in [
        (json!({"isDone": true}), &[&full][..]),
        (json!({"isDone": false}), &[&bare]),
        (json!({"priority": "high"}), &[&full]),
        (json!({"priority": "none"}), &[&bare]),
        (json!({"priority": "low"}), &[]),
        (json!({"categories": ["öl", "HAUS"]}), &[&full]),
        (json!({"categories": ["Haus", "Garten"]}), &[]),
        (json!({"categories": ["Hau"]}), &[]),
        (json!({"parentId": parent["id"]}), &[&full]),
        (json!({"parentId": NOBODY}), &[]),
        (json!({"externalId": full["externalId"]}), &[&full]),
        (json!({"isDone": true, "priority": "none"}), &[]),
    ] {
        api.await_found(&with(filter), wanted).await;
    }
    api.await_found(&json!({"parentId": parent["id"]}), &[&full])
        .await;
}

async fn all_words_must_match_and_case_does_not_matter(api: Api) {
    let (one, two) = (unique(), unique());
    let both = api.described(&format!("{one}, {two}!")).await;
    let single = api.described(&one).await;
    api.await_found(&json!({"description": one}), &[&both, &single])
        .await;
    for text in [format!("{two} {one}"), format!("{one} {two}").to_uppercase()] {
        api.await_found(&json!({"description": text}), &[&both]).await;
    }
    let beginning = format!("{one} {}", &two[..8]);
    api.await_found(&json!({"description": beginning}), &[&both])
        .await;
}

async fn nothing_in_the_words_is_an_engines_syntax(api: Api) {
    for text in [
        "*",
        "?",
        "a*",
        "\"",
        "\"open",
        "-",
        "-\"",
        "+ - && || ! ( ) { } [ ] ^ ~ * ? : \\ /",
        "description:x",
        "_exists_:id",
        "[a TO b]",
        "/.*/",
        "a~9",
        "x^99",
        "<script>",
        "%00",
        "\u{0}",
        "\u{fffd}",
        "👩‍👩‍👧‍👦",
        "ー",
        "ๆ",
        "AND OR NOT",
        "{\"match_all\":{}}",
        "\\",
        "((((((((((",
    ] {
        let page = api.found(&json!({"description": text})).await;
        assert!(
            page["tasks"].is_array() && page["total"].is_u64(),
            "{text:?}: {page}"
        );
    }
    let long = "word ".repeat(204);
    api.found(&json!({"description": long})).await;
    api.found(&json!({"description": "x".repeat(1_024)})).await;
}

async fn pages_follow_one_another_and_the_total_is_exact(api: Api) {
    let word = unique();
    let mut wanted = BTreeSet::new();
    for number in 0..23 {
        let task = api.described(&format!("{word} {number}")).await;
        wanted.insert(id(&task).to_owned());
    }
    let everything = json!({"description": word, "size": 100});
    crate::until("all are found", std::time::Duration::from_secs(30), || async {
        (api.found(&everything).await["total"] == 23).then_some(())
    })
    .await;
    let mut seen = Vec::new();
    for (from, count) in [(0, 10), (10, 10), (20, 3), (23, 0), (9_990, 0)] {
        let page = api
            .found(&json!({"description": word, "from": from, "size": 10}))
            .await;
        let tasks = page["tasks"].as_array().expect("a search answers tasks");
        assert_eq!((tasks.len(), &page["total"]), (count, &json!(23)), "from {from}");
        seen.extend(tasks.iter().map(|task| id(task).to_owned()));
    }
    assert_eq!(seen.len(), 23, "none comes twice");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), wanted);
    let default = api.found(&json!({"description": word})).await;
    assert_eq!(default["tasks"].as_array().map(Vec::len), Some(10));
    let count_only = api.found(&json!({"description": word, "size": 0})).await;
    assert_eq!(
        (&count_only["tasks"], &count_only["total"]),
        (&json!([]), &json!(23))
    );
}

async fn null_and_blank_ask_for_nothing(api: Api) {
    let task = api
        .create(&json!({"description": unique(), "externalId": unique()}))
        .await;
    let nulls = json!({
        "description": null, "isDone": null, "priority": null, "categories": null, "parentId": null,
        "externalId": task["externalId"], "from": null, "size": null
    });
    api.await_found(&nulls, &[&task]).await;
    let blank = json!({"description": " \t", "externalId": task["externalId"]});
    api.await_found(&blank, &[&task]).await;
}
