//! Both engines find the same tasks.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::collections::{BTreeMap, BTreeSet};

use taskwire_conformance::index::{id, task};
use taskwire_domain::{Categories, ExternalId, Priority, SearchFilter, SearchQuery, SearchText, Task, words};
use taskwire_e2e::real_texts;
use taskwire_search_equality::both::Both;
use taskwire_search_equality::texts::{AWKWARD, derived, long_word};

const REAL_TEXTS: usize = 2_400;

/// Words that are asked for as they stand here.
const ASKED: &[&str] = &[
    "license",
    "licence",
    "lisence",
    "the",
    "th",
    "t",
    "version",
    "versoin",
    "verison 1",
    "rust",
    "rsut",
    "crate",
    "crates.io",
    "async",
    "asynchronous runtime",
    "feature flags",
    "flags feature",
    "breaking change",
    "serialise",
    "unicode",
    "documentation",
    "docum",
    "add support for",
    "support add",
    "fix bug",
    "fix a bug in",
    "no_std",
    "x86_64",
    "1.0",
    "0.1.0",
    "utf-8",
    "github.com",
    "pull request",
    "thanks to",
    "MIT OR Apache",
    "zzzzzz",
    "a",
    "ab",
    "abc",
    "déjà",
    "deja",
    "ete",
    "été",
    "e\u{301}te\u{301}",
    "strasse",
    "straße",
    "GRÖSSE",
    "istanbul",
    "İSTANBUL",
    "ışık",
    "σίσυφος",
    "ΣΊΣΥΦΟΣ",
    "οδυσσεα",
    "ёлка",
    "елка",
    "булки",
    "世界",
    "世",
    "界世",
    "天气",
    "東京",
    "カタカナ",
    "カタ",
    "ひらがな",
    "パーティー",
    "한국어",
    "한국",
    "ภาษาไทย",
    "ภาษา",
    "ทดสอบ",
    "ភាសា",
    "ພາສາ",
    "မြန်မာ",
    "नमस्ते",
    "नमस्त",
    "שלום",
    "צה\"ל",
    "مرحبا",
    "٣٫١٤",
    "👩‍👩‍👧‍👦",
    "👩",
    "🇩🇪",
    "👍🏽",
    "👍",
    "1️⃣",
    "❤️",
    "❤",
    "🚀",
    "🚀🚀",
    "🏴‍☠️",
    "snake_case",
    "snake",
    "a_b",
    "it's",
    "its",
    "rock'n'roll",
    "rock’n’roll",
    "3.14",
    "1,000",
    "10:30",
    "v1.2.3",
    "50%",
    "user@example.com",
    "192.168.0.1",
    "zerowidth",
    "soft\u{ad}hyphen",
    "softhyphen",
    "ＡＢＣ",
    "abc １２３",
    "finance",
    "viii",
    "x²",
    "𐐔𐐯𐑅𐐨𐑉𐐯𐐻",
    "𐐔𐐯𐑅",
    "𐐼𐐯𐑅𐐨𐑉𐐯𐐻𐐻",
    "right to left",
    "!!!",
    "\"quoted\"",
    "*",
    "AND",
    "long end",
    "+milk -buy",
    "-the",
    "version -rust",
    "-\"pull request\" github",
    "\"breaking change\"",
    "\"pull request\" fix",
    "\"MIT OR Apache\" -license",
    "\"日本\"",
    "\"天气\" -学习",
    "\"it's o'clock\"",
    "“double”",
    "a b c d e f g h i j k l m n o p",
    "\u{0}",
    "long xxxxx",
];

/// The texts with a few attributes that differ.
fn corpus() -> Vec<Task> {
    let mut texts = real_texts(REAL_TEXTS);
    texts.extend(AWKWARD.iter().map(|&text| text.to_owned()));
    for (letter, count) in [
        ("x", 255),
        ("x", 256),
        ("x", 700),
        ("é", 300),
        ("𐐀", 200),
        ("漢", 300),
        ("ก", 600),
    ] {
        texts.push(long_word(letter, count));
    }
    (0..).zip(&texts).map(|(n, text)| varied(n, text)).collect()
}

