//! With accents folded, whoever writes none finds the words that have some.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]
#![allow(clippy::print_stdout, reason = "the table is what the test is run for")]

use fastrand::Rng;
use taskwire_conformance::index::task;
use taskwire_domain::{SearchQuery, SearchText, SearchWindow, Task};
use taskwire_e2e::{accented_texts, real_texts};
use taskwire_elasticsearch::AnalysisSettings;
use taskwire_search_equality::both::{Both, is_analysis_offered};
use taskwire_search_equality::texts::plain;

const TEXTS: usize = 4_000;
const QUERIES: usize = 50;

/// The words with one of them written without any of its accents; `None` when none has an accent.
fn typed(words: &[&str], random: &mut Rng) -> Option<String> {
    let has_accent = |word: &str| word.chars().any(|c| plain(c) != c);
    let accented: Vec<usize> = (0..words.len()).filter(|&at| has_accent(words[at])).collect();
    let at = *accented.get(random.usize(..accented.len().max(1)))?;
    let mut words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    words[at] = words[at].chars().map(plain).collect();
    Some(words.join(" "))
}

fn query(text: String) -> SearchQuery {
    SearchQuery {
        text: SearchText::parse(text).unwrap(),
        window: SearchWindow { from: 0, size: 3 },
        ..SearchQuery::default()
    }
}

#[tokio::test]
async fn a_word_without_any_of_its_accents_is_found_where_they_are_folded() {
    let fold_accents = is_analysis_offered().await;
    let mut texts = real_texts(TEXTS);
    texts.extend(accented_texts());
    let tasks: Vec<Task> = (0..).zip(&texts).map(|(n, text)| task(n, text)).collect();
    let settings = AnalysisSettings {
        fold_accents,
        ..AnalysisSettings::default()
    };
    let both = Both::comparing_by(settings, &tasks).await;
    let mut random = Rng::with_seed(23);
    let mut candidates: Vec<usize> = (0..texts.len()).collect();
    random.shuffle(&mut candidates);
    let (mut asked, mut found) = (0, [0; 2]);
    for wanted in candidates {
        let words: Vec<&str> = texts[wanted].split_whitespace().collect();
        let is_short = (4..=20).contains(&words.len());
        let Some(typed) = typed(&words, &mut random).filter(|_| is_short) else {
            continue;
        };
        asked += 1;
        for (engine, page) in both.page(&query(typed)).await.into_iter().enumerate() {
            found[engine] += usize::from(page.tasks.iter().any(|task| task.id == tasks[wanted].id));
        }
        if asked == QUERIES {
            break;
        }
    }
    println!(
        "of {asked} found: tantivy {}, the server {} (folding: {fold_accents})",
        found[0], found[1]
    );
    assert_eq!(asked, QUERIES);
    match fold_accents {
        true => assert!(found[1] * 100 >= asked * 98, "{found:?}"),
        // What nobody folds is the same in both.
        false => assert_eq!(found[0], found[1]),
    }
}
