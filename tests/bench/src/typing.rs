//! What people do to a word when they type it.

use fastrand::Rng;

/// Leaves the first letters, at least one.
pub fn cut(random: &mut Rng, word: &mut String) {
    let length = random.usize(1..=word.chars().count());
    *word = word.chars().take(length).collect();
}

/// One letter after the first missing, doubled or swapped with its neighbour; nothing in a word of fewer than three.
pub fn mistype(random: &mut Rng, word: &mut String) {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 3 {
        return;
    }
    let at = random.usize(1..letters.len() - 1);
    match random.u8(..3) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        _ => letters.swap(at, at + 1),
    }
    *word = letters.into_iter().collect();
}