fn varied(n: u32, text: &str) -> Task {
    let mut task = task(n, text);
    task.fields.is_done = n.is_multiple_of(3);
    task.fields.priority = Priority::ALL[n as usize % 4];
    let categories = [
        vec![],
        vec!["Home"],
        vec!["work", "ÉTÉ"],
        vec!["HOME", "to do", "漢字"],
    ];
    let categories = categories[(n as usize + n as usize / 4) % 4]
        .iter()
        .map(|&name| name.to_owned());
    task.fields.categories = Categories::parse(categories.collect()).unwrap();
    task.fields.parent_id = n.is_multiple_of(5).then(|| id(n / 50));
    let key = n.is_multiple_of(2).then(|| format!("KEY-{n}/é*"));
    task.fields.external_id = key.map(|key| ExternalId::parse(key).unwrap());
    task
}

/// Starting from no filter.
fn filter(set: impl FnOnce(&mut SearchFilter)) -> SearchFilter {
    let mut filter = SearchFilter::default();
    set(&mut filter);
    filter
}

fn filters() -> Vec<SearchFilter> {
    let named =
        |names: &[&str]| Some(Categories::parse(names.iter().map(|&name| name.into()).collect()).unwrap());
    let key = |text: &str| Some(ExternalId::parse(text.into()).unwrap());
    vec![
        SearchFilter::default(),
        filter(|it| it.is_done = Some(true)),
        filter(|it| it.is_done = Some(false)),
        filter(|it| it.priority = Some(Priority::High)),
        filter(|it| it.priority = Some(Priority::None)),
        filter(|it| it.categories = named(&["home"])),
        filter(|it| it.categories = named(&["HOME", "漢字"])),
        filter(|it| it.categories = named(&["été"])),
        filter(|it| it.categories = named(&["to"])),
        filter(|it| it.categories = named(&[])),
        filter(|it| it.parent_id = Some(id(3))),
        filter(|it| it.parent_id = Some(id(999_999))),
        filter(|it| it.external_id = key("KEY-16/é*")),
        filter(|it| it.external_id = key("key-16/é*")),
        filter(|it| it.external_id = key("KEY*")),
        filter(|it| {
            it.is_done = Some(true);
            it.priority = Some(Priority::Low);
            it.categories = named(&["home"]);
        }),
        filter(|it| {
            it.is_done = Some(false);
            it.parent_id = Some(id(7));
        }),
    ]
}

fn query(text: &str, filter: SearchFilter) -> SearchQuery {
    SearchQuery {
        text: SearchText::parse(text.to_owned()).unwrap(),
        filter,
        ..SearchQuery::default()
    }
}

/// Filters alone fix an order: it has to be the same one. Words fix that exact comes first.
#[tokio::test]
async fn filters_find_the_same_tasks_in_the_same_order() {
    let both = Both::with(&corpus()).await;
    let mut found = 0;
    for filter in filters() {
        let query = SearchQuery {
            filter,
            ..SearchQuery::default()
        };
        let (tantivy, elasticsearch) = both.find(&query).await;
        assert_eq!(tantivy, elasticsearch, "{query:?}");
        found += tantivy.total;
    }
    assert!(found > 5_000, "{found}");
}

#[tokio::test]
async fn words_find_the_same_tasks_with_and_without_filters() {
    let corpus = corpus();
    assert!(corpus.len() > 2_000);
    let both = Both::with(&corpus).await;
    let texts: Vec<String> = corpus
        .iter()
        .map(|task| task.fields.description.as_str().to_owned())
        .collect();
    let mut asked: Vec<String> = ASKED.iter().map(|&text| text.to_owned()).collect();
    let fits = |text: &String| SearchText::parse(text.clone()).is_ok();
    asked.extend(derived(&texts, 410).into_iter().filter(fits).take(400));
    asked.push(words(&texts[..40].join(" "))[..60].join(" "));
    asked.push("x".repeat(255));
    asked.push("x".repeat(400));
    asked.push("漢".repeat(128));

    let filters = filters();
    let mut differences = BTreeMap::new();
    let mut successful = 0;
    for (n, text) in asked.iter().enumerate() {
        // Each word alone and with some filter.
        for filter in [SearchFilter::default(), filters[n % filters.len()].clone()] {
            let query = query(text, filter);
            let (tantivy, elasticsearch) = both.find(&query).await;
            let set = |ids: &[_]| ids.iter().copied().collect::<BTreeSet<_>>();
            successful += u32::from(tantivy.total > 0);
            if tantivy.total != elasticsearch.total || set(&tantivy.ids) != set(&elasticsearch.ids) {
                differences.insert(format!("{query:?}"), (tantivy.total, elasticsearch.total));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(
        successful > 300,
        "{successful} of {} queries found something",
        asked.len()
    );
}
