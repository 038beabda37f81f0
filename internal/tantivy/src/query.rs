//! A search in tantivy's words. What was typed is only ever split into words, never read as a query.

use std::ops::Bound;

use tantivy::query::{
    BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur, PhrasePrefixQuery, PhraseQuery,
    Query, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};
use taskwire_domain::{SearchFilter, SearchQuery, SearchText, TimeRange, Timestamp, lowercase};

use crate::beginnings;
use crate::in_order::InOrder;
use crate::schema::Fields;
use crate::similar::similar;
use crate::unwanted::Unwanted;

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
    if let Some(text) = &query.text {
        if text.finds_nothing() {
            return Ok(Box::new(EmptyQuery));
        }
        clauses.extend(Words::of(fields, searcher, text).clauses()?);
    }
    Ok(Box::new(BooleanQuery::new(clauses)))
}

pub(crate) fn worth(score: f32, query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, score))
}

pub(crate) fn term(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// The first one leaves tombstones out.
pub(crate) fn filters(fields: &Fields, filter: &SearchFilter) -> Vec<Box<dyn Query>> {
    let SearchFilter {
        is_done,
        priority,
        categories,
        parent_id,
        external_id,
        due,
        start,
        created,
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
    let ranges = [
        (fields.due, due),
        (fields.start, start),
        (fields.created_at, created),
    ];
    let ranges = ranges.into_iter().filter(|(_, range)| !range.is_open());
    let terms = terms.into_iter().map(term);
    terms
        .chain(ranges.map(|(field, range)| between(field, range)))
        .collect()
}

fn between(field: Field, range: &TimeRange) -> Box<dyn Query> {
    let bound = |time: Option<Timestamp>| {
        time.map_or(Bound::Unbounded, |time| {
            Bound::Excluded(Term::from_field_i64(field, time.unix_millis()))
        })
    };
    Box::new(RangeQuery::new(bound(range.after), bound(range.before)))
}

/// What was typed.
struct Words<'a> {
    fields: &'a Fields,
    searcher: &'a Searcher,
    text: &'a SearchText,
    words: Vec<&'a str>,
}

impl<'a> Words<'a> {
    fn of(fields: &'a Fields, searcher: &'a Searcher, text: &'a SearchText) -> Self {
        let words = text.words().iter().map(|word| word.word.as_str()).collect();
        Self {
            fields,
            searcher,
            text,
            words,
        }
    }

    fn clauses(&self) -> tantivy::Result<Vec<(Occur, Box<dyn Query>)>> {
        let phrases = self.text.phrases().iter();
        let mut clauses: Vec<_> = phrases
            .map(|phrase| {
                let words: Vec<_> = phrase.iter().map(|word| word.word.as_str()).collect();
                (Occur::Must, one_after_the_other(self.fields, &words))
            })
            .collect();
        clauses.extend(
            self.text
                .excluded()
                .iter()
                .map(|words| (Occur::MustNot, unwanted(self.fields, words))),
        );
        if let [others @ .., last] = &self.words[..] {
            clauses.extend([
                (Occur::Must, self.forgiving(others, last)?),
                (Occur::Should, worth(EXACT, self.exact())),
                (Occur::Should, worth(IN_ORDER, self.in_order(others, last))),
                (
                    Occur::Should,
                    worth(WITHOUT_TYPO, self.without_typo(others, last)),
                ),
            ]);
        }
        Ok(clauses)
    }

    fn word(&self, word: &str) -> Term {
        word_term(self.fields, word)
    }

    /// Every word occurs, typos forgiven; the last may be the beginning of one.
    fn forgiving(&self, others: &[&str], last: &str) -> tantivy::Result<Box<dyn Query>> {
        let mut all = Vec::with_capacity(self.words.len());
        for word in others {
            all.push(self.like(word)?);
        }
        let like = self.like(last)?;
        all.push(match self.text.last_is_open() {
            true => Box::new(DisjunctionMaxQuery::new(vec![
                like,
                beginning_with(self.fields, last),
            ])),
            false => like,
        });
        Ok(Box::new(BooleanQuery::intersection(all)))
    }

    /// The word by its score, or a similar one by its likeness.
    fn like(&self, word: &str) -> tantivy::Result<Box<dyn Query>> {
        let likeness = self.text.likeness(word);
        if likeness.typos() == 0 {
            return Ok(self.scored(word));
        }
        let (field, most) = (self.fields.description, self.text.guesses());
        let similar = similar(self.searcher, field, word, &likeness, most)?;
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
        scored(self.fields, word)
    }

    fn exact(&self) -> Box<dyn Query> {
        let words = self.words.iter().map(|word| term(self.word(word)));
        Box::new(BooleanQuery::intersection(words.collect()))
    }

    fn without_typo(&self, others: &[&str], last: &str) -> Box<dyn Query> {
        let mut all: Vec<Box<dyn Query>> = others.iter().map(|word| self.scored(word)).collect();
        all.push(self.exact_or_beginning(last));
        Box::new(BooleanQuery::intersection(all))
    }

    fn in_order(&self, others: &[&str], last: &str) -> Box<dyn Query> {
        match (self.text.last_is_open(), others) {
            (false, _) => one_after_the_other(self.fields, &self.words),
            (true, []) => beginning_with(self.fields, last),
            (true, others) => followed_by_beginning(self.fields, others, last),
        }
    }

    fn exact_or_beginning(&self, last: &str) -> Box<dyn Query> {
        match self.text.last_is_open() {
            true => beginning_with(self.fields, last),
            false => self.scored(last),
        }
    }
}

/// A word of a description.
pub(crate) fn word_term(fields: &Fields, word: &str) -> Term {
    Term::from_field_text(fields.description, word)
}

fn word_terms(fields: &Fields, words: &[impl AsRef<str>]) -> Vec<Term> {
    words
        .iter()
        .map(|word| word_term(fields, word.as_ref()))
        .collect()
}

fn scored(fields: &Fields, word: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(
        word_term(fields, word),
        IndexRecordOption::WithFreqs,
    ))
}

