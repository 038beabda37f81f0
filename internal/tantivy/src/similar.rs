//! The words of the index that are like a word typed.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::io;

use tantivy::Searcher;
use tantivy::schema::Field;
use tantivy_fst::Automaton;
use taskwire_domain::{Likeness, LikenessState};

/// A likeness as the automaton that goes through the dictionary's tree of words.
#[derive(Debug)]
pub(crate) struct LikenessAutomaton<L>(pub(crate) L);

impl<L: Borrow<Likeness>> Automaton for LikenessAutomaton<L> {
    type State = LikenessState;

    fn start(&self) -> LikenessState {
        self.0.borrow().start()
    }

    fn is_match(&self, state: &LikenessState) -> bool {
        self.0.borrow().is_match(state)
    }

    fn can_match(&self, state: &LikenessState) -> bool {
        self.0.borrow().can_match(state)
    }

    fn accept(&self, state: &LikenessState, byte: u8) -> LikenessState {
        self.0.borrow().accept(state, byte)
    }
}

/// The `most` words likest to `word`, and how like they are; of equally like ones the first by their bytes. These are the
/// words that Elasticsearch takes, which is what makes both families find the same tasks.
pub(crate) fn similar(
    searcher: &Searcher,
    field: Field,
    word: &str,
    likeness: &Likeness,
    most: usize,
) -> tantivy::Result<Vec<(String, f32)>> {
    let mut found = BTreeMap::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        // The first character is exact, so all that is near stands together.
        let first: String = word.chars().take(1).collect();
        let mut terms = index
            .terms()
            .search(LikenessAutomaton(likeness))
            .ge(&first)
            .into_stream()?;
        while terms.advance() {
            let term = std::str::from_utf8(terms.key())
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if let Some(like) = likeness.of(term) {
                found.entry(term.to_owned()).or_insert(like);
            }
        }
    }
    let mut found: Vec<(String, f32)> = found.into_iter().collect();
    found.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    found.truncate(most);
    Ok(found)
}
