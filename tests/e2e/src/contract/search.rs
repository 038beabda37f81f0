//! `POST /tasks/search`. What words find in which order is the search suite's; here is what every search keeps to.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{NOBODY, id};
use super::unique;
use crate::Api;

rules!("search":
    a_search_follows_every_write,
    each_filter_is_exact_and_all_apply,
    all_words_must_match_and_case_does_not_matter,
    nothing_in_the_words_is_an_engines_syntax,
    phrases_have_to_occur_and_exclusions_must_not,
    limits_of_the_words_are_told_by_name,
    a_search_includes_the_writes_that_it_is_asked_to_include,
    a_write_that_never_was_is_told_to_be_missing,
    times_between_two_others_are_found,
    every_order_is_kept_and_no_due_time_comes_last,
    facets_are_counted_under_the_other_conditions,
    highlights_show_the_words_and_are_safe_html,
    a_suggestion_finds_what_the_text_did_not,
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
    let long = "word ".repeat(128);
    api.found(&json!({"description": long})).await;
    api.found(&json!({"description": "x".repeat(1_024)})).await;
}

async fn phrases_have_to_occur_and_exclusions_must_not(api: Api) {
    let (one, two, three) = (unique(), unique(), unique());
    let apart = api.described(&format!("{one} {three} {two}")).await;
    let together = api.described(&format!("{three} {one} {two}")).await;
    let both = [&apart, &together];
    api.await_found(&json!({"description": format!("{one} {two}")}), &both)
        .await;
    for (text, wanted) in [
        (format!("\"{one} {two}\""), &[&together][..]),
        (format!("\"{one} {two}\" {three}"), &[&together]),
        (format!("{one} -\"{one} {two}\""), &[&apart]),
        (format!("{one} -{three}"), &[]),
        (format!("\"{one} {two}"), &both),
        (format!("{one} - {two}"), &both),
    ] {
        api.await_found(&json!({"description": text}), wanted).await;
    }
}

async fn a_search_includes_the_writes_that_it_is_asked_to_include(api: Api) {
    for _ in 0..20 {
        let word = unique();
        let created = api
            .tell(Method::POST, "/tasks", &[], &json!({"description": word}))
            .await;
        let created_token = created.header("x-consistency-token").to_owned();
        let query = json!({"description": word, "after": [created_token], "timeout": "5s", "strict": true});
        let found = api.found(&query).await;
        assert_eq!(
            (&found["total"], &found["consistent"]),
            (&json!(1), &json!(true)),
            "{found}"
        );

        let deleted = api.delete(created.task()).await;
        let deleted_token = deleted.header("x-consistency-token").to_owned();
        let path =
            format!("/tasks/search?q={word}&after={created_token},{deleted_token}&timeout=5s&strict=true");
        let found = api.ask(Method::GET, &path, &[]).await;
        assert_eq!(
            (&found.body["total"], &found.body["consistent"]),
            (&json!(0), &json!(true)),
            "{found:?}"
        );
    }
}

async fn a_write_that_never_was_is_told_to_be_missing(api: Api) {
    let task = api.described(&unique()).await;
    let future = format!("{}@2", id(&task));
    let mut query = json!({"after": [future], "timeout": "100ms", "size": 0});
    let found = api.found(&query).await;
    assert_eq!(found["consistent"], json!(false), "{found}");
    assert!(found["total"].is_u64(), "{found}");
    query["strict"] = json!(true);
    let refused = api.tell(Method::POST, "/tasks/search", &[], &query).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (412, &json!("not-yet-searchable"))
    );
    let without = api.found(&json!({"size": 0})).await;
    assert!(without.get("consistent").is_none(), "{without}");
}

async fn limits_of_the_words_are_told_by_name(api: Api) {
    for (text, wrong) in [
        ("x".repeat(1_025), "/description too-long"),
        ("a ".repeat(129), "/description too-many-words"),
        ("-a ".repeat(17), "/description too-many-phrases"),
    ] {
        let answer = api
            .tell(Method::POST, "/tasks/search", &[], &json!({"description": text}))
            .await;
        answer.assert_wrong(&[wrong]);
    }
}

async fn times_between_two_others_are_found(api: Api) {
    let word = unique();
    let mut tasks = Vec::new();
    for day in 1..=4 {
        let at = format!("2031-05-{day:02}T09:00:00Z");
        let dates = json!({"start": at, "due": at});
        tasks.push(api.create(&json!({"description": word, "dates": dates})).await);
    }
    tasks.push(api.described(&word).await);
    let (second, third) = (&tasks[1], &tasks[2]);
    for field in ["due", "start"] {
        let mut query = json!({"description": word});
        query[format!("{field}After")] = json!("2031-05-01T09:00:00Z");
        query[format!("{field}Before")] = json!("2031-05-04T11:00:00+02:00");
        api.await_found(&query, &[second, third]).await;
    }
    let all: Vec<_> = tasks.iter().collect();
    let created = &tasks[0]["createdAt"];
    api.await_found(
        &json!({"description": word, "createdAfter": "2020-01-01T00:00:00Z"}),
        &all,
    )
    .await;
    api.await_found(&json!({"description": word, "createdBefore": created}), &[])
        .await;
}

