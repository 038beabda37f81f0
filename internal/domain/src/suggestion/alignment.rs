//! Which words of a text stand for the words typed.

use std::ops::Range;

use super::MistypedWord;

/// Words typed, and those that stand for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// How many of those typed: two when they are one.
    pub(super) typed: usize,
    /// Which of the text: two when a space was missing.
    pub(super) found: Range<usize>,
    /// How many typos that makes.
    pub(super) typos: usize,
}

/// Words of the text for all that were typed, with the fewest typos; the first of equals. They stand anywhere, or one
/// after the other. `None` when there are no such words.
pub(super) fn align(typed: &[MistypedWord], found: &[String], is_phrase: bool) -> Option<Vec<Step>> {
    // From the last word to the first: the best step from each place, and how many typos there are from there to the end.
    let mut table: Vec<Vec<Option<(usize, Step)>>> = vec![Vec::new(); typed.len()];
    let mut least = vec![None; typed.len()];
    for word in (0..typed.len()).rev() {
        let rest = |step: &Step| {
            let next = word + step.typed;
            match table.get(next) {
                None => Some(0),
                Some(row) if is_phrase => row.get(step.found.end)?.as_ref().map(|(typos, _)| *typos),
                Some(_) => least[next],
            }
        };
        let best = |place| {
            let steps = steps(&typed[word..], found, place).into_iter().flatten();
            let whole = steps.filter_map(|step| Some((step.typos + rest(&step)?, step)));
            whole.min_by_key(|(typos, _)| *typos)
        };
        let row: Vec<_> = (0..found.len()).map(best).collect();
        least[word] = row.iter().flatten().map(|(typos, _)| *typos).min();
        table[word] = row;
    }
    let anywhere = |word: usize| {
        let steps = table[word].iter().flatten();
        steps
            .min_by_key(|(typos, _)| *typos)
            .map(|(_, step)| step.clone())
    };
    let mut steps = vec![anywhere(0)?];
    let mut word = steps[0].typed;
    while word < typed.len() {
        let behind = steps.last().map_or(0, |step| step.found.end);
        let step = match is_phrase {
            true => table[word].get(behind)?.as_ref().map(|(_, step)| step.clone()),
            false => anywhere(word),
        }?;
        word += step.typed;
        steps.push(step);
    }
    Some(steps)
}

/// What the first of the words typed may be at a place of the text: the word there, or two of either that are one of the
/// other.
fn steps(typed: &[MistypedWord], found: &[String], place: usize) -> [Option<Step>; 3] {
    let (word, here) = (&typed[0], &found[place]);
    let typos = match word.is_open && here.starts_with(&word.word) {
        true => Some(0),
        false => word.likeness.distance_to(here),
    };
    let alike = typos.map(|typos| Step {
        typed: 1,
        found: place..place + 1,
        typos,
    });
    let rest = word.word.strip_prefix(here.as_str());
    let is_torn =
        rest.is_some_and(|rest| !rest.is_empty() && found.get(place + 1).is_some_and(|next| next == rest));
    let apart = is_torn.then_some(Step {
        typed: 1,
        found: place..place + 2,
        typos: 1,
    });
    let together = (word.with_next.as_ref() == Some(here)).then_some(Step {
        typed: 2,
        found: place..place + 1,
        typos: 1,
    });
    [alike, apart, together]
}
