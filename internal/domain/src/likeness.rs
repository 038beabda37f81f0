//! Which words are a typo away from another.

/// How many typos are forgiven at most.
const MOST: usize = 2;
/// The cells of a row that can matter: those at most [`MOST`] away from the diagonal.
const BAND: usize = 2 * MOST + 1;

/// Accepts the words that become the wanted word by a few typos: a character too many, one missing, one exchanged, or two
/// neighbours swapped (each character in at most one swap). The first character is only a typo where that is said.
///
/// It is an automaton over bytes, so that it can walk through a dictionary's own tree of words, computing one row of the
/// table of distances for each character; nothing has to be prepared for a word, however long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness {
    word: Vec<char>,
    typos: usize,
    first_is_sure: bool,
}

impl Likeness {
    /// Words with the same first character, at most this many typos away, up to two.
    pub(crate) fn to(word: &str, typos: usize) -> Self {
        Self {
            word: word.chars().collect(),
            typos: typos.min(MOST),
            first_is_sure: true,
        }
    }

    /// Words at most this many typos away, up to two, wherever they are.
    pub(crate) fn in_any_character(word: &str, typos: usize) -> Self {
        Self {
            first_is_sure: false,
            ..Self::to(word, typos)
        }
    }

    /// How many typos are forgiven.
    pub fn typos(&self) -> usize {
        self.typos
    }

    /// How like another word is: 1 for the word itself, less with every typo and the more so the shorter the shorter of the
    /// two is; `None` when it is too far away. The measure that Lucene sorts similar words by.
    pub fn of(&self, other: &str) -> Option<f32> {
        let distance = self.distance_to(other)?;
        let shorter = self.word.len().min(other.chars().count());
        (distance == 0)
            .then_some(1.0)
            .or_else(|| Some(1.0 - distance as f32 / shorter as f32))
    }

    /// How many typos another word is away; `None` when too many.
    pub(crate) fn distance_to(&self, other: &str) -> Option<usize> {
        let mut bytes = other.bytes();
        let read = bytes.try_fold(self.start(), |state, byte| {
            self.can_match(&state).then(|| self.accept(&state, byte))
        });
        self.distance(&read?)
    }

    fn distance(&self, state: &LikenessState) -> Option<usize> {
        let Reading::Characters(row) = &state.reading else {
            return None;
        };
        let cell = (self.word.len() + MOST).checked_sub(row.length)?;
        row.cells
            .get(cell)
            .map(|&distance| usize::from(distance))
            .filter(|&distance| distance <= self.typos)
    }

    /// The row after one more character.
    fn next(&self, before: &Row, c: char) -> Option<Row> {
        let length = before.length + 1;
        if self.first_is_sure && length == 1 && self.word.first() != Some(&c) {
            return None;
        }
        let mut row = Row {
            length,
            last: Some(c),
            cells: [u8::MAX; BAND],
            before: before.cells,
        };
        for cell in 0..BAND {
            let Some(at) = (length + cell)
                .checked_sub(MOST)
                .filter(|&at| at <= self.word.len())
            else {
                continue;
            };
            row.cells[cell] = self.cell(&row, before, cell, at);
        }
        let nearest = row.cells.iter().copied().min().unwrap_or(u8::MAX);
        (usize::from(nearest) <= self.typos).then_some(row)
    }

    /// The distance of what was read so far to the first `at` characters of the word. A cell of the row before stands for
    /// one character less of the word than the same cell of this row.
    fn cell(&self, row: &Row, before: &Row, cell: usize, at: usize) -> u8 {
        let one_more = before
            .cells
            .get(cell + 1)
            .copied()
            .unwrap_or(u8::MAX)
            .saturating_add(1);
        let Some(wanted) = at.checked_sub(1).map(|last| self.word[last]) else {
            return one_more;
        };
        let one_less = cell
            .checked_sub(1)
            .map_or(u8::MAX, |left| row.cells[left])
            .saturating_add(1);
        let exchanged = before.cells[cell].saturating_add(u8::from(row.last != Some(wanted)));
        let is_swap = at >= 2 && before.last == Some(wanted) && row.last == Some(self.word[at - 2]);
        let swapped = if is_swap {
            before.before[cell].saturating_add(1)
        } else {
            u8::MAX
        };
        one_more.min(one_less).min(exchanged).min(swapped)
    }
}

/// How far a word has been read by a [`Likeness`].
#[derive(Debug, Clone)]
pub struct LikenessState {
    reading: Reading,
}

#[derive(Debug, Clone)]
enum Reading {
    /// Whole characters.
    Characters(Row),
    /// Some bytes of the next character: its bits so far and how many bytes are missing.
    Inside { row: Row, bits: u32, missing: u8 },
    /// Nothing that follows can be near.
    Dead,
}

/// The distances of what was read to as many characters of the word, and up to [`MOST`] fewer or more.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// How many characters were read.
    length: usize,
    last: Option<char>,
    cells: [u8; BAND],
    /// The cells of the row before.
    before: [u8; BAND],
}

impl Likeness {
    /// Before the first byte.
    pub fn start(&self) -> LikenessState {
        // Nothing read is as far from n characters as there are of them.
        let cells = std::array::from_fn(|cell| {
            cell.checked_sub(MOST)
                .filter(|&at| at <= self.word.len())
                .map_or(u8::MAX, |at| at as u8)
        });
        let row = Row {
            length: 0,
            last: None,
            cells,
            before: [u8::MAX; BAND],
        };
        LikenessState {
            reading: Reading::Characters(row),
        }
    }

