//! Both engines split every text into the same words.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use reqwest::Method;
use serde_json::json;
use taskwire_domain::words;
use taskwire_e2e::real_texts;
use taskwire_search_equality::texts::{AWKWARD, long_word, scrambled};
use taskwire_testkit::SearchIndex;

/// The server refuses to list more words than this.
const MOST_WORDS: usize = 10_000;

/// What Elasticsearch makes of each text. Lines end words, so many texts are sent as the lines of one.
async fn analysed(server: &SearchIndex, texts: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::with_capacity(texts.len());
    let mut rest = texts;
    while !rest.is_empty() {
        let mut room = MOST_WORDS;
        let fit = rest.iter().take_while(|text| {
            let words = text.chars().count();
            let fits = words <= room;
            room = room.saturating_sub(words);
            fits
        });
        let (now, later) = rest.split_at(fit.count().max(1));
        found.extend(analysed_at_once(server, now).await);
        rest = later;
    }
    found
}

async fn analysed_at_once(server: &SearchIndex, texts: &[String]) -> Vec<Vec<String>> {
    let body = json!({
        "tokenizer": { "type": "standard", "max_token_length": 255 },
        "filter": ["lowercase"],
        "text": texts.join("\n"),
    });
    let answer = server.request(Method::POST, "/_analyze", Some(body)).await;
    let mut ends = Vec::new();
    for text in texts {
        ends.push(ends.last().copied().unwrap_or(0) + text.encode_utf16().count() as u64 + 1);
    }
    let mut found = vec![Vec::new(); texts.len()];
    for token in answer["tokens"].as_array().unwrap() {
        let start = token["start_offset"].as_u64().unwrap();
        let text = ends.partition_point(|&end| end <= start);
        found[text].push(token["token"].as_str().unwrap().to_owned());
    }
    found
}

/// The texts that are not split alike, with what the server makes of them.
async fn differences(texts: &[String]) -> Vec<(&String, Vec<String>)> {
    assert!(texts.iter().all(|text| !text.contains(['\n', '\r'])));
    let server = SearchIndex::named();
    let theirs = analysed(&server, texts).await;
    let pairs = texts.iter().zip(theirs);
    pairs.filter(|(text, theirs)| words(text) != *theirs).collect()
}

async fn assert_equal(texts: Vec<String>) {
    for (text, theirs) in differences(&texts).await {
        assert_eq!(words(text), theirs, "{text:?}");
    }
}

/// The same, but for a server that is said to go by an older Unicode: that has to differ, in at most so many texts.
async fn assert_equal_or_older(texts: Vec<String>, at_most: usize) {
    if std::env::var("TASKWIRE_SEARCH_UNICODE").as_deref() != Ok("9") {
        return assert_equal(texts).await;
    }
    let differences = differences(&texts).await;
    let count = differences.len();
    assert!(
        (1..=at_most).contains(&count),
        "{count} of {} texts: {differences:?}",
        texts.len()
    );
    let plain = |text: &str| text.chars().all(|c| c.is_ascii() || ('à'..='ÿ').contains(&c));
    assert!(
        differences.iter().all(|(text, _)| !plain(text)),
        "{differences:?}"
    );
}

#[tokio::test]
async fn of_real_texts() {
    assert_equal(real_texts(5_000)).await;
}

#[tokio::test]
async fn of_awkward_and_scrambled_texts() {
    let awkward = AWKWARD.iter().map(|&text| text.to_owned());
    assert_equal_or_older(awkward.chain(scrambled(3_000)).collect(), 600).await;
}

#[tokio::test]
async fn of_words_longer_than_an_index_keeps() {
    let letters = [
        "x",
        "é",
        "𐐀",
        "ก",
        "漢",
        "1",
        "ア",
        "a_",
        "a'",
        "1,",
        "한",
        "👩\u{200d}",
        "e\u{301}",
        "א\"",
        "😀\u{fe0f}",
    ];
    let lengths = [84, 85, 126, 127, 128, 253, 254, 255, 256, 300, 600];
    let texts = letters
        .iter()
        .flat_map(|letter| lengths.map(|length| long_word(letter, length)));
    assert_equal(texts.collect()).await;
}

/// Every character, alone, between letters and between digits; of the great blocks that are alike throughout (Han, Hangul,
/// Tangut, private use) a sample.
#[tokio::test]
async fn of_every_character() {
    let alike = [
        0x3500..0x9e00,
        0xac10..0xd790,
        0xe000..0xf8ff,
        0x17100..0x18a00,
        0x20100..0x33480,
    ];
    let is_sampled = |c: u32| c.is_multiple_of(61) || !alike.iter().any(|block| block.contains(&c));
    let codes = (0..0x33480).chain(0xe0000..0xe0200).filter(|&c| is_sampled(c));
    let characters: Vec<char> = codes
        .filter_map(char::from_u32)
        .filter(|c| !matches!(c, '\n' | '\r'))
        .collect();
    assert!(characters.len() > 50_000);
    let texts = characters.iter().map(|c| format!("a{c}b 1{c}2 {c}"));
    assert_equal_or_older(texts.collect(), 1_395).await;
}
