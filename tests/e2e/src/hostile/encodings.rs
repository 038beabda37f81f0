//! Bytes that are no UTF-8, other encodings, and characters that JSON or a task does not take.

use super::bodies::no_json;
use super::case::{Case, send};
use super::request::create;

pub(super) fn cases(task: &str) -> Vec<Case> {
    let no_utf8 = NO_UTF8.iter().flat_map(|(name, bytes)| {
        let body = [br#"{"description": "a"#, *bytes, br#""}"#].concat();
        no_json(task, &format!("encodings: {name}"), body)
    });
    let no_json = no_json_at_all()
        .into_iter()
        .flat_map(|(name, body)| no_json(task, &format!("encodings: {name}"), body));
    let refused = REFUSED
        .iter()
        .map(|(name, body, named)| send(format!("encodings: {name}"), create(body)).wrong(named));
    let taken = TAKEN.iter().map(|(name, text)| {
        let body = format!(r#"{{"description": "{text}"}}"#);
        send(format!("encodings: {name}"), create(body)).done(201)
    });
    no_utf8.chain(no_json).chain(refused).chain(taken).collect()
}

/// Within a string.
const NO_UTF8: [(&str, &[u8]); 14] = [
    ("bytes that never stand in UTF-8", b"\xff\xfe"),
    ("a continuation of nothing", b"\x80"),
    ("a beginning without an end", b"\xe2\x82"),
    ("a beginning at the end of the string", b"\xf0"),
    ("an overlong slash", b"\xc0\xaf"),
    ("an overlong slash of three bytes", b"\xe0\x80\xaf"),
    ("an overlong NUL", b"\xc0\x80"),
    ("an overlong quote", b"\xc0\xa2"),
    ("a raw high surrogate", b"\xed\xa0\x80"),
    ("a raw low surrogate", b"\xed\xb0\x80"),
    ("a raw pair of surrogates", b"\xed\xa0\xbd\xed\xb8\x80"),
    ("beyond the last character", b"\xf4\x90\x80\x80"),
    ("five bytes for one character", b"\xf8\x88\x80\x80\x80"),
    ("Latin-1", b"caf\xe9"),
];

const PLAIN: &str = r#"{"description": "a"}"#;

fn no_json_at_all() -> Vec<(&'static str, Vec<u8>)> {
    let encoded = |name: &'static str, mark: &[u8], encode: fn(char) -> Vec<u8>| {
        (
            name,
            [mark, &PLAIN.chars().flat_map(encode).collect::<Vec<_>>()].concat(),
        )
    };
    let utf16_le = |character| (character as u16).to_le_bytes().to_vec();
    let utf16_be = |character| (character as u16).to_be_bytes().to_vec();
    let utf32_le = |character| u32::from(character).to_le_bytes().to_vec();
    let utf32_be = |character| u32::from(character).to_be_bytes().to_vec();
    let around = |before: &[u8], after: &[u8]| [before, PLAIN.as_bytes(), after].concat();
    let within = |text: &str| format!(r#"{{"description": "{text}"}}"#).into_bytes();
    vec![
        encoded("UTF-16LE", b"", utf16_le),
        encoded("UTF-16LE with its mark", b"\xff\xfe", utf16_le),
        encoded("UTF-16BE", b"", utf16_be),
        encoded("UTF-16BE with its mark", b"\xfe\xff", utf16_be),
        encoded("UTF-32LE", b"", utf32_le),
        encoded("UTF-32LE with its mark", b"\xff\xfe\0\0", utf32_le),
        encoded("UTF-32BE", b"", utf32_be),
        encoded("UTF-32BE with its mark", b"\0\0\xfe\xff", utf32_be),
        ("UTF-8 with a byte order mark", around(b"\xef\xbb\xbf", b"")),
        ("UTF-7", b"+AHsAIg-description+ACIAOg- +ACI-a+ACIAfQ-".to_vec()),
        ("a no-break space before", around(b"\xc2\xa0", b"")),
        ("a line separator behind", around(b"", b"\xe2\x80\xa8")),
        ("a form feed before", around(b"\x0c", b"")),
        ("NUL before", around(b"\0", b"")),
        ("NUL behind", around(b"", b"\0")),
        ("NUL within a string", within("a\0b")),
        ("a raw line end within a string", within("a\nb")),
        ("a raw escape character within a string", within("a\u{1b}[2J")),
        ("an escaped lone high surrogate", within(r"\ud800")),
        ("an escaped lone low surrogate", within(r"a\udc00")),
        ("escaped surrogates in the wrong order", within(r"\udc00\ud800")),
        (
            "an escaped high surrogate before a letter",
            within(r"\ud800\u0041"),
        ),
        ("two escaped high surrogates", within(r"\ud83d\ud83d")),
        ("a high surrogate, escaped, at the end", within(r"\ud83d\")),
        ("a lone surrogate as a name", br#"{"\ud800": 1}"#.to_vec()),
        ("an escape of two digits", within(r"\u12")),
        ("an escape without digits", within(r"\uZZZZ")),
        ("an escape that JSON does not have", within(r"\x41")),
        ("a name that is no UTF-8", b"{\"\xff\": 1}".to_vec()),
        ("bytes outside of any string", b"{\xc3\xa9: 1}".to_vec()),
    ]
}

/// JSON that a task does not take.
const REFUSED: [(&str, &str, &[&str]); 6] = [
    (
        "an escaped NUL in a description",
        r#"{"description": "a\u0000b"}"#,
        &["/description nul-character"],
    ),
    (
        "an escaped NUL as a key",
        r#"{"description": "a", "externalId": "\u0000"}"#,
        &["/externalId not-printable"],
    ),
    (
        "a line end in a key",
        r#"{"description": "a", "externalId": "a\nb"}"#,
        &["/externalId not-printable"],
    ),
    (
        "an escaped NUL as a category",
        r#"{"description": "a", "categories": ["\u0000"]}"#,
        &["/categories/0 nul-character"],
    ),
    (
        "an escaped NUL in a name",
        r#"{"description": "a", "b\u0000": 1}"#,
        &["/b\0 unknown-field"],
    ),
    (
        "spaces of every script",
        r#"{"description": "\u00a0\u2003\u3000\t\n"}"#,
        &["/description blank"],
    ),
];

/// Descriptions that look worse than they are.
const TAKEN: [(&str, &str); 7] = [
    ("an escaped pair of surrogates", r"\ud83d\ude00"),
    ("a character of four bytes", "\u{1f600}"),
    ("the last character of all", "\u{10ffff}"),
    ("what is no character", r"\uffff\ufffe"),
    (
        "text from right to left, and overridden",
        "\u{202e}abc \u{5d0}\u{5d1}",
    ),
    (
        "ten marks on one letter",
        r"a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a",
    ),
    ("a raw line separator and a raw DEL", "a\u{2028}b\u{7f}"),
];
