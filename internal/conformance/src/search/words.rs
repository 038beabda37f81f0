//! Words, their order and their typos.

use crate::index::{Backend, find_text, hold, tasks};

/// And nothing is found by some of the words.
pub async fn every_word_must_occur_in_any_order_and_case<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &tasks(&["Buy fresh Milk", "buy bread", "milk the cow"])).await;
    assert_eq!(find_text(&backend, "MILK buy").await, ["Buy fresh Milk"]);
    assert!(find_text(&backend, "buy water").await.is_empty());
}

/// A word being typed finds already.
pub async fn the_last_word_may_be_the_beginning_of_one_and_only_the_last<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &tasks(&["organise documentation"])).await;
    for text in [
        "d",
        "do",
        "docum",
        "documentat",
        "organise d",
        "organise documentation",
    ] {
        assert_eq!(find_text(&backend, text).await.len(), 1, "{text}");
    }
    assert!(find_text(&backend, "docum organise").await.is_empty());
}

/// A swap of neighbours is one typo.
pub async fn typos_are_forgiven_one_in_short_words_two_in_long_ones_none_in_the_first_letter<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &tasks(&["water the garden plants", "no"])).await;
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
            find_text(&backend, text).await,
            ["water the garden plants"],
            "{text}"
        );
    }
    for text in ["wxtxr", "kater", "harden", "gxrxxn", "gadrn", "na"] {
        assert!(find_text(&backend, text).await.is_empty(), "{text}");
    }
}

/// However long the text is in which the exact word stands.
pub async fn exact_ranks_before_beginnings_and_beginnings_before_typos<B: Backend>() {
    let backend = B::start().await;
    hold(
        &backend,
        &tasks(&[
            "mill",
            "milky",
            "a rather long sentence about many things, milk among them at its end",
        ]),
    )
    .await;
    let found = find_text(&backend, "milk").await;
    assert!(found[0].starts_with("a rather long"), "{found:?}");
    assert_eq!(found[1..], ["milky", "mill"]);
}

/// Also while the last one is being typed.
pub async fn words_in_order_rank_before_scattered_ones<B: Backend>() {
    let backend = B::start().await;
    hold(
        &backend,
        &tasks(&[
            "report the annual",
            "annual sales and a report",
            "the long awaited annual report of last year",
        ]),
    )
    .await;
    let found = find_text(&backend, "annual report").await;
    assert_eq!(found.len(), 3);
    assert!(found[0].starts_with("the long awaited"), "{found:?}");
    assert!(find_text(&backend, "annual rep").await[0].starts_with("the long awaited"));
}

/// Of which the one meant is among the last.
pub async fn words_in_order_rank_first_however_many_words_begin_as_the_last_one<B: Backend>() {
    let backend = B::start().await;
    let letters = || 'a'..='z';
    let many: String = letters()
        .take(8)
        .flat_map(|second| letters().map(move |third| format!("m{second}{third} ")))
        .collect();
    let in_order = "a carton of fresh oat milk from the shop at the corner of the street";
    let scattered = ["milk, fresh oat", "fresh oatmeal, milk, oat"];
    hold(&backend, &tasks(&[&many, in_order, scattered[0], scattered[1]])).await;
    for text in ["oat m", "oat mil", "fresh oat m"] {
        let found = find_text(&backend, text).await;
        assert_eq!((found.len(), found[0].as_str()), (3, in_order), "{text}");
    }
}

/// And other scripts in either case.
pub async fn han_is_found_by_single_characters<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &tasks(&["你好世界", "Ελλάδα και ΣΊΣΥΦΟΣ", "ёлка"])).await;
    assert_eq!(find_text(&backend, "世界").await, ["你好世界"]);
    assert_eq!(find_text(&backend, "ЁЛКА").await, ["ёлка"]);
    assert_eq!(find_text(&backend, "ελλάδα").await.len(), 1);
}

/// Whoever has typed something behind a word has typed the word to its end.
pub async fn a_word_that_is_followed_by_anything_is_not_the_beginning_of_one<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &tasks(&["organise documentation"])).await;
    for text in ["docum ", "docum.", "organise docum,", "organise docum -"] {
        assert!(find_text(&backend, text).await.is_empty(), "{text:?}");
    }
    for text in [
        "documentation ",
        "organise, documentation!",
        "documentatoin ",
        "\"organise",
    ] {
        assert_eq!(find_text(&backend, text).await.len(), 1, "{text:?}");
    }
}

/// Exactly as it is, whatever else is typed.
pub async fn a_phrase_has_to_occur_as_it_is<B: Backend>() {
    let backend = B::start().await;
    let (fresh, bread, apart) = (
        "buy fresh oat milk",
        "fresh bread with milk",
        "milk, oats and Oat bran",
    );
    hold(&backend, &tasks(&[fresh, bread, apart])).await;
    for (text, wanted) in [
        ("\"oat milk\"", &[fresh][..]),
        ("\"OAT, Milk!\"", &[fresh]),
        ("\"milk oat\"", &[]),
        ("\"oat mil\"", &[]),
        ("\"oat mlik\"", &[]),
        ("\"milk\"", &[apart, bread, fresh]),
        ("\"fresh\" \"milk\"", &[bread, fresh]),
        ("\"oat milk\" fres", &[fresh]),
        ("\"oat milk\" bread", &[]),
        ("\"oat milk fresh", &[fresh]),
    ] {
        let mut found = find_text(&backend, text).await;
        found.sort();
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{text}");
    }
}

/// Exactly it, and with nothing else everything but it is found, newest first.
pub async fn what_is_excluded_must_not_occur<B: Backend>() {
    let backend = B::start().await;
    let (fresh, bread, other) = ("buy fresh milk", "fresh bread", "wash the car");
    hold(&backend, &tasks(&[fresh, bread, other])).await;
    for (text, wanted) in [
        ("fresh -milk", &[bread][..]),
        ("-milk fresh", &[bread]),
        ("fresh -mil -mlik", &[bread, fresh]),
        ("fresh -\"fresh bread\"", &[fresh]),
        ("fresh -\"bread fresh\"", &[bread, fresh]),
        ("-fresh", &[other]),
        ("-FRESH -wash", &[]),
        ("-milk", &[other, bread]),
        ("-!!!", &[]),
        ("\"fresh milk\" -buy", &[]),
        ("fresh - milk", &[fresh]),
    ] {
        let mut found = find_text(&backend, text).await;
        if text.starts_with("fresh") {
            found.sort_unstable_by(|a, b| b.cmp(a));
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable_by(|a, b| b.cmp(a));
            assert_eq!(found, wanted, "{text}");
        } else {
            assert_eq!(found, wanted, "{text}");
        }
    }
}

/// Long words are copied rather than typed, and so is a text of many words.
pub async fn no_typo_is_forgiven_in_very_long_words_and_among_very_many<B: Backend>() {
    let backend = B::start().await;
    let long = "abcdefghijklmnopqrstuvwxyz012345";
    let many = "word ".repeat(32);
    hold(&backend, &tasks(&[&format!("{long} {long}6"), &many])).await;
    let mistyped = |word: &str| word.replace("klm", "kml");
    assert_eq!(find_text(&backend, &mistyped(long)).await.len(), 1);
    assert!(
        find_text(&backend, &mistyped(&format!("{long}6")))
            .await
            .is_empty()
    );
    let typo = many.replacen("word", "wrod", 1);
    assert_eq!(find_text(&backend, &typo).await.len(), 1);
    assert!(find_text(&backend, &format!("{typo}word ")).await.is_empty());
}
