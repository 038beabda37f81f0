use super::*;

fn parsed(text: &str) -> SearchText {
    SearchText::parse(text.to_owned()).unwrap().unwrap()
}

/// The words, an open one with a star; phrases in quotes; exclusions with a minus.
fn told(text: &str) -> String {
    let parsed = parsed(text);
    let mut parts: Vec<String> = parsed.words().iter().map(|word| word.word.clone()).collect();
    if let Some(last) = parts.last_mut().filter(|_| parsed.last_is_open()) {
        last.push('*');
    }
    let phrases = parsed
        .phrases()
        .iter()
        .map(|phrase| format!("\"{}\"", TypedWord::joined(phrase)));
    parts.extend(phrases);
    parts.extend(
        parsed
            .excluded()
            .iter()
            .map(|words| format!("-{}", words.join("+"))),
    );
    parts.join(" ")
}

#[test]
fn words_phrases_and_exclusions_are_told_apart() {
    for (text, wanted) in [
        ("Buy MILK", "buy milk*"),
        ("buy milk ", "buy milk"),
        ("buy milk.", "buy milk"),
        ("\"oat milk\" buy", "buy* \"oat milk\""),
        ("buy \"Oat  milk\"", "buy \"oat milk\""),
        ("buy “oat milk”", "buy \"oat milk\""),
        ("buy -bread", "buy -bread"),
        ("-bread buy", "buy* -bread"),
        ("-\"white bread\" -rye", "-white+bread -rye"),
        ("-e-mail", "-e+mail"),
        ("\"a\"-b c", "b c* \"a\""),
        ("\"a b\",c", "c* \"a b\""),
        ("\"צה\"ל שלום\" x", "x* \"צה\"ל שלום\""),
        ("a\"b c\" d", "a b c d*"),
        ("10\u{202f}000 -2\u{202f}000", "10\u{202f}000 -2\u{202f}000"),
    ] {
        assert_eq!(told(text), wanted, "{text}");
    }
}

#[test]
fn what_is_not_closed_or_alone_is_a_sign_like_any_other() {
    for (text, wanted) in [
        ("\"oat milk", "oat milk*"),
        ("oat \"", "oat"),
        ("-\"oat milk", "oat milk*"),
        ("buy - milk", "buy milk*"),
        ("buy --milk", "buy milk*"),
        ("buy -", "buy"),
        ("a-b x-1", "a b x 1*"),
        ("5\" pipe 3\"", "5 pipe 3"),
        ("\"\" milk", "milk*"),
        ("\"!!!\" -??? milk", "milk*"),
    ] {
        assert_eq!(told(text), wanted, "{text}");
    }
    for signs in ["!!!", "\"\"", "-", "--", "-\"", "-!!!", "\"—\""] {
        assert!(parsed(signs).finds_nothing(), "{signs}");
    }
}

#[test]
fn nothing_but_exclusions_finds_the_rest_and_ranks_nothing() {
    let text = parsed("-milk");
    assert!(!text.ranks() && !text.finds_nothing());
    assert!(parsed("milk").ranks() && parsed("\"milk\"").ranks());
}

#[test]
fn a_blank_text_asks_for_nothing() {
    for blank in ["", " ", "\t\n\u{3000}"] {
        assert_eq!(SearchText::parse(blank.to_owned()), Ok(None), "{blank:?}");
    }
}

#[test]
fn every_limit_has_its_code_and_what_just_fits_is_taken() {
    let code = |text: String| SearchText::parse(text).map_err(|violation| violation.code);
    assert!(code("x".repeat(1_024)).is_ok());
    assert_eq!(code("x".repeat(1_025)), Err("too-long"));
    assert!(code("ж".repeat(1_024)).is_ok());
    assert!(code("a ".repeat(128)).is_ok());
    assert_eq!(code("a ".repeat(129)), Err("too-many-words"));
    assert_eq!(code("漢".repeat(129)), Err("too-many-words"));
    assert_eq!(code(format!("\"{}\"", "a ".repeat(129))), Err("too-many-words"));
    assert!(code("-a \"b\" ".repeat(8)).is_ok());
    assert_eq!(code("-a \"b\" ".repeat(9)), Err("too-many-phrases"));
}

#[test]
fn more_words_leave_fewer_guesses_and_in_the_end_no_typo() {
    let of = |words: usize| parsed(&"word ".repeat(words));
    assert_eq!([1, 13, 14, 32].map(|words| of(words).guesses()), [50, 50, 48, 19]);
    for words in 1..=128 {
        assert!(words * (of(words).guesses() + 3) <= 720, "{words}");
    }
    assert!(of(32).likeness("word").of("wrod").is_some());
    assert!(of(33).likeness("word").of("wrod").is_none());
}

#[test]
fn length_decides_how_many_typos_are_forgiven() {
    let lengths = [1, 2, 3, 5, 6, 32, 33, 255].map(|length| typos(&"é".repeat(length)));
    assert_eq!(lengths, [0, 0, 1, 1, 2, 2, 0, 0]);
}

/// Otherwise a text would not find itself.
#[test]
fn a_text_has_the_words_that_an_index_makes_of_it() {
    let spaces = ('\0'..=char::MAX).filter(|c| c.is_whitespace());
    for c in spaces.chain("\"'“”-_.,/".chars()) {
        let text = format!("a{c}b 1{c}2");
        let read: Vec<_> = parsed(&text)
            .words()
            .iter()
            .map(|word| word.word.clone())
            .collect();
        assert_eq!(read, crate::words(&text), "{c:?}");
    }
}

#[test]
fn nothing_that_is_typed_breaks_the_reader() {
    let signs = [
        "-",
        "\"",
        "“",
        "”",
        " ",
        "a",
        "é",
        "\u{301}",
        "漢",
        "👩‍👩‍👧",
        "\u{0}",
        "\u{202e}",
        "'",
    ];
    // All texts of up to three of these.
    let mut texts = vec![String::new()];
    for _ in 0..3 {
        let longer = texts
            .iter()
            .flat_map(|text| signs.map(|sign| format!("{text}{sign}")));
        texts = longer.collect();
        for text in &texts {
            if let Some(parsed) = SearchText::parse(text.clone()).unwrap() {
                let groups = parsed
                    .phrases
                    .iter()
                    .map(Vec::len)
                    .chain(parsed.excluded.iter().map(Vec::len));
                assert!(groups.min() != Some(0), "{text:?}");
            }
        }
    }
}
