//! How a text is split into words: by the word boundaries of UAX #29, as Lucene's standard tokenizer has them, and in lower
//! case. Every engine's index and every query are split alike, so that every family finds the same tasks.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::pool::{Pool, PoolGuard};
use regex_automata::{Anchored, Input, MatchKind};

/// The longest word, in UTF-16 code units: a longer one is cut there, and the rest is a word of its own.
const LONGEST: usize = 255;

/// The words of a text, in order and in lower case.
pub fn words(text: &str) -> Vec<String> {
    WordSplitter::default().words(text)
}

/// In lower case, character by character: the final sigma is not special, and İ becomes i, so that a word has as many
/// characters as before.
pub fn lowercase(text: &str) -> String {
    text.chars().map(lowercase_char).collect()
}

/// One character as [`lowercase`] has it.
pub fn lowercase_char(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Finds one word after the other.
pub struct WordSplitter {
    cache: PoolGuard<'static, Cache, fn() -> Cache>,
}

impl Default for WordSplitter {
    fn default() -> Self {
        Self { cache: CACHES.get() }
    }
}

impl Clone for WordSplitter {
    /// Another one: which of them finds a word makes no difference.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl WordSplitter {
    /// The words of a text, in order and in lower case.
    pub fn words(&mut self, text: &str) -> Vec<String> {
        std::iter::successors(self.next(text, 0), |word| self.next(text, word.end))
            .map(|word| lowercase(&text[word]))
            .collect()
    }

    /// Where the first word at `from` or behind it stands, in bytes; `None` when there is none. `from` is where a character
    /// begins, or the end of the text.
    pub fn next(&mut self, text: &str, from: usize) -> Option<Range<usize>> {
        let mut start = from;
        while let Some(c) = text[start..].chars().next() {
            if let Some(end) = self.end(text, start) {
                return Some(start..end);
            }
            start += c.len_utf8();
        }
        None
    }

    /// The end of the word that begins at `start`, if one does.
    fn end(&mut self, text: &str, start: usize) -> Option<usize> {
        let window = &text[..start + window(&text[start..])];
        let input = Input::new(window).range(start..).anchored(Anchored::Yes);
        // The search can only fail when it gives up, which a lazy automaton with its default configuration never does.
        let found = GRAMMAR.try_search_fwd(&mut self.cache, &input).ok().flatten()?;
        (found.offset() > start).then(|| found.offset())
    }
}

/// How many bytes of the text [`LONGEST`] has room for.
fn window(text: &str) -> usize {
    let mut room = LONGEST;
    for (at, c) in text.char_indices() {
        match room.checked_sub(c.len_utf16()) {
            Some(left) => room = left,
            None => return at,
        }
    }
    text.len()
}

/// What was learned of the grammar so far. To learn it anew takes longer than to split the text of a search.
static CACHES: LazyLock<Pool<Cache, fn() -> Cache>> = LazyLock::new(|| Pool::new(|| GRAMMAR.create_cache()));

static GRAMMAR: LazyLock<Arc<DFA>> = LazyLock::new(|| {
    let grammar = DFA::builder()
        // All matches, so that the last one, which is the longest, is the one that counts.
        .configure(DFA::config().match_kind(MatchKind::All))
        .build(&grammar());
    #[allow(
        clippy::expect_used,
        reason = "the grammar is constant, and every test of this crate builds it"
    )]
    Arc::new(grammar.expect("the grammar is a regular expression"))
});

/// The version of Unicode by which Lucene splits: characters that are younger stand in no word. For the few older ones
/// that have changed class since, the classes below say what they were.
const AGE: &str = r"\p{age=12.1}";

/// What may follow a character without ending the word (rule WB4): marks, and format characters, among them the signs
/// that stand before Arabic, Syriac and Kaithi numbers.
fn extenders() -> String {
    format!(r"[[\p{{wb=Format}}\p{{wb=Extend}}\p{{wb=ZWJ}}{NUMBER_SIGNS}]&&{AGE}]")
}

const NUMBER_SIGNS: &str = r"\x{600}-\x{605}\x{6dd}\x{70f}\x{8e2}\x{110bd}\x{110cd}";

/// A character of a class and what follows it.
fn extended(class: &str) -> String {
    format!("(?:[{class}&&{AGE}]{}*)", extenders())
}

