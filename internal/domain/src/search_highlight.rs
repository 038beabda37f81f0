//! Why a text was found: the parts of it in which a search's words stand.

use std::collections::HashMap;
use std::ops::Range;

use crate::words::{WordSplitter, lowercase};
use crate::{Likeness, SearchText};

/// About how long a fragment is, in bytes. A text that is not much longer is one fragment.
const FRAGMENT: usize = 160;
/// About how much stands in front of the first word found.
const LEAD: usize = 40;

/// Shows where the words of a search stand in texts that it found. Words are compared as an index compares them, so that
/// every engine's results look alike.
pub struct Highlighter<'a> {
    text: &'a SearchText,
    likenesses: Vec<Likeness>,
    splitter: WordSplitter,
    /// Whether a word seen before is one of those typed.
    known: HashMap<String, bool>,
}

impl<'a> Highlighter<'a> {
    /// The most fragments of one text.
    pub const MOST_FRAGMENTS: usize = 3;

    /// For the results of a search for this text.
    pub fn of(text: &'a SearchText) -> Self {
        let likenesses = text.words().iter().map(|word| text.likeness(&word.word));
        Self {
            text,
            likenesses: likenesses.collect(),
            splitter: WordSplitter::default(),
            known: HashMap::new(),
        }
    }

    /// Fragments of HTML, in the order of the text, in which every word found is in `<em>` and everything else is escaped.
    /// A fragment that is cut from its surroundings has `…` there. None when no word stands in the text.
    pub fn fragments(&mut self, text: &str) -> Vec<String> {
        let marked = self.marked(text);
        let mut rest = &marked[..];
        let mut fragments = Vec::new();
        let mut from = 0;
        while let Some(first) = rest.first().filter(|_| fragments.len() < Self::MOST_FRAGMENTS) {
            let mut part = surroundings(text, from, first);
            // Without spaces, the end can fall into a word: that one is shown whole.
            let inside = rest.iter().take_while(|word| word.start < part.end).count();
            let (now, later) = rest.split_at(inside);
            part.end = now.last().map_or(part.end, |last| last.end.max(part.end));
            fragments.push(html(text, &part, now));
            (rest, from) = (later, part.end);
        }
        fragments
    }

    /// Where the words found stand.
    fn marked(&mut self, text: &str) -> Vec<Range<usize>> {
        let mut words = Vec::new();
        let mut from = 0;
        while let Some(at) = self.splitter.next(text, from) {
            from = at.end;
            words.push((lowercase(&text[at.clone()]), at));
        }
        let mut is_marked: Vec<bool> = words.iter().map(|(word, _)| self.is_typed(word)).collect();
        for phrase in self.text.phrases() {
            for start in 0..(words.len() + 1).saturating_sub(phrase.len()) {
                let window = &words[start..start + phrase.len()];
                if window
                    .iter()
                    .zip(phrase)
                    .all(|((word, _), wanted)| *word == wanted.word)
                {
                    is_marked[start..start + phrase.len()].fill(true);
                }
            }
        }
        let marked = words
            .into_iter()
            .zip(is_marked)
            .filter(|(_, is_marked)| *is_marked);
        marked.map(|((_, at), _)| at).collect()
    }

    fn is_typed(&mut self, word: &str) -> bool {
        if let Some(&known) = self.known.get(word) {
            return known;
        }
        let typed = self.text.words();
        let open = typed.last().filter(|_| self.text.last_is_open());
        let is_typed = open.is_some_and(|last| word.starts_with(&last.word))
            || typed.iter().zip(&self.likenesses).any(|(typed, likeness)| {
                typed.word == word || (likeness.typos() > 0 && likeness.of(word).is_some())
            });
        self.known.insert(word.to_owned(), is_typed);
        is_typed
    }
}

