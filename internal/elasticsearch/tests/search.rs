//! What searches find.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

mod support;

use reqwest::Method;
use support::{Fixture, id, live, task, tasks, text_query, tombstone};
use taskwire_domain::{
    Categories, Dependency, Error, ExternalId, Priority, SearchFilter, SearchQuery, SearchWindow, Task,
    TaskIndex, TaskSearch,
};
use taskwire_testkit::SearchIndex;

#[tokio::test]
async fn every_word_must_occur_in_any_order_and_case() {
    let fixture = Fixture::create().await;
    fixture
        .hold(&tasks(&["Buy fresh Milk", "buy bread", "milk the cow"]))
        .await;
    assert_eq!(fixture.find_text("MILK buy").await, ["Buy fresh Milk"]);
    assert!(fixture.find_text("buy water").await.is_empty());
}

#[tokio::test]
async fn the_last_word_may_be_the_beginning_of_one_and_only_the_last() {
    let fixture = Fixture::create().await;
    fixture.hold(&tasks(&["organise documentation"])).await;
    for text in [
        "d",
        "do",
        "docum",
        "documentat",
        "organise d",
        "organise documentation",
    ] {
        assert_eq!(fixture.find_text(text).await.len(), 1, "{text}");
    }
    assert!(fixture.find_text("docum organise").await.is_empty());
}

