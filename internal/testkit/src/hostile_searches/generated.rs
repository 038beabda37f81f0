//! Texts made by chance, from a seed that never changes.

use fastrand::Rng;

const SEED: u64 = 0x7a5c;

/// How many of each kind.
const EACH: usize = 24;

type Kind = (&'static str, fn(&mut Rng) -> String);

const KINDS: [Kind; 16] = [
    ("operators", operators),
    ("decorated words", decorated_words),
    ("regular expression bomb", bomb),
    ("a plane of unicode", plane),
    ("all planes of unicode", all_planes),
    ("piled marks", piled_marks),
    ("controls and directions", controls),
    ("emoji", emoji),
    ("long words", long_words),
    ("beginnings", beginnings),
    ("words like many others", similar_words),
    ("words with typos", misspelt_words),
    ("json", json),
    ("quotes and exclusions", quotes),
    ("scripts", scripts),
    ("too much", too_much),
];

/// What each of them is, and the text.
pub(super) fn texts() -> Vec<(&'static str, String)> {
    let mut rng = Rng::with_seed(SEED);
    let mut texts = Vec::new();
    for (name, make) in KINDS {
        texts.extend((0..EACH).map(|_| (name, make(&mut rng))));
    }
    texts
}

/// Words that texts are full of, so that there is something to find, and much that is like them.
const WORDS: [&str; 40] = [
    "the",
    "this",
    "that",
    "there",
    "these",
    "their",
    "then",
    "than",
    "with",
    "will",
    "would",
    "could",
    "should",
    "from",
    "form",
    "have",
    "having",
    "which",
    "where",
    "when",
    "library",
    "version",
    "release",
    "function",
    "feature",
    "default",
    "support",
    "example",
    "documentation",
    "implementation",
    "change",
    "changed",
    "return",
    "returns",
    "value",
    "values",
    "error",
    "errors",
    "test",
    "type",
];

const OPERATORS: [&str; 36] = [
    "AND", "OR", "NOT", "TO", "&&", "||", "!", "+", "-", "(", ")", "[", "]", "{", "}", "^", "^2", "~", "~1",
    "*", "?", ":", "\\", "/", "\"", "'", "<", ">", "=", ";", "--", "$", "%", "|", "@", "#",
];

fn word(rng: &mut Rng) -> &'static str {
    WORDS[rng.usize(..WORDS.len())]
}

fn several(rng: &mut Rng, count: std::ops::Range<usize>, one: impl Fn(&mut Rng) -> String) -> Vec<String> {
    let count = rng.usize(count);
    (0..count).map(|_| one(rng)).collect()
}

/// As much of it as may be typed.
fn cut(text: &str) -> String {
    text.chars().take(1_024).collect()
}

fn operators(rng: &mut Rng) -> String {
    let parts = several(rng, 2..40, |rng| match rng.u8(..4) {
        0 => word(rng).to_owned(),
        _ => OPERATORS[rng.usize(..OPERATORS.len())].to_owned(),
    });
    parts.join(if rng.bool() { "" } else { " " })
}

fn decorated_words(rng: &mut Rng) -> String {
    let parts = several(rng, 2..16, |rng| {
        let decoration = OPERATORS[rng.usize(..OPERATORS.len())];
        match rng.u8(..3) {
            0 => format!("{decoration}{}", word(rng)),
            1 => format!("{}{decoration}", word(rng)),
            _ => format!(
                "{}:{}{decoration}",
                ["description", "_id", "deleted"][rng.usize(..3)],
                word(rng)
            ),
        }
    });
    parts.join(" ")
}

fn bomb(rng: &mut Rng) -> String {
    let mut pattern = format!("{}", rng.char('a'..='e'));
    for _ in 0..rng.usize(3..40) {
        let more = ["+", "*", "{1,99}", "?", "|a", "|aa", ".*"][rng.usize(..7)];
        pattern = format!("({pattern}{more})");
    }
    let wrapped = if rng.bool() {
        format!("/{pattern}+$/")
    } else {
        pattern
    };
    cut(&wrapped)
}

fn plane(rng: &mut Rng) -> String {
    let first = u32::from(rng.u8(..17)) << 16;
    character_soup(rng, first, first + 0x1_0000)
}

fn all_planes(rng: &mut Rng) -> String {
    character_soup(rng, 0, 0x11_0000)
}

/// Characters of this range, assigned or not, with a space now and then.
fn character_soup(rng: &mut Rng, first: u32, end: u32) -> String {
    let count = rng.usize(1..120);
    let characters = (0..count).filter_map(|place| match place % 9 {
        8 => Some(' '),
        _ => char::from_u32(rng.u32(first..end)),
    });
    // Never blank, which would be no text.
    format!("x{}", characters.collect::<String>())
}

fn piled_marks(rng: &mut Rng) -> String {
    let piles = several(rng, 1..8, |rng| {
        let marks = several(rng, 1..120, |rng| rng.char('\u{300}'..='\u{36f}').to_string());
        format!("{}{}", word(rng), marks.concat())
    });
    cut(&piles.join(" "))
}