/// The words one after the other.
pub(crate) fn one_after_the_other(fields: &Fields, words: &[impl AsRef<str>]) -> Box<dyn Query> {
    match words {
        [word] => scored(fields, word.as_ref()),
        words => Box::new(PhraseQuery::new(word_terms(fields, words))),
    }
}

/// What must not occur, one after the other.
pub(crate) fn unwanted(fields: &Fields, words: &[String]) -> Box<dyn Query> {
    match words {
        [word] => term(word_term(fields, word)),
        words => Box::new(Unwanted(one_after_the_other(fields, words).into())),
    }
}

/// Any word that begins so.
pub(crate) fn beginning_with(fields: &Fields, beginning: &str) -> Box<dyn Query> {
    match indexed_beginning(fields, beginning) {
        Some(indexed) => worth(1.0, term(indexed)),
        None => Box::new(RangeQuery::new(
            Bound::Included(word_term(fields, beginning)),
            Bound::Excluded(after_all_with(fields.description, beginning)),
        )),
    }
}

/// The words one after the other, and behind them any that begins so. A beginning that is too long to be indexed has few words:
/// no more than 50 of them are tried, as in Elasticsearch.
fn followed_by_beginning(fields: &Fields, words: &[&str], beginning: &str) -> Box<dyn Query> {
    let mut terms = word_terms(fields, words);
    match indexed_beginning(fields, beginning) {
        Some(indexed) => {
            terms.push(indexed);
            Box::new(InOrder(terms))
        }
        None => {
            terms.push(word_term(fields, beginning));
            Box::new(PhrasePrefixQuery::new(terms))
        }
    }
}

/// The beginning, unless it is longer than those that are indexed.
fn indexed_beginning(fields: &Fields, beginning: &str) -> Option<Term> {
    let is_indexed = beginning.chars().count() <= beginnings::LONGEST;
    is_indexed.then(|| Term::from_field_text(fields.beginnings, beginning))
}

/// A term behind every word with this beginning and before all others: no word has the byte 0xff.
fn after_all_with(field: Field, beginning: &str) -> Term {
    let mut term = Term::from_field_text(field, beginning);
    term.append_bytes(&[0xff]);
    term
}
