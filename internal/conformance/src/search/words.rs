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
