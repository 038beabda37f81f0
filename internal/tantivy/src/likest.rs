//! The tasks that are likest to a text.

use std::sync::Arc;

use tantivy::collector::TopDocs;
use tantivy::query::{AutomatonWeight, BooleanQuery, EnableScoring, Occur, Query, Weight};
use tantivy::schema::Field;
use taskwire_domain::{Likeness, MistypedText, MistypedWord, SearchFilter, Task};

use crate::index::Ready;
use crate::query::{beginning_with, filters, one_after_the_other, term, unwanted, word_term, worth};
use crate::ranking::Ranking;
use crate::schema::Fields;
use crate::search::task;
use crate::similar::LikenessAutomaton;
use crate::walk::View;

/// The tasks, the likest first. A task's score is how many typos it is not away: a point for each word that is near enough,
/// and one more for each typo fewer.
pub(crate) fn likest(
    ready: &Ready,
    text: &MistypedText,
    filter: &SearchFilter,
) -> tantivy::Result<Vec<Task>> {
    let View { fields, searcher } = View::of(ready);
    let all = query(&fields, text, filter);
    let best = TopDocs::with_limit(MistypedText::LIKEST).order_by(Ranking::by_score());
    let found = searcher.search(&all, &best)?;
    let mut tasks = Vec::with_capacity(found.len());
    for (_, address) in found {
        tasks.extend(task(&fields, &searcher, address)?);
    }
    Ok(tasks)
}

fn query(fields: &Fields, text: &MistypedText, filter: &SearchFilter) -> BooleanQuery {
    let filters = filters(fields, filter).into_iter();
    let mut clauses: Vec<(Occur, Box<dyn Query>)> =
        filters.map(|filter| (Occur::Must, worth(0.0, filter))).collect();
    for word in text.words() {
        let mut near = vec![like(fields, word, word.typos())];
        near.extend(
            word.respaced
                .iter()
                .map(|words| one_after_the_other(fields, words)),
        );
        clauses.push((Occur::Must, point(fields, near, word)));
        for typos in 0..word.typos() {
            let nearer = vec![like(fields, word, typos)];
            clauses.push((Occur::Should, point(fields, nearer, word)));
        }
    }
    let excluded = text.excluded().iter();
    clauses.extend(excluded.map(|words| (Occur::MustNot, unwanted(fields, words))));
    BooleanQuery::new(clauses)
}

/// One point for any of these, or for a beginning where the word may be one.
fn point(fields: &Fields, mut any: Vec<Box<dyn Query>>, word: &MistypedWord) -> Box<dyn Query> {
    if word.is_open {
        any.push(beginning_with(fields, &word.word));
    }
    worth(1.0, Box::new(BooleanQuery::union(any)))
}

/// The word, or one that is like it in any of its characters.
fn like(fields: &Fields, word: &MistypedWord, typos: usize) -> Box<dyn Query> {
    match typos {
        0 => term(word_term(fields, &word.word)),
        _ => Box::new(LikeWord {
            field: fields.description,
            likeness: Arc::new(LikenessAutomaton(word.likeness(typos))),
        }),
    }
}

/// Finds what has any of the words that are like one, however many those are.
#[derive(Debug, Clone)]
struct LikeWord {
    field: Field,
    likeness: Arc<LikenessAutomaton<Likeness>>,
}

impl Query for LikeWord {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let likeness = Arc::clone(&self.likeness);
        Ok(Box::new(AutomatonWeight::<LikenessAutomaton<Likeness>>::new(
            self.field, likeness,
        )))
    }
}