/// The part of a text that shows a word: not in front of `from`, and cut between words where there are spaces.
fn surroundings(text: &str, from: usize, word: &Range<usize>) -> Range<usize> {
    if text.len() <= FRAGMENT * 5 / 4 {
        return 0..text.len();
    }
    let start = floor(text, word.start.saturating_sub(LEAD).max(from));
    let start = match text[start..word.start].find(char::is_whitespace) {
        Some(space) if start > from => start + space,
        _ => start,
    };
    let end = floor(text, (start + FRAGMENT).min(text.len())).max(word.end);
    let end = match text[word.end..end].rfind(char::is_whitespace) {
        Some(space) if end < text.len() => word.end + space,
        _ => end,
    };
    start..end
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

fn html(text: &str, part: &Range<usize>, words: &[Range<usize>]) -> String {
    let mut html = String::new();
    if part.start > 0 {
        html.push('…');
    }
    let mut at = part.start;
    if part.start > 0 {
        at += text[at..].len() - text[at..].trim_start().len();
    }
    for word in words {
        escape(&text[at.min(word.start)..word.start], &mut html);
        html.push_str("<em>");
        escape(&text[word.clone()], &mut html);
        html.push_str("</em>");
        at = word.end;
    }
    escape(&text[at..part.end.max(at)], &mut html);
    if part.end < text.len() {
        html.push('…');
    }
    html
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str, text: &str) -> Vec<String> {
        let query = SearchText::parse(query.to_owned()).unwrap().unwrap();
        Highlighter::of(&query).fragments(text)
    }

    #[test]
    fn words_beginnings_typos_and_phrases_are_marked_and_nothing_else() {
        for (query, text, wanted) in [
            (
                "milk",
                "Buy MILK, milky mill",
                "Buy <em>MILK</em>, <em>milky</em> <em>mill</em>",
            ),
            ("milk ", "Buy milk, milkier", "Buy <em>milk</em>, milkier"),
            (
                "gardne plants",
                "water the garden plants",
                "water the <em>garden</em> <em>plants</em>",
            ),
            ("\"oat milk\"", "milk oat milk", "milk <em>oat</em> <em>milk</em>"),
            ("buy -bread", "buy bred", "<em>buy</em> bred"),
            ("世界", "你好世界", "你好<em>世</em><em>界</em>"),
        ] {
            assert_eq!(shown(query, text), [wanted], "{query}");
        }
        assert_eq!(shown("-bread", "buy milk"), [""; 0]);
        assert_eq!(shown("\"milk oat\"", "oat milk"), [""; 0]);
    }

    #[test]
    fn everything_but_the_marks_is_escaped() {
        assert_eq!(
            shown("script ", "<script>alert('x & \"y\"')</script> <em>"),
            [
                "&lt;<em>script</em>&gt;alert(&#39;x &amp; &quot;y&quot;&#39;)&lt;/<em>script</em>&gt; &lt;em&gt;"
            ]
        );
    }

    #[test]
    fn a_long_text_is_shown_in_parts_that_begin_and_end_between_words() {
        let long = format!(
            "{0}needle {0}needle {0}needle {0}needle {0}",
            "some other words ".repeat(30)
        );
        let shown = shown("needle ", &long);
        assert_eq!(shown.len(), Highlighter::MOST_FRAGMENTS);
        for fragment in shown {
            let inside = fragment
                .strip_prefix('…')
                .and_then(|rest| rest.strip_suffix('…'))
                .unwrap();
            assert_eq!(inside.matches("<em>needle</em>").count(), 1, "{fragment}");
            let words = inside
                .split(' ')
                .all(|word| ["some", "other", "words", "<em>needle</em>"].contains(&word));
            assert!(words, "{fragment}");
            assert!((100..220).contains(&fragment.len()), "{fragment}");
        }
    }

    #[test]
    fn no_text_breaks_it() {
        let units = [
            "é",
            "漢",
            "👩‍👩‍👧‍👦 ",
            "x",
            "\u{301}",
            "a\u{3000}",
            "ab,",
            "aé/",
            "\u{202f}a,",
            "👩‍👩‍👧‍👦",
            "カナ漢",
        ];
        for unit in units {
            let text = unit.repeat(4_096 / unit.chars().count());
            for query in ["é", "漢", "👩‍👩‍👧‍👦", "x", "a", "\"a a\"", "ab", "aé", "カナ"]
            {
                for fragment in shown(query, &text) {
                    assert!(fragment.contains("<em>"), "{fragment}");
                }
            }
        }
    }

    #[test]
    fn a_word_at_the_end_of_a_fragment_is_shown_once_and_whole() {
        let shown = shown("ab ", &"ab,".repeat(200));
        assert_eq!(shown.len(), Highlighter::MOST_FRAGMENTS);
        for fragment in shown {
            let inside = fragment.trim_matches('…').replace("<em>ab</em>", "");
            assert!(inside.chars().all(|c| c == ','), "{fragment}");
        }
    }
}
