//! What the engines are compared by.

use fastrand::Rng;

/// Texts of scripts and signs that a tokenizer can get wrong, each of which is a task's description.
pub const AWKWARD: &[&str] = &[
    "Déjà vu: l'été à Besançon, où naïveté rime avec œuvre",
    "ÜBERGRÖSSE Straße STRASSE groß Größe",
    "İstanbul'da ılık bir IŞIK",
    "Ελλάδα και ΣΊΣΥΦΟΣ, η Οδύσσεια του Οδυσσέα",
    "Ёлка и ёжик в лесу; съешь же ещё этих мягких французских булок",
    "e\u{301}te\u{301} combining, and été precomposed",
    "你好世界,今天天气很好。 学习中文",
    "東京都に住んでいます。カタカナとひらがなと漢字",
    "パーティー ﾊﾟｰﾃｨｰ コンピューター",
    "한국어 문장을 나누는 방법, 대한민국",
    "ภาษาไทยไม่มีช่องว่าง ทดสอบ",
    "ខ្មែរ ភាសាខ្មែរ",
    "ພາສາລາວ ທົດສອບ",
    "မြန်မာဘာသာ စမ်းသပ်",
    "नमस्ते दुनिया, हिन्दी में काम",
    "שלום עולם, צה\"ל ג'ירפה",
    "مرحبا بالعالم، ٣٫١٤ و١٬٠٠٠",
    "family 👩‍👩‍👧‍👦 flags 🇩🇪🇫🇷 thumbs 👍🏽 keycap 1️⃣ heart ❤️ pirate 🏴‍☠️ wales 🏴󠁧󠁢󠁷󠁬󠁳󠁿",
    "rocket 🚀 launch 🚀🚀 at dawn",
    "snake_case camelCase kebab-case dotted.name a_b__c",
    "it's o'clock rock'n'roll ‘quoted’ “double”",
    "3.14 1,000,000 1.2.3 10:30 v1.2.3-beta.4 0x1F 50% $9.99",
    "user@example.com https://example.com/a/b?c=d&e=f#g 192.168.0.1",
    "zero\u{200b}width soft\u{ad}hyphen no\u{a0}break narrow\u{202f}space",
    "fullwidth ＡＢＣ １２３ ligature ﬁnance Roman Ⅷ half ½ power x²",
    "mathematical 𝒜𝓁𝓅𝒽𝒶 𝟙𝟚𝟛 Deseret 𐐔𐐯𐑅𐐨𐑉𐐯𐐻",
    "\u{202e}right to left\u{202c} bidi",
    "!!! ... --- ??? ***",
];

/// A word longer than any index keeps whole.
pub fn long_word(letter: &str, count: usize) -> String {
    format!("long {} end", letter.repeat(count))
}

/// Queries of words that some text has: whole, with the last one cut, and with typos.
pub fn derived(texts: &[String], count: usize) -> Vec<String> {
    let mut random = Rng::with_seed(5);
    let mut queries = Vec::with_capacity(count);
    while queries.len() < count {
        let text = &texts[random.usize(..texts.len())];
        let words: Vec<&str> = text.split_whitespace().collect();
        let length = random.usize(1..=3).min(words.len());
        let start = random.usize(..=words.len() - length);
        let mut words: Vec<String> = words[start..start + length]
            .iter()
            .map(|&word| word.to_owned())
            .collect();
        match random.u8(..3) {
            0 => {}
            1 => cut(&mut random, &mut words[length - 1]),
            _ => {
                let which = random.usize(..length);
                mistype(&mut random, &mut words[which]);
            }
        }
        queries.push(words.join(" "));
    }
    queries
}

fn cut(random: &mut Rng, word: &mut String) {
    let length = random.usize(1..=word.chars().count());
    *word = word.chars().take(length).collect();
}

/// One letter missing, doubled or swapped with its neighbour.
fn mistype(random: &mut Rng, word: &mut String) {
    let mut letters: Vec<char> = word.chars().collect();
    let at = random.usize(..letters.len());
    match random.u8(..3) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        _ => letters.swap(at, (at + 1) % word.chars().count()),
    }
    *word = letters.into_iter().collect();
}

/// One of each class of UAX #29, and what is odd among them; a space between two.
const SIGNS: &str = "a Z é e\u{301} 1 ٣ 9 _ ‿ . , ' ’ : · \" א ב ア ー ﾊ ひ 漢 한 ᄀ ก ា ခ ລ - / 😀 👩 👩🏽 🏽 \u{200d} \u{fe0f} \u{fe0e} \u{20e3} # * 🇩 🇪 \u{ad} \u{301} \u{200b} \u{2060} © ™ 〰 ❤ \u{e0067} \u{e007f} 🏴 𐐀 x ² ½ Ⅷ İ ß ﬁ ς Σ ǅ ; \u{202f} \u{a0} ０ \u{3000} 、 ۔ \u{6dd} \u{600} 𝟙 ㋿ ♂ \u{180e} \u{1a7f} ᧚ \u{fe10}";

/// Strings of characters that classes of UAX #29 are about, in any order.
pub fn scrambled(count: usize) -> Vec<String> {
    let signs: Vec<&str> = SIGNS.split(' ').chain([" "]).collect();
    let mut random = Rng::with_seed(3);
    let mut one = || -> String {
        (0..random.usize(2..=14))
            .map(|_| signs[random.usize(..signs.len())])
            .collect()
    };
    (0..count).map(|_| one()).collect()
}

/// The letter without its accent.
pub fn plain(c: char) -> char {
    const PLAIN: [(&str, char); 11] = [
        ("àáâãäåā", 'a'),
        ("çčć", 'c'),
        ("èéêëēę", 'e'),
        ("ìíîïī", 'i'),
        ("ñńň", 'n'),
        ("òóôõöøō", 'o'),
        ("řŕ", 'r'),
        ("šśş", 's'),
        ("ùúûüū", 'u'),
        ("ýÿ", 'y'),
        ("žźż", 'z'),
    ];
    let known = PLAIN.iter().find(|(accented, _)| accented.contains(c));
    known.map_or(c, |(_, plain)| *plain)
}
