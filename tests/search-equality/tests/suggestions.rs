//! What is suggested instead of a text that finds nothing is the same on both engines, and finds something.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]
#![allow(clippy::print_stdout, reason = "the table is what the test is run for")]

use fastrand::Rng;
use taskwire_conformance::index::task;
use taskwire_domain::{MistypedText, SearchFilter, SearchQuery, SearchText, SearchWindow, Task};
use taskwire_e2e::{accented_texts, real_texts};
use taskwire_search_equality::both::Both;

const TEXTS: usize = 5_000;
/// Of each rule.
const QUERIES: usize = 60;

/// How words of a text are mistyped.
struct Rule {
    name: &'static str,
    /// How many words that follow one another.
    words: usize,
    typed: fn(&[&str], &mut Rng) -> String,
    /// Whether a filter leaves the text out.
    is_left_out: bool,
    /// How many of a hundred texts that find nothing have a suggestion at least.
    least: usize,
}

const RULES: [Rule; 7] = [
    Rule {
        name: "first letter wrong",
        words: 2,
        typed: |words, random| changed(words, random, 1, first_wrong).join(" "),
        is_left_out: false,
        least: 95,
    },
    Rule {
        name: "first letter missing",
        words: 2,
        typed: |words, random| changed(words, random, 1, |word, _| word.chars().skip(1).collect()).join(" "),
        is_left_out: false,
        least: 95,
    },
    Rule {
        name: "a typo in a phrase",
        words: 3,
        typed: |words, random| format!("\"{}\"", changed(words, random, 1, mistyped).join(" ")),
        is_left_out: false,
        least: 95,
    },
    Rule {
        name: "two words wrong",
        words: 3,
        typed: |words, random| changed(words, random, 2, first_wrong).join(" "),
        is_left_out: false,
        least: 95,
    },
    Rule {
        name: "two words run together",
        words: 2,
        typed: |words, _| words.concat(),
        is_left_out: false,
        least: 90,
    },
    Rule {
        name: "a word torn in two",
        words: 2,
        typed: |words, random| {
            changed(words, random, 1, |word, random| {
                let cut = random.usize(2..word.chars().count() - 1);
                let (first, second): (String, String) =
                    (word.chars().take(cut).collect(), word.chars().skip(cut).collect());
                format!("{first} {second}")
            })
            .join(" ")
        },
        is_left_out: false,
        least: 95,
    },
    Rule {
        name: "first letter wrong, and a filter that leaves the text out",
        words: 2,
        typed: |words, random| changed(words, random, 1, first_wrong).join(" "),
        is_left_out: true,
        least: 0,
    },
];

/// The words with some of them changed.
fn changed(
    words: &[&str],
    random: &mut Rng,
    count: usize,
    change: fn(&str, &mut Rng) -> String,
) -> Vec<String> {
    let chosen = random.choose_multiple(0..words.len(), count);
    let words = words.iter().enumerate();
    words
        .map(|(at, word)| match chosen.contains(&at) {
            true => change(word, random),
            false => (*word).to_owned(),
        })
        .collect()
}

fn first_wrong(word: &str, random: &mut Rng) -> String {
    let first = word.chars().next().unwrap().to_ascii_lowercase();
    let mut others = ('a'..='z').filter(|other| *other != first);
    let other = others.nth(random.usize(..25)).unwrap();
    std::iter::once(other).chain(word.chars().skip(1)).collect()
}

/// One letter missing, doubled, exchanged or swapped with the one before.
fn mistyped(word: &str, random: &mut Rng) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = random.usize(1..letters.len());
    match random.u8(..4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = if letters[at] == 'o' { 'p' } else { 'o' },
        _ => letters.swap(at - 1, at),
    }
    letters.into_iter().collect()
}

/// Plain words that follow one another in a text.
fn some_words<'a>(text: &'a str, count: usize, random: &mut Rng) -> Option<Vec<&'a str>> {
    let words: Vec<&str> = text.split(' ').collect();
    let is_plain = |word: &&str| word.chars().count() >= 5 && word.chars().all(char::is_alphabetic);
    let runs: Vec<_> = words
        .windows(count)
        .filter(|run| run.iter().all(is_plain))
        .collect();
    random.choice(runs).map(<[&str]>::to_vec)
}

fn query(text: &str, filter: &SearchFilter) -> SearchQuery {
    SearchQuery {
        text: SearchText::parse(text.to_owned()).unwrap(),
        filter: filter.clone(),
        window: SearchWindow { from: 0, size: 100 },
        ..SearchQuery::default()
    }
}

#[tokio::test]
async fn both_suggest_the_same_and_what_they_suggest_finds_something() {
    let mut texts = real_texts(TEXTS);
    texts.extend(accented_texts());
    let mut tasks: Vec<Task> = (0..).zip(&texts).map(|(n, text)| task(n, text)).collect();
    for (n, task) in tasks.iter_mut().enumerate() {
        task.fields.is_done = n.is_multiple_of(3);
    }
    let both = Both::with(&tasks).await;
    let mut random = Rng::with_seed(23);
    let mut differences = Vec::new();
    println!(
        "| what is typed | texts that find nothing | with a suggestion | that finds the text |\n|---|---|---|---|"
    );
    for rule in RULES {
        let (mut asked, mut suggested, mut meant) = (0, 0, 0);
        while asked < QUERIES {
            let wanted = &tasks[random.usize(..tasks.len())];
            let text = wanted.fields.description.as_str();
            let Some(words) = some_words(text, rule.words, &mut random) else {
                continue;
            };
            let typed = (rule.typed)(&words, &mut random);
            let filter = SearchFilter {
                is_done: rule.is_left_out.then_some(!wanted.fields.is_done),
                ..SearchFilter::default()
            };
            let asks = query(&typed, &filter);
            let pages = both.page(&asks).await;
            assert_eq!(pages[0].total, pages[1].total, "{typed}");
            if pages[0].total > 0 {
                continue;
            }
            asked += 1;
            let mistyped = MistypedText::of(asks.text.as_ref().unwrap()).unwrap();
            let [tantivy, elasticsearch] = both.suggested(&mistyped, &filter).await;
            if tantivy != elasticsearch {
                differences.push((typed.clone(), tantivy.clone(), elasticsearch.clone()));
            }
            let Some(suggestion) = tantivy else {
                if !rule.is_left_out {
                    println!("<!-- {}: nothing for {typed:?} of {words:?} -->", rule.name);
                }
                continue;
            };
            suggested += 1;
            let pages = both.page(&query(&suggestion, &filter)).await;
            assert!(
                pages.iter().all(|page| page.total > 0),
                "{typed:?}: {suggestion:?}"
            );
            meant += usize::from(pages[0].tasks.iter().any(|task| task.id == wanted.id));
        }
        println!("| {} | {asked} | {suggested} | {meant} |", rule.name);
        assert!(suggested * 100 >= asked * rule.least, "{}", rule.name);
        assert!(!rule.is_left_out || meant == 0, "{}", rule.name);
    }
    assert!(differences.is_empty(), "{differences:#?}");
}