#[tokio::test]
async fn typos_are_forgiven_one_in_short_words_two_in_long_ones_none_in_the_first_letter() {
    let fixture = Fixture::create().await;
    fixture.hold(&tasks(&["water the garden plants", "no"])).await;
    for text in [
        "watr",
        "watre",
        "waters",
        "gardne plants",
        "gadren",
        "plnats water",
        "gardeen",
        "teh garden",
        "gxrdxn",
    ] {
        assert_eq!(
            fixture.find_text(text).await,
            ["water the garden plants"],
            "{text}"
        );
    }
    for text in ["wxtxr", "kater", "harden", "gxrxxn", "gadrn", "na"] {
        assert!(fixture.find_text(text).await.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn exact_ranks_before_beginnings_and_beginnings_before_typos() {
    let fixture = Fixture::create().await;
    fixture
        .hold(&tasks(&[
            "mill",
            "milky",
            "a rather long sentence about many things, milk among them at its end",
        ]))
        .await;
    let found = fixture.find_text("milk").await;
    assert!(found[0].starts_with("a rather long"), "{found:?}");
    assert_eq!(found[1..], ["milky", "mill"]);
}

#[tokio::test]
async fn words_in_order_rank_before_scattered_ones() {
    let fixture = Fixture::create().await;
    fixture
        .hold(&tasks(&[
            "report the annual",
            "annual sales and a report",
            "the long awaited annual report of last year",
        ]))
        .await;
    let found = fixture.find_text("annual report").await;
    assert_eq!(found.len(), 3);
    assert!(found[0].starts_with("the long awaited"), "{found:?}");
    assert!(fixture.find_text("annual rep").await[0].starts_with("the long awaited"));
}

#[tokio::test]
async fn han_is_found_by_single_characters() {
    let fixture = Fixture::create().await;
    fixture
        .hold(&tasks(&["你好世界", "Ελλάδα και ΣΊΣΥΦΟΣ", "ёлка"]))
        .await;
    assert_eq!(fixture.find_text("世界").await, ["你好世界"]);
    assert_eq!(fixture.find_text("ЁЛКА").await, ["ёлка"]);
    assert_eq!(fixture.find_text("ελλάδα").await.len(), 1);
}

fn varied() -> Vec<Task> {
    let mut done = task(1, "one");
    done.fields.is_done = true;
    let mut high = task(2, "two");
    high.fields.priority = Priority::High;
    let mut labelled = task(3, "three");
    labelled.fields.categories = Categories::parse(vec!["Home".into(), "to do".into()]).unwrap();
    let mut child = task(4, "four");
    child.fields.parent_id = Some(id(1));
    let mut keyed = task(5, "five");
    keyed.fields.external_id = Some(ExternalId::parse("JIRA-17/a b".into()).unwrap());
    vec![done, high, labelled, child, keyed]
}

/// The descriptions of what a filter finds, newest first.
async fn filtered(fixture: &Fixture, filter: SearchFilter) -> Vec<String> {
    let page = fixture
        .find(&SearchQuery {
            filter,
            ..SearchQuery::default()
        })
        .await;
    page.tasks
        .iter()
        .map(|task| task.fields.description.as_str().to_owned())
        .collect()
}

fn is_done(is_done: bool) -> SearchFilter {
    SearchFilter {
        is_done: Some(is_done),
        ..SearchFilter::default()
    }
}

fn priority(priority: Priority) -> SearchFilter {
    SearchFilter {
        priority: Some(priority),
        ..SearchFilter::default()
    }
}

fn categories(names: &[&str]) -> SearchFilter {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    SearchFilter {
        categories: Some(Categories::parse(names).unwrap()),
        ..SearchFilter::default()
    }
}

fn parent(n: u32) -> SearchFilter {
    SearchFilter {
        parent_id: Some(id(n)),
        ..SearchFilter::default()
    }
}

fn key(text: &str) -> SearchFilter {
    SearchFilter {
        external_id: Some(ExternalId::parse(text.to_owned()).unwrap()),
        ..SearchFilter::default()
    }
}

#[tokio::test]
async fn each_filter_is_exact_and_absent_is_not_false() {
    let fixture = Fixture::create().await;
    fixture.hold(&varied()).await;
    let all = ["five", "four", "three", "two", "one"];
    let table = [
        (SearchFilter::default(), &all[..]),
        (is_done(true), &["one"]),
        (is_done(false), &all[..4]),
        (priority(Priority::High), &["two"]),
        (priority(Priority::Low), &[]),
        (categories(&["home", "TO DO"]), &["three"]),
        (categories(&["home", "work"]), &[]),
        (categories(&["to"]), &[]),
        (categories(&[]), &all),
        (parent(1), &["four"]),
        (parent(2), &[]),
        (key("JIRA-17/a b"), &["five"]),
        (key("jira-17/a b"), &[]),
        (key("JIRA-17*"), &[]),
    ];
    for (filter, wanted) in table {
        assert_eq!(filtered(&fixture, filter.clone()).await, wanted, "{filter:?}");
    }
}

#[tokio::test]
async fn words_and_filters_all_apply() {
    let fixture = Fixture::create().await;
    fixture.hold(&varied()).await;
    let both = |text| SearchQuery {
        filter: is_done(true),
        ..text_query(text)
    };
    assert_eq!(fixture.find(&both("one")).await.total, 1);
    assert_eq!(fixture.find(&both("two")).await.total, 0);
    let twice = SearchFilter {
        priority: Some(Priority::High),
        ..is_done(true)
    };
    assert!(filtered(&fixture, twice).await.is_empty());
}

#[tokio::test]
async fn a_task_comes_back_as_it_was_written() {
    let fixture = Fixture::create().await;
    let tasks = varied();
    fixture.hold(&tasks).await;
    let mut found = fixture.find(&SearchQuery::default()).await.tasks;
    found.reverse();
    assert_eq!(found, tasks);
}

#[tokio::test]
async fn tombstones_are_never_found() {
    let fixture = Fixture::create().await;
    fixture.hold(&tasks(&["one", "two"])).await;
    fixture
        .index
        .apply(&[tombstone(1, 2), tombstone(9, 1)])
        .await
        .unwrap();
    fixture.refresh().await;
    assert_eq!(filtered(&fixture, SearchFilter::default()).await, ["two"]);
    assert!(fixture.find_text("one").await.is_empty());
}

#[tokio::test]
async fn totals_are_exact_and_pages_neither_overlap_nor_leave_gaps() {
    let fixture = Fixture::create().await;
    let tasks: Vec<_> = (0..250).map(|n| task(n, "the same words")).collect();
    fixture.hold(&tasks).await;
    for text in [None, Some("same words".to_owned())] {
        let mut seen = Vec::new();
        for from in (0..300).step_by(30) {
            let window = SearchWindow { from, size: 30 };
            let page = fixture
                .find(&SearchQuery {
                    text: text.clone(),
                    window,
                    ..SearchQuery::default()
                })
                .await;
            assert_eq!(page.total, 250);
            seen.extend(page.tasks.iter().map(|task| task.id));
        }
        let newest_first: Vec<_> = (0..250).rev().map(id).collect();
        assert_eq!(seen, newest_first);
    }
    let nothing = SearchWindow { from: 0, size: 0 };
    let page = fixture
        .find(&SearchQuery {
            window: nothing,
            ..SearchQuery::default()
        })
        .await;
    assert_eq!((page.total, page.tasks.len()), (250, 0));
    let end = SearchWindow {
        from: 9_900,
        size: 100,
    };
    assert_eq!(
        fixture
            .find(&SearchQuery {
                window: end,
                ..SearchQuery::default()
            })
            .await
            .total,
        250
    );
}

#[tokio::test]
async fn totals_are_exact_beyond_ten_thousand() {
    let fixture = Fixture::create().await;
    let operations: Vec<_> = (0..10_500)
        .map(|n| {
            live(&Task {
                id: id(n),
                ..task(1, "many")
            })
        })
        .collect();
    fixture.index.apply(&operations).await.unwrap();
    fixture.refresh().await;
    assert_eq!(fixture.find(&text_query("many")).await.total, 10_500);
}

const HOSTILE: &[&str] = &[
    "*",
    "?",
    "~",
    "!!!",
    "\"",
    "\"\"",
    "(",
    ")",
    "[* TO *]",
    "{}",
    "\\",
    "\\\\\"",
    "milk~2 AND",
    "milk OR",
    "NOT milk",
    "buy && milk",
    "buy || bread",
    "description:milk",
    "_exists_:id",
    "/mi.k/",
    "mil?",
    "+milk -buy",
    "milk^5",
    "<b>",
    "%00",
    "${jndi:ldap://x}",
    "{\"match_all\":{}}",
    "'; drop table tasks; --",
    "\u{0}",
    "a\u{0}b",
    "\u{1}\u{2}\u{1b}[31m",
    "\r\n\t x",
    "\u{202e}klim",
    "\u{200b}",
    "\u{feff}milk",
    "👩‍👩‍👧‍👦 🇩🇪",
    "e\u{301}\u{301}\u{301}",
    "\u{10ffff}",
    "\u{fffd}",
    "ﷺ",
    "İstanbul",
    "ß",
    "ǅ",
    "ไทยภาษา",
    "カタカナ ひらがな 漢字",
    "한국어",
    "नमस्ते दुनिया",
    "שלום",
    "مرحبا",
];

#[tokio::test]
async fn nothing_typed_is_a_query_language_or_an_error() {
    let fixture = Fixture::create().await;
    let odd = "odd *:* description:milk \"quoted\"";
    fixture.hold(&tasks(&["buy milk", odd])).await;
    for &text in HOSTILE {
        let found = fixture.search.search(&text_query(text)).await;
        assert!(found.is_ok(), "{text:?}: {found:?}");
    }
    for text in [
        "*",
        "!!!",
        "[* TO *]",
        "{\"match_all\":{}}",
        "\u{0}",
        "_exists_:id",
        "description:bread",
        "buy || bread",
    ] {
        assert!(fixture.find_text(text).await.is_empty(), "{text:?}");
    }
    assert_eq!(fixture.find_text("description:milk").await, [odd]);
    assert_eq!(fixture.find_text("*:* \"quoted").await, [odd]);
}

#[tokio::test]
async fn the_longest_texts_are_searched_for_whatever_they_are_made_of() {
    let fixture = Fixture::create().await;
    // Near words in plenty: each one typed is similar to fifty others.
    let near = |n: u32| {
        let letter = |n: u32| char::from(b'a' + u8::try_from(n % 26).unwrap());
        format!("word{}{}", letter(n), letter(n / 26))
    };
    let held: String = (0..580).map(|n| near(n) + " ").collect();
    let han: String = (0..1_024).map(|n| char::from_u32(0x4e00 + n).unwrap()).collect();
    fixture.hold(&tasks(&[&held, &han, "milk"])).await;

    assert_eq!(fixture.find_text(&han).await, [han.as_str()]);
    for count in [1, 10, 64, 128, 129, 146] {
        let text: String = (0..count).map(|n| near(n) + " ").collect();
        assert!(text.chars().count() <= SearchQuery::MAX_TEXT_CHARS);
        assert_eq!(fixture.find_text(&text).await, [held.as_str()], "{count} words");
    }
    let others = [
        "字".repeat(1_024),
        "é".repeat(1_024),
        "x".repeat(1_024),
        "a ".repeat(512),
        "😀".repeat(1_024),
        "ア".repeat(1_024),
        "ก".repeat(1_024),
        "é?".repeat(512),
        "\u{301}".repeat(1_024),
    ];
    for text in others {
        let found = fixture.search.search(&text_query(&text)).await;
        assert!(found.is_ok(), "{text:?}: {found:?}");
    }
}

#[tokio::test]
async fn a_blank_text_is_no_text() {
    let fixture = Fixture::create().await;
    fixture.hold(&tasks(&["one", "two"])).await;
    for blank in ["", " ", "\t\n\u{3000}"] {
        assert_eq!(fixture.find(&text_query(blank)).await.total, 2, "{blank:?}");
    }
}

#[tokio::test]
async fn before_there_is_an_index_searches_are_unavailable_and_health_says_why() {
    let server = SearchIndex::named();
    let search = support::search(server.url(), &server.name().parse().unwrap());
    let error = search.search(&SearchQuery::default()).await.unwrap_err();
    let Error::Unavailable {
        dependency: "elasticsearch",
        cause,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert!(cause.to_string().contains("there is no index behind"), "{cause}");
    let unreachable = search.check().await.unwrap_err();
    assert!(
        unreachable.cause.to_string().contains("there is no index behind"),
        "{unreachable:?}"
    );
    assert!(server.generations().await.is_empty());
}

#[tokio::test]
async fn with_an_index_health_is_good() {
    let fixture = Fixture::create().await;
    fixture.search.check().await.unwrap();
    assert_eq!(fixture.search.name(), "elasticsearch");
}

#[tokio::test]
async fn a_closed_index_is_unavailable_until_it_is_open_again() {
    let fixture = Fixture::create().await;
    let path = |verb| format!("/{}/{verb}", fixture.generation.name);
    fixture.server.request(Method::POST, &path("_close"), None).await;
    let error = fixture.search.search(&SearchQuery::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(fixture.search.check().await.is_err());
    fixture
        .server
        .request(Method::POST, &path("_open?wait_for_active_shards=1"), None)
        .await;
    fixture.search.check().await.unwrap();
}
