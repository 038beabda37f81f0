//! What may have been meant by a text that finds nothing.

use taskwire_domain::{MistypedText, SearchFilter, SearchText, Task};

use super::hostile::HOSTILE;
use crate::index::{Backend, apply, find_text, hold, task, tasks, text_query, tombstone};

async fn likest<B: Backend>(backend: &B, typed: &str, filter: &SearchFilter) -> Vec<Task> {
    let text = SearchText::parse(typed.to_owned()).unwrap().unwrap();
    let text = MistypedText::of(&text).unwrap();
    backend.search().likest(&text, filter).await.unwrap()
}

async fn suggested<B: Backend>(backend: &B, typed: &str, filter: &SearchFilter) -> Option<String> {
    let likest = likest(backend, typed, filter).await;
    let descriptions = likest.iter().map(|task| task.fields.description.as_str());
    let text = SearchText::parse(typed.to_owned()).unwrap().unwrap();
    MistypedText::of(&text).unwrap().corrected(descriptions)
}

/// And exactly that is what finds it.
pub async fn a_suggestion_finds_what_the_text_did_not<B: Backend>() {
    let backend = B::start().await;
    let (garden, oat, meeting) = (
        "water the garden plants",
        "buy fresh oat milk, and rye bread",
        "déjà vu: meeting at the zoo",
    );
    hold(&backend, &tasks(&[garden, oat, meeting])).await;
    for (typed, wanted, found) in [
        ("kater", "water", garden),
        ("harden wlants", "garden plants", garden),
        ("agrden \"teh garden\"", "garden \"the garden\"", garden),
        ("wxtxr", "water", garden),
        ("eater pla", "water pla", garden),
        ("Kater, THE -rye", "water, THE -rye", garden),
        ("oatmilk", "oat milk", oat),
        ("\"freshoat mlik\"", "\"fresh oat milk\"", oat),
        ("oat mi lk", "oat milk", oat),
        ("\"rye braed\" uby", "\"rye bread\" buy", oat),
        ("éjà vu", "déjà vu", meeting),
        ("neeting \"zot\"", "meeting \"zoo\"", meeting),
    ] {
        assert!(find_text(&backend, typed).await.is_empty(), "{typed}");
        let suggestion = suggested(&backend, typed, &SearchFilter::default()).await;
        assert_eq!(suggestion.as_deref(), Some(wanted), "{typed}");
        assert_eq!(find_text(&backend, wanted).await, [found], "{wanted}");
    }
    for typed in [
        "kxtxr",
        "kater milk",
        "\"milk oat fresh\"",
        "kater -plants",
        "qqqqqq",
    ] {
        let suggestion = suggested(&backend, typed, &SearchFilter::default()).await;
        assert_eq!(suggestion, None, "{typed}");
    }
}

/// Then the newest, then by id; each word counts with its fewest typos.
pub async fn the_likest_tasks_have_the_fewest_typos<B: Backend>() {
    let backend = B::start().await;
    let descriptions = [
        "matter plants",
        "water plant",
        "later plants",
        "water plants",
        "planet matter",
        "water",
        "cater plants later matter water",
        "cater slants",
    ];
    hold(&backend, &tasks(&descriptions)).await;
    let found = likest(&backend, "water plants ", &SearchFilter::default()).await;
    let told: Vec<_> = found
        .iter()
        .map(|task| task.fields.description.as_str())
        .collect();
    let wanted = [6, 3, 2, 1, 7, 0, 4].map(|n: usize| descriptions[n]);
    assert_eq!(told, wanted);
}

/// However many there are.
pub async fn no_more_of_the_likest_tasks_are_told_than_are_needed<B: Backend>() {
    let backend = B::start().await;
    let many = vec!["oat milk"; MistypedText::LIKEST + 5];
    hold(&backend, &tasks(&many)).await;
    let found = likest(&backend, "aot milk", &SearchFilter::default()).await;
    assert_eq!(found.len(), MistypedText::LIKEST);
    assert!(found.is_sorted_by(|a, b| a.created_at > b.created_at));
}

/// Nor a task that a condition leaves out.
pub async fn no_deleted_task_is_behind_a_suggestion<B: Backend>() {
    let backend = B::start().await;
    let mut done = task(2, "walk home");
    done.fields.is_done = true;
    hold(&backend, &[task(1, "oat milk"), done]).await;
    let open = SearchFilter {
        is_done: Some(false),
        ..SearchFilter::default()
    };
    let everything = SearchFilter::default();
    assert_eq!(
        suggested(&backend, "xalk", &everything).await.as_deref(),
        Some("walk")
    );
    assert_eq!(suggested(&backend, "xalk", &open).await, None);
    assert_eq!(suggested(&backend, "xilk", &open).await.as_deref(), Some("milk"));
    apply(&backend, &[tombstone(1, 2)]).await;
    assert_eq!(suggested(&backend, "xilk", &everything).await, None);
}

/// Nor an error, and what it suggests is what is found.
pub async fn nothing_typed_breaks_a_suggestion<B: Backend>() {
    let backend = B::start().await;
    let mut descriptions: Vec<&str> = HOSTILE
        .iter()
        .copied()
        .filter(|text| !text.contains('\0'))
        .collect();
    let long = "abcdefghij".repeat(40);
    descriptions.push(&long);
    hold(&backend, &tasks(&descriptions)).await;
    let mut typed: Vec<String> = HOSTILE.iter().map(|&text| text.to_owned()).collect();
    typed.extend(HOSTILE.iter().map(|text| format!("\"{text}\" x{text}")));
    for word in [
        "near ",
        "é",
        "😀",
        "字 ",
        "ア",
        "ก",
        "abcdefghijklmnopqrstuvwxyz012345 ",
        "\u{301}",
        "\"a\" ",
    ] {
        typed.push(word.repeat(16).trim_end().to_owned());
    }
    for text in typed {
        let query = text_query(&text);
        let Some(mistyped) = query.text.as_ref().and_then(MistypedText::of) else {
            continue;
        };
        let likest = backend.search().likest(&mistyped, &SearchFilter::default()).await;
        let likest = likest.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let descriptions = likest.iter().map(|task| task.fields.description.as_str());
        if let Some(suggestion) = mistyped.corrected(descriptions) {
            let found = backend.search().search(&text_query(&suggestion)).await.unwrap();
            assert!(found.total > 0, "{text:?}: {suggestion:?}");
        }
    }
}
