//! The settings that need more of the server than every server has: offered where it has it, refused where not.
//!
//! `TASKWIRE_SEARCH_ANALYSIS` says which of the two is expected (`true`, `false`); without it the server is asked.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use reqwest::Method;
use serde_json::json;
use support::{Fixture, client, index_settings, live, search, task};
use taskwire_conformance::index::descriptions;
use taskwire_domain::{IndexFault, SearchQuery, SearchText, TaskIndex, TaskSearch, WalkStep};
use taskwire_elasticsearch::{
    AnalysisSettings, ElasticsearchIndex, Generation, IndexName, IndexSettings, check_server,
    ensure_generation,
};
use taskwire_testkit::SearchIndex;

fn language(name: &str) -> AnalysisSettings {
    AnalysisSettings {
        language: Some(name.parse().unwrap()),
        ..AnalysisSettings::default()
    }
}

fn folding() -> AnalysisSettings {
    AnalysisSettings {
        fold_accents: true,
        ..AnalysisSettings::default()
    }
}

/// Whether the server has the filters, asked behind the adapter's back, and held against what was said of it.
async fn is_offered(server: &SearchIndex) -> bool {
    let question = json!({ "tokenizer": "standard", "filter": ["asciifolding"], "text": "été" });
    let answer = reqwest::Client::new()
        .post(format!("{}/_analyze", server.url()))
        .json(&question);
    let offered = answer.send().await.unwrap().status().is_success();
    if let Ok(said) = std::env::var("TASKWIRE_SEARCH_ANALYSIS") {
        assert_eq!(said, offered.to_string(), "the server is not as was said");
    }
    offered
}

async fn create(server: &SearchIndex, analysis: AnalysisSettings) -> Result<Generation, IndexFault> {
    let settings = IndexSettings {
        analysis,
        ..index_settings()
    };
    let name = server.name().parse::<IndexName>().unwrap();
    ensure_generation(&client(server.url()), &name, &settings).await
}

fn halt(result: Result<Generation, IndexFault>) -> String {
    match result {
        Err(IndexFault::Halt { detail, .. }) => detail,
        other => panic!("expected a halt, got {other:?}"),
    }
}

/// What each of the searches finds among the texts, by their numbers; `None` where the server lacks the filters, and the
/// settings are refused by name.
async fn found<const N: usize>(
    analysis: AnalysisSettings,
    texts: &[&str],
    searches: [&str; N],
) -> Option<[Vec<usize>; N]> {
    let server = SearchIndex::named();
    if analysis != AnalysisSettings::default() && !is_offered(&server).await {
        let setting = match &analysis.language {
            Some(language) => format!("ELASTICSEARCH_LANGUAGE is {language}, but the server has no stemmer"),
            None => {
                "ELASTICSEARCH_FOLD_ACCENTS is true, but the server has no filter asciifolding".to_owned()
            }
        };
        let sentence = halt(create(&server, analysis).await);
        assert!(sentence.contains(&setting), "{sentence}");
        assert!(server.generations().await.is_empty(), "nothing is created");
        return None;
    }
    let generation = create(&server, analysis).await.unwrap();
    let index = ElasticsearchIndex::new(client(server.url()), &generation, &index_settings());
    let tasks: Vec<_> = (0..).zip(texts).map(|(n, text)| task(n, text)).collect();
    index
        .apply(&tasks.iter().map(live).collect::<Vec<_>>())
        .await
        .unwrap();
    server
        .request(Method::POST, &format!("/{}/_refresh", generation.name), None)
        .await;
    let name = server.name().parse().unwrap();
    let engine = search(server.url(), &name);
    let mut found = Vec::new();
    for text in searches {
        let query = SearchQuery {
            text: SearchText::parse(text.to_owned()).unwrap(),
            ..SearchQuery::default()
        };
        let page = engine.search(&query).await.unwrap();
        let number = |id| tasks.iter().position(|task| task.id == id).unwrap();
        found.push(page.tasks.iter().map(|task| number(task.id)).collect());
    }
    found.try_into().ok()
}

#[tokio::test]
async fn every_release_that_is_tried_is_found_supported() {
    let server = SearchIndex::named();
    check_server(&client(server.url())).await.unwrap();
}

#[tokio::test]
async fn with_accents_folded_they_count_nowhere() {
    let texts = ["Déjà vu à Besançon", "deja vu", "Ärger"];
    let searches = [
        "deja ",
        "dèjá ",
        "beşancon ",
        "besanc",
        "\"vu a\"",
        "arger ",
        "vu -déjà",
    ];
    let Some(found) = found(folding(), &texts, searches).await else {
        return;
    };
    let both = |mut found: Vec<usize>| {
        found.sort_unstable();
        found
    };
    let found = found.map(both);
    assert_eq!(found[..2], [vec![0, 1], vec![0, 1]]);
    assert_eq!(found[2..6], [vec![0], vec![0], vec![0], vec![2]]);
    assert!(found[6].is_empty(), "{found:?}");
}

