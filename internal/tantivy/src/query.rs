//! A search in tantivy's words. What was typed is only ever split into words, never read as a query.

use std::ops::Bound;

use tantivy::query::{
    BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur, PhrasePrefixQuery, PhraseQuery,
    Query, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};
use taskwire_domain::{SearchFilter, SearchQuery};

use crate::beginnings;
use crate::schema::Fields;
use crate::similar::similar;
use crate::words::{Split, lowercase, split};

/// What an exact word, words in order and the beginning of a word are worth: far above the scores of the words
/// themselves, which decide among equals.
const EXACT: f32 = 4_000.0;
const IN_ORDER: f32 = 2_000.0;
const WITHOUT_TYPO: f32 = 1_000.0;

/// The query for a search. The searcher's words are looked through for similar ones.
pub(crate) fn query(
    fields: &Fields,
    searcher: &Searcher,
    query: &SearchQuery,
) -> tantivy::Result<Box<dyn Query>> {
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = filters(fields, &query.filter)
        .into_iter()
        .map(|filter| (Occur::Must, worth(0.0, filter)))
        .collect();
    if let Some(searched) = query.searched() {
        let Split { words, is_open } = split(searched.text);
        let Some((last, others)) = words.split_last() else {
            return Ok(Box::new(EmptyQuery));
        };
        let text = Text {
            fields,
            searcher,
            words: &words,
            last,
            others,
            is_open,
        };
        clauses.extend(text.clauses(searched.guesses)?);
    }
    Ok(Box::new(BooleanQuery::new(clauses)))
}

fn worth(score: f32, query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, score))
}

fn term(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// The first one leaves tombstones out.
fn filters(fields: &Fields, filter: &SearchFilter) -> Vec<Box<dyn Query>> {
    let SearchFilter {
        is_done,
        priority,
        categories,
        parent_id,
        external_id,
    } = filter;
    let mut terms = vec![Term::from_field_bool(fields.deleted, false)];
    terms.extend(is_done.map(|is_done| Term::from_field_bool(fields.is_done, is_done)));
    terms.extend(
        priority.map(|priority| Term::from_field_i64(fields.priority_rank, i64::from(priority.rank()))),
    );
    terms.extend(parent_id.map(|id| Term::from_field_bytes(fields.parent_id, id.as_uuid().as_bytes())));
    terms.extend(
        external_id
            .as_ref()
            .map(|id| Term::from_field_text(fields.external_id, id.as_str())),
    );
    let categories = categories.iter().flat_map(|categories| categories.as_slice());
    terms.extend(categories.map(|name| Term::from_field_text(fields.categories, &lowercase(name))));
    terms.into_iter().map(term).collect()
}

/// The words typed.
struct Text<'a> {
    fields: &'a Fields,
    searcher: &'a Searcher,
    words: &'a [String],
    last: &'a str,
    others: &'a [String],
    /// Whether the last word may be the beginning of one: not when a space or another sign follows it.
    is_open: bool,
}

impl Text<'_> {
    fn clauses(&self, guesses: Option<usize>) -> tantivy::Result<Vec<(Occur, Box<dyn Query>)>> {
        let Some(guesses) = guesses else {
            return Ok(vec![(Occur::Must, self.without_typo())]);
        };
        Ok(vec![
            (Occur::Must, self.forgiving(guesses)?),
            (Occur::Should, worth(EXACT, self.exact())),
            (Occur::Should, worth(IN_ORDER, self.in_order())),
            (Occur::Should, worth(WITHOUT_TYPO, self.without_typo())),
        ])
    }

    fn word(&self, word: &str) -> Term {
        Term::from_field_text(self.fields.description, word)
    }

    /// Every word occurs, typos forgiven; the last may be the beginning of one.
    fn forgiving(&self, guesses: usize) -> tantivy::Result<Box<dyn Query>> {
        let mut all = Vec::with_capacity(self.words.len());
        for word in self.others {
            all.push(self.like(word, guesses)?);
        }
        let last = self.like(self.last, guesses)?;
        all.push(match self.is_open {
            true => Box::new(DisjunctionMaxQuery::new(vec![last, self.beginning_with_last()])),
            false => last,
        });
        Ok(Box::new(BooleanQuery::intersection(all)))
    }

    /// The word by its score, or a similar one by its likeness.
    fn like(&self, word: &str, guesses: usize) -> tantivy::Result<Box<dyn Query>> {
        let similar = similar(self.searcher, self.fields.description, word, guesses)?;
        let alternatives: Vec<Box<dyn Query>> = similar
            .into_iter()
            .map(|(similar, likeness)| match similar == word {
                true => self.scored(word),
                false => worth(likeness, term(self.word(&similar))),
            })
            .collect();
        Ok(match alternatives.is_empty() {
            true => Box::new(EmptyQuery),
            false => Box::new(DisjunctionMaxQuery::new(alternatives)),
        })
    }

    fn scored(&self, word: &str) -> Box<dyn Query> {
        Box::new(TermQuery::new(self.word(word), IndexRecordOption::WithFreqs))
    }

    fn exact(&self) -> Box<dyn Query> {
        let words = self.words.iter().map(|word| term(self.word(word)));
        Box::new(BooleanQuery::intersection(words.collect()))
    }

    fn without_typo(&self) -> Box<dyn Query> {
        let mut all: Vec<Box<dyn Query>> = self.others.iter().map(|word| self.scored(word)).collect();
        all.push(self.exact_or_beginning());
        Box::new(BooleanQuery::intersection(all))
    }

    fn in_order(&self) -> Box<dyn Query> {
        let words = || self.words.iter().map(|word| self.word(word)).collect();
        match self.others {
            [] => self.exact_or_beginning(),
            _ if self.is_open => Box::new(PhrasePrefixQuery::new(words())),
            _ => Box::new(PhraseQuery::new(words())),
        }
    }

    fn exact_or_beginning(&self) -> Box<dyn Query> {
        match self.is_open {
            true => self.beginning_with_last(),
            false => self.scored(self.last),
        }
    }

    /// Any word that begins with the last one.
    fn beginning_with_last(&self) -> Box<dyn Query> {
        if self.last.chars().count() <= beginnings::LONGEST {
            let indexed = Term::from_field_text(self.fields.beginnings, self.last);
            return worth(1.0, term(indexed));
        }
        Box::new(RangeQuery::new(
            Bound::Included(self.word(self.last)),
            Bound::Excluded(after_all_with(self.fields.description, self.last)),
        ))
    }
}

/// A term behind every word with this beginning and before all others: no word has the byte 0xff.
fn after_all_with(field: Field, beginning: &str) -> Term {
    let mut term = Term::from_field_text(field, beginning);
    term.append_bytes(&[0xff]);
    term
}