fn grammar() -> String {
    let not_letters = r"\x{2e5}-\x{2eb}\x{55a}\x{58a}\x{70f}\x{a708}-\x{a716}";
    let letter = extended(&format!(
        r"[[\p{{wb=ALetter}}\p{{wb=Hebrew_Letter}}]--[{not_letters}]]"
    ));
    let hebrew = extended(r"\p{wb=Hebrew_Letter}");
    let digit = extended(&format!(
        r"[[\p{{wb=Numeric}}\x{{ff10}}-\x{{ff19}}]--[{NUMBER_SIGNS}\x{{19da}}]]"
    ));
    let katakana = extended(r"\p{wb=Katakana}");
    let joiner = extended(r"\p{wb=ExtendNumLet}");
    let in_word = extended(r"[[\p{wb=MidLetter}\p{wb=MidNumLet}']--[\x{55f}]]");
    let in_number = extended(r"[\p{wb=MidNum}\p{wb=MidNumLet}'\x{fe10}\x{fe14}]");
    let single_quote = extended("'");
    let double_quote = extended("\"");

    // Letters and digits, joined by what may stand inside words and inside numbers; runs of katakana; and both of them
    // joined by underscores and the like.
    let letters = format!("{letter}(?:(?:{joiner}*|{in_word}){letter})*");
    let digits = format!("{digit}(?:(?:{joiner}*|{in_number}){digit})*");
    let hebrew_quoted = format!("{hebrew}(?:{single_quote}|{double_quote}{hebrew})");
    let run = format!("(?:{katakana}(?:{joiner}*{katakana})*|(?:{letters}|{digits}|{hebrew_quoted})+)");
    let word = format!("{joiner}*{run}(?:{joiner}+{run})*{joiner}*");

    let single = extended(r"[[\p{Han}\p{Hiragana}]--[\x{16fe2}]]");
    [word, south_east_asian(), single, emoji()].join("|")
}

/// Runs of the scripts that are written without spaces and need a dictionary to be split, by their line-breaking class
/// Complex_Context: all but their digits and punctuation.
fn south_east_asian() -> String {
    let scripts = r"\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}\p{sc=Tai_Le}\p{sc=New_Tai_Lue}\p{sc=Tai_Tham}\p{sc=Tai_Viet}\p{sc=Ahom}";
    let signs = r"\x{109e}\x{109f}\x{19da}\x{19de}\x{19df}\x{1aa0}-\x{1aa6}\x{1aa8}-\x{1aad}\x{aa77}-\x{aa79}\x{aade}\x{aadf}\x{1173a}\x{1173b}\x{1173f}";
    let class = format!(r"[[[{scripts}]&&[\p{{L}}\p{{M}}\p{{Cf}}{signs}]]--[\x{{1a7f}}]]");
    format!("{}+", extended(&class))
}

/// Emoji sequences of UTS #51: pictographs, with a skin tone, joined by ZWJ or followed by tags; keycaps; flags.
fn emoji() -> String {
    // The presentation selectors are part of the sequences' own grammar.
    let followed = |class: &str| format!(r"(?:{class}[{}--[\x{{fe0e}}\x{{fe0f}}]]*)", extenders());
    let no_pictographs = r"\p{wb=Regional_Indicator}0-9\#*©®™\x{3030}\x{303d}\p{Emoji_Modifier}";
    // Code points that were set aside for pictographs are in the class although no character is there yet.
    let pictograph = followed(&format!(
        r"[\p{{Extended_Pictographic}}\x{{1fb00}}-\x{{1fbff}}[[\p{{Emoji}}--[{no_pictographs}]]&&{AGE}]]"
    ));
    let base = followed(&format!(r"[\p{{Emoji_Modifier_Base}}&&{AGE}]"));
    let modifier = followed(r"\p{Emoji_Modifier}");
    let element = format!(r"(?:\x{{200d}}*{pictograph}\x{{fe0f}}?|(?:\x{{200d}}*{base})?{modifier})");
    let tags = r"[\x{e0020}-\x{e007e}]+\x{e007f}";
    let keycap = format!(r"{}\x{{fe0f}}?{}", followed(r"[0-9\#*]"), followed(r"\x{20e3}"));
    let flag = format!("{}{{2}}", extended(r"\p{wb=Regional_Indicator}"));
    format!(r"{element}(?:(?:\x{{200d}}{element})*|{tags})|{keycap}|{flag}")
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_and_numbers_keep_what_stands_inside_them() {
        assert_eq!(
            words("It's 1,000.5 x_y (a.b) a,b 1:2"),
            ["it's", "1,000.5", "x_y", "a.b", "a", "b", "1", "2"]
        );
    }

    #[test]
    fn han_and_hiragana_are_single_and_other_runs_whole() {
        assert_eq!(
            words("日本ひらカタカナ한국어"),
            ["日", "本", "ひ", "ら", "カタカナ", "한국어"]
        );
        assert_eq!(words("ภาษาไทย ខ្មែរ"), ["ภาษาไทย", "ខ្មែរ"]);
    }

    #[test]
    fn an_emoji_sequence_is_a_word() {
        assert_eq!(words("👩‍👩‍👧‍👦🇩🇪1️⃣👍🏽"), ["👩‍👩‍👧‍👦", "🇩🇪", "1️⃣", "👍🏽"]);
    }

    #[test]
    fn a_long_word_is_cut_and_its_rest_is_a_word() {
        let found = words(&"x".repeat(300));
        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [255, 45]);
        let found = words(&"𐐀".repeat(128));
        assert_eq!(
            found.iter().map(|word| word.chars().count()).collect::<Vec<_>>(),
            [127, 1]
        );
    }

    #[test]
    fn lower_case_is_character_by_character() {
        assert_eq!(words("İSTANBUL ΣΊΣΥΦΟΣ ǅ"), ["istanbul", "σίσυφοσ", "ǆ"]);
    }
}