async fn every_order_is_kept_and_no_due_time_comes_last(api: Api) {
    let word = unique();
    let mut tasks = Vec::new();
    for (day, priority) in [
        (Some(2), "low"),
        (None, "high"),
        (Some(1), "none"),
        (Some(3), "medium"),
    ] {
        let due = day.map(|day| format!("2031-05-{day:02}T09:00:00Z"));
        let task = json!({"description": word, "priority": priority, "dates": {"due": due}});
        tasks.push(api.create(&task).await);
    }
    api.await_found(&json!({"description": word}), &tasks.iter().collect::<Vec<_>>())
        .await;
    for (sort, wanted) in [
        ("due", [2, 0, 3, 1]),
        ("-due", [3, 0, 2, 1]),
        ("priority", [2, 0, 3, 1]),
        ("-priority", [1, 3, 0, 2]),
        ("createdAt", [0, 1, 2, 3]),
        ("-createdAt", [3, 2, 1, 0]),
        ("updatedAt", [0, 1, 2, 3]),
        ("relevance", newest_first(&tasks)),
    ] {
        let page = api.found(&json!({"description": word, "sort": sort})).await;
        let found: Vec<_> = page["tasks"].as_array().into_iter().flatten().map(id).collect();
        assert_eq!(found, wanted.map(|place: usize| id(&tasks[place])), "{sort}");
    }
}

/// Those of one millisecond by their ids.
fn newest_first<const N: usize>(tasks: &[Value]) -> [usize; N] {
    let mut places = std::array::from_fn(|place| place);
    places.sort_by_key(|&place| (Reverse(tasks[place]["createdAt"].as_str()), id(&tasks[place])));
    places
}

async fn facets_are_counted_under_the_other_conditions(api: Api) {
    let (word, label) = (unique(), unique());
    let mut tasks = Vec::new();
    for (priority, is_done, labels) in [
        ("high", true, vec![label.clone()]),
        ("high", false, vec![label.to_uppercase(), "Other".into()]),
        ("low", false, vec![]),
    ] {
        let task = json!({
            "description": word, "priority": priority, "isDone": is_done, "categories": labels,
            "dates": {"due": "2031-05-01T23:59:59Z"}
        });
        tasks.push(api.create(&task).await);
    }
    api.await_found(&json!({"description": word}), &tasks.iter().collect::<Vec<_>>())
        .await;
    let all = ["priority", "isDone", "categories", "due"];
    let page = api
        .found(&json!({"description": word, "priority": "high", "facets": all}))
        .await;
    assert_eq!(page["total"], 2, "{page}");
    let counts = |facet: &str| -> Vec<(Value, Value)> {
        let counts = page["facets"][facet].as_array().into_iter().flatten();
        counts
            .map(|counted| (counted["value"].clone(), counted["count"].clone()))
            .collect()
    };
    let wanted = [("none", 0), ("low", 1), ("medium", 0), ("high", 2)];
    assert_eq!(
        counts("priority"),
        wanted.map(|(name, count)| (json!(name), json!(count)))
    );
    assert_eq!(
        counts("isDone"),
        [(json!(false), json!(1)), (json!(true), json!(1))]
    );
    assert_eq!(
        counts("categories"),
        [(json!(label), json!(2)), (json!("other"), json!(1))]
    );
    assert_eq!(counts("due"), [(json!("2031-05-01"), json!(2))]);
    let without = api.found(&json!({"description": word})).await;
    assert!(
        without.get("facets").is_none() && without.get("highlights").is_none(),
        "{without}"
    );
}

async fn highlights_show_the_words_and_are_safe_html(api: Api) {
    let word = unique();
    let task = api.described(&format!("<b>{word}</b> & \"more\"")).await;
    api.await_found(&json!({"description": word}), &[&task]).await;
    let page = api.found(&json!({"description": word, "highlight": true})).await;
    let wanted = format!("&lt;b&gt;<em>{word}</em>&lt;/b&gt; &amp; &quot;more&quot;");
    assert_eq!(page["highlights"], json!({ id(&task): [wanted] }));
}

async fn a_suggestion_finds_what_the_text_did_not(api: Api) {
    let (one, two) = (unique(), unique());
    let task = api.described(&format!("{one}, {two}")).await;
    api.await_found(&json!({"description": one}), &[&task]).await;
    let typed = format!("7{} \"{}7{}\" -{one}{two}", &one[1..], &two[..1], &two[2..]);
    let wanted = format!("{one} \"{two}\" -{one}{two}");
    let mut query = json!({"description": typed, "suggest": true, "isDone": false});
    let found = api.found(&query).await;
    assert_eq!(
        (&found["total"], &found["suggestion"]),
        (&json!(0), &json!(wanted)),
        "{found}"
    );
    api.await_found(&json!({"description": wanted, "isDone": false}), &[&task])
        .await;

    query["isDone"] = json!(true);
    let left_out = api.found(&query).await;
    let not_asked = api.found(&json!({"description": typed})).await;
    let found = api.found(&json!({"description": wanted, "suggest": true})).await;
    for page in [left_out, not_asked, found] {
        assert!(page.get("suggestion").is_none(), "{page}");
    }
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
