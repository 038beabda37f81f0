//! Whoever half remembers a text finds it among the first three.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]
#![allow(clippy::print_stdout, reason = "the table is what the test is run for")]

use fastrand::Rng;
use taskwire_conformance::index::task;
use taskwire_domain::{SearchQuery, SearchText, SearchWindow, Task};
use taskwire_e2e::{accented_texts, real_texts};
use taskwire_search_equality::both::Both;
use taskwire_search_equality::texts::plain;

const TEXTS: usize = 20_000;
/// Of each rule.
const QUERIES: usize = 40;

/// How a text is remembered.
struct Rule {
    name: &'static str,
    /// The words as they are typed; `None` when the rule cannot be applied to the text.
    typed: fn(&[&str], &mut Rng) -> Option<String>,
}

const RULES: [Rule; 7] = [
    Rule {
        name: "exact",
        typed: |words, _| Some(words.join(" ")),
    },
    Rule {
        name: "one word dropped",
        typed: |words, random| {
            let mut words = words.to_vec();
            words.remove(random.usize(..words.len()));
            Some(words.join(" "))
        },
    },
    Rule {
        name: "one typo",
        typed: |words, random| changed(words, random, |word| is_plain(word, 4), mistyped),
    },
    Rule {
        name: "last word cut",
        typed: |words, random| {
            let (last, others) = words.split_last()?;
            let length = last.chars().count();
            let kept = is_plain(last, 4).then(|| random.usize(1..length))?;
            let cut: String = last.chars().take(kept).collect();
            Some(format!("{} {cut}", others.join(" ")))
        },
    },
    Rule {
        name: "two words swapped",
        typed: |words, random| {
            let mut words = words.to_vec();
            let at = random.usize(1..words.len());
            (words[at - 1] != words[at]).then(|| words.swap(at - 1, at))?;
            Some(words.join(" "))
        },
    },
    Rule {
        name: "accent dropped",
        typed: |words, random| {
            changed(
                words,
                random,
                |word| is_plain(word, 3) && has_accent(word),
                without_accent,
            )
        },
    },
    Rule {
        name: "upper case",
        typed: |words, _| Some(words.join(" ").to_uppercase()),
    },
];

/// The words with one of those that fit changed.
fn changed(
    words: &[&str],
    random: &mut Rng,
    fits: impl Fn(&str) -> bool,
    change: impl Fn(&str, &mut Rng) -> String,
) -> Option<String> {
    let fitting: Vec<usize> = (0..words.len()).filter(|&at| fits(words[at])).collect();
    let at = *fitting.get(random.usize(..fitting.len().max(1)))?;
    let mut words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    words[at] = change(&words[at], random);
    Some(words.join(" "))
}

fn is_plain(word: &str, least: usize) -> bool {
    word.chars().count() >= least && word.chars().all(char::is_alphabetic)
}

/// One letter missing, doubled, exchanged or swapped with the one before, but never the first.
fn mistyped(word: &str, random: &mut Rng) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = random.usize(2..letters.len());
    match random.u8(..4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = if letters[at] == 'o' { 'p' } else { 'o' },
        _ => letters.swap(at - 1, at),
    }
    letters.into_iter().collect()
}

/// Behind the first letter, which is never forgiven.
fn has_accent(word: &str) -> bool {
    word.chars().skip(1).any(|c| plain(c) != c)
}

/// One of the accents missing, but never the first letter's.
fn without_accent(word: &str, random: &mut Rng) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let accented: Vec<usize> = (1..letters.len())
        .filter(|&at| plain(letters[at]) != letters[at])
        .collect();
    let at = accented[random.usize(..accented.len())];
    letters[at] = plain(letters[at]);
    letters.into_iter().collect()
}

/// Short texts of a few words.
fn remembered(texts: &[String]) -> Vec<usize> {
    let short = |text: &String| (4..=20).contains(&text.split_whitespace().count());
    (0..texts.len()).filter(|&at| short(&texts[at])).collect()
}

fn query(text: String) -> SearchQuery {
    SearchQuery {
        text: SearchText::parse(text).unwrap(),
        window: SearchWindow { from: 0, size: 3 },
        ..SearchQuery::default()
    }
}

#[tokio::test]
async fn a_text_that_is_half_remembered_is_among_the_first_three() {
    let mut texts = real_texts(TEXTS);
    texts.extend(accented_texts());
    let tasks: Vec<Task> = (0..).zip(&texts).map(|(n, text)| task(n, text)).collect();
    let both = Both::with(&tasks).await;
    let mut random = Rng::with_seed(17);
    let mut candidates = remembered(&texts);
    let mut all = [0; 2];
    println!("| rule | queries | tantivy | Elasticsearch |\n|---|---|---|---|");
    for Rule { name, typed } in RULES {
        random.shuffle(&mut candidates);
        let mut asked = 0;
        let mut found = [0; 2];
        for &wanted in &candidates {
            let words: Vec<&str> = texts[wanted].split_whitespace().collect();
            let Some(typed) = typed(&words, &mut random) else {
                continue;
            };
            asked += 1;
            for (engine, page) in both.page(&query(typed.clone())).await.into_iter().enumerate() {
                let is_there = page.tasks.iter().any(|task| task.id == tasks[wanted].id);
                found[engine] += usize::from(is_there);
                if !is_there {
                    println!("<!-- {engine} {name}: {typed:?} of {:?} -->", texts[wanted]);
                }
            }
            if asked == QUERIES {
                break;
            }
        }
        let share = |found: usize| format!("{:.0}%", 100.0 * found as f64 / asked as f64);
        println!("| {name} | {asked} | {} | {} |", share(found[0]), share(found[1]));
        assert_eq!(asked, QUERIES, "{name}: there are too few texts for it");
        for (engine, found) in found.into_iter().enumerate() {
            assert!(
                found * 10 >= asked * 9,
                "{name}, engine {engine}: {found} of {asked}"
            );
            all[engine] += found;
        }
    }
    let queries = RULES.len() * QUERIES;
    let share = |found: usize| format!("{:.1}%", 100.0 * found as f64 / queries as f64);
    println!("| all | {queries} | {} | {} |", share(all[0]), share(all[1]));
    for found in all {
        assert!(found * 20 >= queries * 19, "{found} of {queries} in all");
    }
}
