//! Words one after the other, each in a field of its own choice.

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term};

/// Finds what has these terms one after the other, whichever fields they are of: the beginning of a word
/// stands where the word does. So a beginning is found behind other words however many words begin with it; tantivy's own
/// query for that goes through all of those in every document, of which it can afford few. Each counts 1, whatever boost is
/// wanted: it is meant to stand in a constant score.
#[derive(Debug, Clone)]
pub(crate) struct InOrder(pub(crate) Vec<Term>);

impl Query for InOrder {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(InOrderWeight(self.0.clone())))
    }
}

struct InOrderWeight(Vec<Term>);

impl Weight for InOrderWeight {
    fn scorer(&self, segment: &SegmentReader, _: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut words = Vec::with_capacity(self.0.len());
        for (behind, term) in (0..).zip(self.0.iter().rev()) {
            let index = segment.inverted_index(term.field())?;
            let Some(postings) = index.read_postings(term, IndexRecordOption::WithFreqsAndPositions)? else {
                return Ok(Box::new(EmptyScorer));
            };
            words.push(Word { postings, behind });
        }
        if words.is_empty() {
            return Ok(Box::new(EmptyScorer));
        }
        // The rarest leads.
        words.sort_by_key(|word| word.postings.size_hint());
        Ok(Box::new(Found::first(words)))
    }

    fn explain(&self, segment: &SegmentReader, document: DocId) -> tantivy::Result<Explanation> {
        let mut found = self.scorer(segment, 1.0)?;
        match found.doc() <= document && found.seek(document) == document {
            true => Ok(Explanation::new("in order", 1.0)),
            false => Err(TantivyError::InvalidArgument(format!(
                "document {document} does not match"
            ))),
        }
    }
}

struct Word {
    postings: SegmentPostings,
    /// How many words stand behind it.
    behind: u32,
}

/// The documents found, at one of them.
struct Found {
    document: DocId,
    words: Vec<Word>,
    /// Where the last word stands in the document; kept, like the other, to be filled again.
    ends: Vec<u32>,
    places: Vec<u32>,
}

impl Found {
    fn first(words: Vec<Word>) -> Self {
        let mut found = Self {
            document: 0,
            words,
            ends: Vec::new(),
            places: Vec::new(),
        };
        found.go_on_from(0);
        found
    }

    fn go_on_from(&mut self, from: DocId) -> DocId {
        self.document = self.with_all_words(from);
        while self.document != TERMINATED && !self.is_in_order() {
            self.document = self.with_all_words(self.document + 1);
        }
        self.document
    }

    /// The next document in which all of them occur.
    fn with_all_words(&mut self, from: DocId) -> DocId {
        let mut document = from;
        loop {
            let mut furthest = document;
            for Word { postings, .. } in &mut self.words {
                if postings.doc() < furthest {
                    postings.seek(furthest);
                }
                furthest = postings.doc();
            }
            if furthest == document || furthest == TERMINATED {
                return furthest;
            }
            document = furthest;
        }
    }

    /// Whether they do one after the other in this one.
    fn is_in_order(&mut self) -> bool {
        let Some((first, others)) = self.words.split_first_mut() else {
            return false;
        };
        first.postings.positions_with_offset(first.behind, &mut self.ends);
        for word in others {
            word.postings.positions_with_offset(word.behind, &mut self.places);
            self.ends.retain(|end| self.places.binary_search(end).is_ok());
        }
        !self.ends.is_empty()
    }
}

impl DocSet for Found {
    fn advance(&mut self) -> DocId {
        match self.document {
            TERMINATED => TERMINATED,
            document => self.go_on_from(document + 1),
        }
    }

    fn seek(&mut self, target: DocId) -> DocId {
        match target <= self.document {
            true => self.document,
            false => self.go_on_from(target),
        }
    }

    fn doc(&self) -> DocId {
        self.document
    }

    fn size_hint(&self) -> u32 {
        self.words.first().map_or(0, |word| word.postings.size_hint())
    }
}

impl Scorer for Found {
    fn score(&mut self) -> Score {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fastrand::Rng;
    use tantivy::collector::DocSetCollector;
    use tantivy::query::BooleanQuery;
    use taskwire_conformance::index::{live, task};
    use taskwire_domain::{TaskIndex, lowercase};
    use tempfile::TempDir;

    use super::*;
    use crate::TantivyIndex;
    use crate::query::{term, word_term};
    use crate::search;
    use crate::walk::View;

    const WORDS: &[&str] = &["a", "ab", "abc", "b", "ba"];

    fn words(rng: &mut Rng, most: usize) -> Vec<&'static str> {
        let count = rng.usize(1..=most);
        rng.choose_multiple(WORDS.iter().cycle().take(30), count)
            .into_iter()
            .copied()
            .collect()
    }

    /// By going through all of them.
    fn has(text: &str, words: &[&str], beginning: &str) -> bool {
        let found: Vec<_> = text.split(' ').collect();
        found.windows(words.len() + 1).any(|part| {
            let (last, others) = part.split_last().unwrap();
            others == words && last.starts_with(beginning)
        })
    }

    /// In several segments, alone and among others.
    #[tokio::test]
    async fn what_going_through_all_texts_finds_is_found() {
        let mut rng = Rng::with_seed(7);
        let folder = TempDir::new().unwrap();
        let index = TantivyIndex::open(folder.path()).await.unwrap().index;
        index.rebuild().await.unwrap().finish().await.unwrap();
        let texts: Vec<String> = (0..300).map(|_| words(&mut rng, 7).join(" ")).collect();
        for batch in (0..).zip(&texts).collect::<Vec<_>>().chunks(100) {
            let operations: Vec<_> = batch.iter().map(|(n, text)| live(&task(*n, text))).collect();
            index.apply(&operations).await.unwrap();
        }
        let View { fields, searcher } = View::of(&index.ready().ok().unwrap());
        let mut times_found = 0;
        for _ in 0..200 {
            let (others, beginning) = (words(&mut rng, 3), WORDS[rng.usize(..WORDS.len())]);
            let mut terms: Vec<_> = others.iter().map(|word| word_term(&fields, word)).collect();
            terms.push(Term::from_field_text(fields.beginnings, &lowercase(beginning)));
            let alone: Box<dyn Query> = Box::new(InOrder(terms));
            let also = term(word_term(&fields, others[0]));
            let among = BooleanQuery::intersection(vec![also, alone.box_clone()]);
            let wanted: BTreeSet<_> = texts
                .iter()
                .filter(|text| has(text, &others, beginning))
                .collect();
            for query in [alone, Box::new(among)] {
                let found = searcher.search(&query, &DocSetCollector).unwrap();
                let found: Vec<_> = found
                    .into_iter()
                    .map(|at| search::task(&fields, &searcher, at).unwrap().unwrap())
                    .collect();
                let found: BTreeSet<_> = found
                    .iter()
                    .map(|task| task.fields.description.as_str())
                    .collect();
                times_found += found.len();
                assert!(
                    found.iter().eq(wanted.iter()),
                    "{others:?} {beginning}: {found:?}, not {wanted:?}"
                );
            }
        }
        assert!(times_found > 1_000, "{times_found}");
    }
}