fn controls(rng: &mut Rng) -> String {
    let parts = several(rng, 4..60, |rng| match rng.u8(..5) {
        0 => word(rng).to_owned(),
        1 => rng.char('\0'..='\u{1f}').to_string(),
        2 => rng.char('\u{80}'..='\u{9f}').to_string(),
        3 => rng.char('\u{2066}'..='\u{2069}').to_string(),
        _ => rng.char('\u{200b}'..='\u{202e}').to_string(),
    });
    format!("x{}", parts.concat())
}

fn emoji(rng: &mut Rng) -> String {
    let parts = several(rng, 1..100, |rng| match rng.u8(..6) {
        0 => "\u{200d}".to_owned(),
        1 => rng.char('\u{1f3fb}'..='\u{1f3ff}').to_string(),
        2 => rng.char('\u{1f1e6}'..='\u{1f1ff}').to_string(),
        3 => "\u{fe0f}\u{20e3}".to_owned(),
        _ => rng.char('\u{1f300}'..='\u{1faff}').to_string(),
    });
    format!("{}{}", rng.u8(..10), parts.concat())
}

fn long_words(rng: &mut Rng) -> String {
    let words = several(rng, 1..6, |rng| {
        let length = [31, 32, 33, 64, 254, 255, 256, 500][rng.usize(..8)];
        let letters = if rng.bool() { 'a'..='b' } else { 'a'..='z' };
        (0..length).map(|_| rng.char(letters.clone())).collect()
    });
    cut(&words.join(" "))
}

fn beginnings(rng: &mut Rng) -> String {
    let parts = several(rng, 1..128, |rng| {
        let word = word(rng);
        word[..rng.usize(1..=2)].to_owned()
    });
    parts.join(" ")
}

/// Short words of few letters: of each, there are many that differ in one.
fn similar_words(rng: &mut Rng) -> String {
    let words = several(rng, 1..33, |rng| {
        let letters = ['a', 'e', 'i', 's', 't', 'r', 'n', 'o'];
        (0..rng.usize(3..=6))
            .map(|_| letters[rng.usize(..letters.len())])
            .collect()
    });
    words.join(" ")
}

/// As many words as are forgiven a typo, with one or two each.
fn misspelt_words(rng: &mut Rng) -> String {
    let count = [13, 20, 31, 32][rng.usize(..4)];
    let words = several(rng, count..count + 1, |rng| {
        let mut letters: Vec<char> = word(rng).chars().collect();
        for _ in 0..rng.usize(1..=2) {
            let place = rng.usize(1..letters.len());
            letters[place] = rng.char('a'..='z');
        }
        letters.into_iter().collect()
    });
    cut(&words.join(" "))
}

fn json(rng: &mut Rng) -> String {
    let mut text = format!("\"{}\"", word(rng));
    for _ in 0..rng.usize(1..30) {
        let name = [
            "query",
            "bool",
            "must",
            "match_all",
            "script",
            "wildcard",
            "regexp",
            "terms",
        ][rng.usize(..8)];
        text = match rng.u8(..3) {
            0 => format!("[{text},{}]", rng.i32(..)),
            _ => format!("{{\"{name}\":{text}}}"),
        };
    }
    cut(&text)
}

fn quotes(rng: &mut Rng) -> String {
    let parts = several(rng, 1..20, |rng| {
        let words = several(rng, 1..5, |rng| word(rng).to_owned()).join(" ");
        match rng.u8(..7) {
            0 => format!("\"{words}\""),
            1 => format!("-\"{words}\""),
            2 => format!("“{words}”"),
            3 => format!("\"{words}"),
            4 => format!("-{words}"),
            5 => format!("{words}\"-\""),
            _ => words,
        }
    });
    parts.join(if rng.bool() { " " } else { "" })
}

fn scripts(rng: &mut Rng) -> String {
    let blocks = [
        ('\u{4e00}', '\u{9fff}'),
        ('\u{3041}', '\u{3096}'),
        ('\u{30a1}', '\u{30fa}'),
        ('\u{e01}', '\u{e30}'),
        ('\u{ac00}', '\u{d7a3}'),
        ('\u{900}', '\u{97f}'),
        ('\u{5d0}', '\u{5ea}'),
        ('\u{627}', '\u{64a}'),
        ('\u{1780}', '\u{17b3}'),
        ('\u{20000}', '\u{2a6d6}'),
        ('\u{400}', '\u{4ff}'),
        ('\u{370}', '\u{3ff}'),
    ];
    let parts = several(rng, 1..12, |rng| {
        let (first, last) = blocks[rng.usize(..blocks.len())];
        several(rng, 1..12, |rng| rng.char(first..=last).to_string()).concat()
    });
    parts.join(if rng.bool() { " " } else { "" })
}

/// Beyond some limit.
fn too_much(rng: &mut Rng) -> String {
    let (least, word): (usize, fn(&mut Rng) -> String) = match rng.u8(..4) {
        0 => (129, |rng| rng.char('a'..='z').to_string()),
        1 => (17, |rng| format!("-{}", word(rng))),
        2 => (17, |rng| format!("\"{}\"", word(rng))),
        _ => (10_000, |rng| word(rng).to_owned()),
    };
    several(rng, least..least + 200, word).join(" ")
}