    /// Whether what was read is near enough.
    pub fn is_match(&self, state: &LikenessState) -> bool {
        self.distance(state).is_some()
    }

    /// Whether anything that begins so can be.
    pub fn can_match(&self, state: &LikenessState) -> bool {
        !matches!(state.reading, Reading::Dead)
    }

    /// After one more byte of UTF-8.
    pub fn accept(&self, state: &LikenessState, byte: u8) -> LikenessState {
        let (row, bits, missing) = match &state.reading {
            Reading::Dead => return state.clone(),
            Reading::Inside { row, bits, missing } => (row, bits << 6 | u32::from(byte & 0x3f), missing - 1),
            Reading::Characters(row) => match byte {
                0..0x80 => (row, u32::from(byte), 0),
                0x80..0xe0 => (row, u32::from(byte & 0x1f), 1),
                0xe0..0xf0 => (row, u32::from(byte & 0x0f), 2),
                0xf0.. => (row, u32::from(byte & 0x07), 3),
            },
        };
        let reading = match missing {
            0 => char::from_u32(bits)
                .and_then(|c| self.next(row, c))
                .map_or(Reading::Dead, Reading::Characters),
            _ => Reading::Inside {
                row: *row,
                bits,
                missing,
            },
        };
        LikenessState { reading }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(word: &str, other: &str, typos: usize) -> bool {
        Likeness::to(word, typos).of(other).is_some()
    }

    #[test]
    fn each_kind_of_typo_counts_once() {
        for other in [
            "water", "watr", "wter", "watter", "waters", "waxer", "wtaer", "watre",
        ] {
            assert!(is_near("water", other, 1), "{other}");
        }
        for other in ["wat", "watersx", "wxxer", "wtare", "watxxr", "w", ""] {
            assert!(!is_near("water", other, 1), "{other}");
        }
    }

    #[test]
    fn the_first_character_is_never_a_typo_and_no_more_are_forgiven_than_asked() {
        assert!(
            is_near("gadren", "garden", 2) && is_near("gxrdxn", "garden", 2) && is_near("gard", "gar", 1)
        );
        assert!(!is_near("gxrxxn", "garden", 2) && !is_near("gadrn", "garden", 1));
        assert!(!is_near("na", "no", 0) && is_near("no", "no", 0));
        assert!(!is_near("harden", "garden", 2) && !is_near("agrden", "garden", 2));
    }

    #[test]
    fn any_character_may_be_a_typo_where_that_is_said() {
        for other in ["harden", "agrden", "arden", "ngarden", "aden", "hardn", "garden"] {
            assert!(
                Likeness::in_any_character(other, 2).of("garden").is_some(),
                "{other}"
            );
            assert!(
                Likeness::in_any_character("garden", 2).of(other).is_some(),
                "{other}"
            );
        }
        assert!(Likeness::in_any_character("hxrdxn", 2).of("garden").is_none());
        assert_eq!(Likeness::in_any_character("ёлка", 1).distance_to("елка"), Some(1));
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(is_near("ёлка", "ёлки", 1) && is_near("😀😀😀", "😀😀", 1) && !is_near("😀😀", "😀😁", 0));
        assert_eq!(Likeness::to("ёлка", 1).of("ёлки"), Some(0.75));
    }

    /// The whole table, as any textbook has it.
    fn distance(a: &[char], b: &[char]) -> usize {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                if i == 0 || j == 0 {
                    table[i][j] = i + j;
                    continue;
                }
                let exchanged = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                table[i][j] = exchanged.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    table[i][j] = table[i][j].min(table[i - 2][j - 2] + 1);
                }
            }
        }
        table[a.len()][b.len()]
    }

    #[test]
    fn the_band_has_the_same_distances_as_the_whole_table() {
        // Every word of up to 5 letters of an alphabet of 2, after the first letter, against some of 3 to 7.
        let word = |length: u32, n: u32| -> Vec<char> {
            let letter = |at| if n >> at & 1 == 1 { 'é' } else { 'b' };
            std::iter::once('w').chain((0..length).map(letter)).collect()
        };
        for (length, n) in (2..=6).flat_map(|length| (0..1 << length).map(move |n| (length, n))) {
            let wanted = word(length, n);
            let typos = if wanted.len() < 6 { 1 } else { 2 };
            let likeness = Likeness::to(&String::from_iter(&wanted), typos);
            for (length, n) in (0..=7).flat_map(|length| (0..1 << length).map(move |n| (length, n))) {
                let other = word(length, n);
                let is_near = distance(&wanted, &other) <= likeness.typos;
                assert_eq!(
                    likeness.of(&String::from_iter(&other)).is_some(),
                    is_near,
                    "{wanted:?} {other:?}"
                );
                // The same without the first letter, which all have in common.
                let anywhere = Likeness::in_any_character(&String::from_iter(&wanted[1..]), typos);
                let known = anywhere.distance_to(&String::from_iter(&other[1..]));
                assert_eq!(
                    known,
                    is_near.then(|| distance(&wanted, &other)),
                    "{wanted:?} {other:?}"
                );
            }
        }
    }
}
