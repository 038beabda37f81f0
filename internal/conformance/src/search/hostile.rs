//! Texts that nobody means well with.

use taskwire_domain::SearchText;

use crate::index::{Backend, find, find_text, hold, tasks, text_query};

pub(crate) const HOSTILE: &[&str] = &[
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

/// What looks like one is only words.
pub async fn nothing_typed_is_a_query_language_or_an_error<B: Backend>() {
    let backend = B::start().await;
    let odd = "odd *:* description:milk \"quoted\"";
    hold(&backend, &tasks(&["buy milk", odd])).await;
    for &text in HOSTILE {
        let found = backend.search().search(&text_query(text)).await;
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
        assert!(find_text(&backend, text).await.is_empty(), "{text:?}");
    }
    assert_eq!(find_text(&backend, "description:milk").await, [odd]);
    assert_eq!(find_text(&backend, "*:* \"quoted").await, [odd]);
}

/// No text within the limits is too much.
pub async fn the_longest_texts_are_searched_for_whatever_they_are_made_of<B: Backend>() {
    let backend = B::start().await;
    // Near words in plenty: each one typed is similar to fifty others.
    let near = |n: u32| {
        let letter = |n: u32| char::from(b'a' + u8::try_from(n % 26).unwrap());
        format!("word{}{}", letter(n), letter(n / 26))
    };
    let held: String = (0..580).map(|n| near(n) + " ").collect();
    let han: String = (0..1_024).map(|n| char::from_u32(0x4e00 + n).unwrap()).collect();
    hold(&backend, &tasks(&[&held, &han, "milk"])).await;

    let most: String = han.chars().take(SearchText::MAX_WORDS).collect();
    assert_eq!(find_text(&backend, &most).await, [han.as_str()]);
    for count in [1, 10, 32, 33, 64, 128] {
        let text: String = (0..count).map(|n| near(n) + " ").collect();
        assert_eq!(find_text(&backend, &text).await, [held.as_str()], "{count} words");
    }
    let groups = SearchText::MAX_GROUPS;
    let phrases: String =
        (0..32).map(near).collect::<Vec<_>>().join(" ") + &" \"worda wordb\"".repeat(groups - 1);
    assert!(find_text(&backend, &format!("{phrases} -milk")).await.is_empty());
    let others = [
        "字".repeat(128),
        "é".repeat(1_024),
        "x".repeat(1_024),
        "a ".repeat(128),
        "😀".repeat(128),
        "ア".repeat(1_024),
        "ก".repeat(1_024),
        "é?".repeat(128),
        "\u{301}".repeat(1_024),
        "\"a\" ".repeat(groups),
        "-a ".repeat(groups),
    ];
    for text in others {
        let found = backend.search().search(&text_query(&text)).await;
        assert!(found.is_ok(), "{text:?}: {found:?}");
    }
}

/// It finds everything.
pub async fn a_blank_text_is_no_text<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &tasks(&["one", "two"])).await;
    for blank in ["", " ", "\t\n\u{3000}"] {
        assert_eq!(find(&backend, &text_query(blank)).await.total, 2, "{blank:?}");
    }
}