#[tokio::test]
async fn with_a_language_a_word_finds_its_other_endings_behind_itself() {
    let texts = ["drei Katzen laufen", "die Katze läuft", "der Hund schläft"];
    let searches = [
        "katze ",
        "katzen ",
        "katz",
        "\"die katzen\"",
        "-katzen",
        "katzne ",
    ];
    let Some(found) = found(language("german"), &texts, searches).await else {
        return;
    };
    // The word itself first, wherever it stands, then the other ending; a typo is forgiven as ever.
    assert_eq!(found[0], [1, 0]);
    assert_eq!(found[1], [0, 1]);
    assert!(found[2].contains(&0) && found[2].contains(&1));
    assert!(found[3].is_empty(), "a phrase is exact: {found:?}");
    assert_eq!(found[4].len(), 2, "an exclusion is exact: {found:?}");
    assert!(found[5].contains(&0), "{found:?}");
}

#[tokio::test]
async fn an_ending_that_is_more_than_a_typo_is_found_by_the_language_alone() {
    let texts = ["running late", "runs", "ruins"];
    let found_with = async |analysis| found(analysis, &texts, ["run "]).await;
    let Some([mut with]) = found_with(language("english")).await else {
        return;
    };
    with.sort_unstable();
    // "runs" is a typo away.
    let without = found_with(AnalysisSettings::default()).await;
    assert_eq!((with, without), (vec![0, 1], Some([vec![1]])));
}

#[tokio::test]
async fn a_language_that_the_server_does_not_know_is_refused() {
    let server = SearchIndex::named();
    let sentence = halt(create(&server, language("klingon")).await);
    assert!(
        sentence.contains("ELASTICSEARCH_LANGUAGE is klingon, but the server has no stemmer of that name"),
        "{sentence}"
    );
    assert!(server.generations().await.is_empty());
}

#[tokio::test]
async fn an_index_that_was_made_with_other_settings_is_refused_with_the_way_out() {
    let fixture = Fixture::create().await;
    let sentence = halt(create(&fixture.server, folding()).await);
    assert!(
        sentence.contains(
            "made with ELASTICSEARCH_FOLD_ACCENTS of false, and true is set; it has to be built anew"
        ),
        "{sentence}"
    );
}

/// Stems in the way of an analyser that every server has: it splits `run2go`, which is one word otherwise.
fn stems_of_letters() -> serde_json::Value {
    json!({ "properties": { "description": {
        "type": "text",
        "analyzer": "words",
        "index_prefixes": { "min_chars": 1, "max_chars": 5 },
        "fields": { "stems": {
            "type": "text", "analyzer": "simple", "norms": false, "index_options": "docs",
        }},
    }}})
}

/// What a search finds, on a page and in a walk.
async fn found_both_ways(engine: &dyn TaskSearch, text: &str) -> [Vec<String>; 2] {
    let query = SearchQuery {
        text: SearchText::parse(text.to_owned()).unwrap(),
        ..SearchQuery::default()
    };
    let page = engine.search(&query).await.unwrap();
    let walk = engine.walk(&query, &WalkStep::Begin).await.unwrap();
    [page, walk.page].map(|page| descriptions(&page))
}

#[tokio::test]
async fn stems_are_searched_as_soon_as_there_is_an_index_that_has_any_and_never_asked_of_settings() {
    let Fixture {
        server,
        client,
        name,
        generation,
        index,
        search,
    } = Fixture::create().await;
    let texts = ["run2go", "a run"];
    let operations: Vec<_> = (1..).zip(texts).map(|(n, text)| live(&task(n, text))).collect();
    let refresh = format!("/{}/_refresh", generation.name);
    index.apply(&operations).await.unwrap();
    server.request(Method::POST, &refresh, None).await;
    assert_eq!(found_both_ways(&search, "run ").await, [["a run"]; 2]);

    // Built anew by somebody who set a language, under a server that searches all the while.
    let path = format!("/{}", generation.name);
    server.request(Method::DELETE, &path, None).await;
    let generation = ensure_generation(&client, &name, &index_settings())
        .await
        .unwrap();
    let mapping = format!("{path}/_mapping");
    server
        .request(Method::PUT, &mapping, Some(stems_of_letters()))
        .await;
    let index = ElasticsearchIndex::new(client, &generation, &index_settings());
    index.apply(&operations).await.unwrap();
    server.request(Method::POST, &refresh, None).await;
    assert_eq!(found_both_ways(&search, "run ").await, [["a run", "run2go"]; 2]);
    // A phrase and an exclusion stay exact.
    assert_eq!(found_both_ways(&search, "\"run\"").await, [["a run"]; 2]);
    assert_eq!(found_both_ways(&search, "run -run ").await, [["run2go"]; 2]);
}
