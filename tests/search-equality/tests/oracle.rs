//! Both engines answer filters, orders, pages and facets as going through all tasks one by one does.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use taskwire_conformance::index::{id, task};
use taskwire_domain::{
    Categories, Dates, ExternalId, Facet, FacetCount, FacetValue, ListKey, ListOrder, Priority, SearchFilter,
    SearchOrder, SearchPage, SearchQuery, SearchText, SearchWindow, Task, TimeRange, Timestamp, lowercase,
    words,
};
use taskwire_e2e::many_real_texts;
use taskwire_search_equality::both::Both;

const TASKS: u32 = 5_000;
const SEARCHES: usize = 1_000;

const NAMES: [&str; 8] = ["Home", "work", "WORK out", "été", "漢字", "a b", "x*", "errands"];
/// Midnights and their neighbours, ends of the calendar, and ties in plenty.
const TIMES: [&str; 12] = [
    "0001-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00.000Z",
    "2026-04-30T23:59:59.999Z",
    "2026-05-01T00:00:00.000Z",
    "2026-05-01T00:00:00.001Z",
    "2026-05-01T12:00:00.000Z",
    "2026-05-02T00:00:00.000Z",
    "2026-05-02T06:30:00.500Z",
    "2027-01-01T00:00:00.000Z",
    "2100-02-28T10:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
];
const WORDS: [&str; 5] = ["the", "to", "version", "support", "crate"];

struct Dice(Rng);

impl Dice {
    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.0.usize(..of.len())].clone()
    }

    fn maybe<T>(&mut self, one_in: u32, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.0.u32(..one_in) == 0).then(|| some(self))
    }

    fn time(&mut self) -> Timestamp {
        match self.0.bool() {
            true => self.one(&TIMES).parse().unwrap(),
            // Within some three years, to the millisecond.
            false => Timestamp::from_unix_millis(1_770_000_000_000 + self.0.i64(0..100_000_000_000)).unwrap(),
        }
    }

    fn categories(&mut self, at_most: usize) -> Categories {
        let mut names = NAMES.map(str::to_owned);
        self.0.shuffle(&mut names);
        let count = self.0.usize(..=at_most);
        Categories::parse(names[..count].to_vec()).unwrap()
    }

    fn task(&mut self, n: u32, description: &str) -> Task {
        let mut task = task(n, description);
        let fields = &mut task.fields;
        fields.is_done = self.0.bool();
        fields.priority = self.one(&Priority::ALL);
        fields.categories = self.categories(4);
        let mut dates = [self.maybe(2, Self::time), self.maybe(2, Self::time)];
        if dates.iter().all(Option::is_some) {
            dates.sort();
        }
        fields.dates = Dates::new(dates[0], dates[1]).unwrap();
        fields.parent_id = self.maybe(3, |dice| id(dice.0.u32(..20)));
        fields.external_id = self.maybe(4, |_| ExternalId::parse(format!("KEY-{n}")).unwrap());
        task.created_at = self.time();
        task.updated_at = self.time();
        task
    }

    fn range(&mut self) -> TimeRange {
        let mut range = TimeRange::default();
        if self.0.u32(..3) == 0 {
            range.after = self.maybe(2, Self::time);
            range.before = self.maybe(2, Self::time);
        }
        range
    }

    fn query(&mut self) -> SearchQuery {
        let filter = SearchFilter {
            is_done: self.maybe(3, |dice| dice.0.bool()),
            priority: self.maybe(3, |dice| dice.one(&Priority::ALL)),
            categories: self.maybe(4, |dice| dice.categories(2)),
            parent_id: self.maybe(8, |dice| id(dice.0.u32(..25))),
            external_id: self.maybe(30, |dice| {
                ExternalId::parse(format!("KEY-{}", dice.0.u32(..TASKS))).unwrap()
            }),
            due: self.range(),
            start: self.range(),
            created: self.range(),
        };
        let keys = [
            ListKey::CreatedAt,
            ListKey::UpdatedAt,
            ListKey::Due,
            ListKey::Priority,
        ];
        let order = self.maybe(2, |dice| ListOrder {
            key: dice.one(&keys),
            descending: dice.0.bool(),
        });
        let text = self.maybe(4, |dice| {
            let word = dice.one(&WORDS);
            // A word that has to occur gives scores, by which only the engines can sort.
            match order {
                Some(_) if dice.0.bool() => format!("\"{word}\""),
                _ => format!("-{word}"),
            }
        });
        let mut facets = BTreeSet::from(Facet::ALL);
        facets.retain(|_| self.0.u32(..3) > 0);
        let size = self.one(&[0, 1, 10, 33, 100]);
        let from = self.one(&[0, 0, 1, 10, 99, 500, 4_950]);
        SearchQuery {
            text: text.and_then(|text| SearchText::parse(text).unwrap()),
            filter,
            order: order.map_or(SearchOrder::Relevance, SearchOrder::By),
            window: SearchWindow { from, size },
            facets,
        }
    }
}

fn is_in(range: TimeRange, time: Option<Timestamp>) -> bool {
    let in_it = |time| {
        range.after.is_none_or(|after| time > after) && range.before.is_none_or(|before| time < before)
    };
    (range.after.is_none() && range.before.is_none()) || time.is_some_and(in_it)
}

/// A task and its words.
struct Held {
    task: Task,
    words: BTreeSet<String>,
}

impl Held {
    fn of(task: &Task) -> Self {
        let words = words(task.fields.description.as_str());
        Self {
            task: task.clone(),
            words: words.into_iter().collect(),
        }
    }
}

fn matches(query: &SearchQuery, Held { task, words }: &Held) -> bool {
    let (filter, fields) = (&query.filter, &task.fields);
    let names: Vec<String> = fields
        .categories
        .as_slice()
        .iter()
        .map(|name| lowercase(name))
        .collect();
    let wanted = filter.categories.iter().flat_map(Categories::as_slice);
    let text = query.text.iter().all(|text| {
        let mut phrases = text.phrases().iter().flatten();
        let mut excluded = text.excluded().iter().flatten();
        phrases.all(|word| words.contains(&word.word)) && !excluded.any(|word| words.contains(word))
    });
    text && filter.is_done.is_none_or(|is_done| is_done == fields.is_done)
        && filter.priority.is_none_or(|priority| priority == fields.priority)
        && wanted.clone().all(|name| names.contains(&lowercase(name)))
        && filter
            .parent_id
            .is_none_or(|parent| fields.parent_id == Some(parent))
        && filter.external_id.is_none_or_in(fields.external_id.as_ref())
        && is_in(filter.due, fields.dates.due())
        && is_in(filter.start, fields.dates.start())
        && is_in(filter.created, Some(task.created_at))
}

trait NoneOrIn {
    fn is_none_or_in(&self, id: Option<&ExternalId>) -> bool;
}

impl NoneOrIn for Option<ExternalId> {
    fn is_none_or_in(&self, id: Option<&ExternalId>) -> bool {
        self.is_none() || self.as_ref() == id
    }
}

fn compare(order: SearchOrder, a: &Task, b: &Task) -> Ordering {
    let SearchOrder::By(ListOrder { key, descending }) = order else {
        return b.created_at.cmp(&a.created_at).then(a.id.cmp(&b.id));
    };
    let number = |task: &Task| match key {
        ListKey::CreatedAt => Some(task.created_at.unix_millis()),
        ListKey::UpdatedAt => Some(task.updated_at.unix_millis()),
        ListKey::Due => task.fields.dates.due().map(Timestamp::unix_millis),
        ListKey::Priority => Some(i64::from(task.fields.priority.rank())),
    };
    let (first, second) = (number(a), number(b));
    let ranked = (first, a.id).cmp(&(second, b.id));
    let missing = first.is_none().cmp(&second.is_none());
    missing.then(if descending { ranked.reverse() } else { ranked })
}

fn values(facet: Facet, task: &Task) -> Vec<FacetValue> {
    match facet {
        Facet::Priority => vec![FacetValue::Priority(task.fields.priority)],
        Facet::IsDone => vec![FacetValue::IsDone(task.fields.is_done)],
        Facet::Categories => {
            let names = task.fields.categories.as_slice().iter();
            names.map(|name| FacetValue::Category(lowercase(name))).collect()
        }
        Facet::Due => {
            let due = task.fields.dates.due();
            let day = due.map(|due| due.as_utc().date_naive().and_time(Default::default()).and_utc());
            day.map(|day| FacetValue::Day(Timestamp::from_utc(day)))
                .into_iter()
                .collect()
        }
    }
}

fn counts(facet: Facet, query: &SearchQuery, tasks: &[Held]) -> Vec<FacetCount> {
    let mut others = query.clone();
    match facet {
        Facet::Priority => others.filter.priority = None,
        Facet::IsDone => others.filter.is_done = None,
        Facet::Categories => others.filter.categories = None,
        Facet::Due => others.filter.due = TimeRange::default(),
    }
    let always = match facet {
        Facet::Priority => Priority::ALL.map(FacetValue::Priority).to_vec(),
        Facet::IsDone => vec![FacetValue::IsDone(false), FacetValue::IsDone(true)],
        Facet::Categories | Facet::Due => Vec::new(),
    };
    let mut counts: BTreeMap<FacetValue, u64> = always.into_iter().map(|value| (value, 0)).collect();
    let found = tasks.iter().filter(|held| matches(&others, held));
    for value in found.flat_map(|held| values(facet, &held.task)) {
        *counts.entry(value).or_default() += 1;
    }
    let counts = counts
        .into_iter()
        .map(|(value, count)| FacetCount { value, count });
    let mut counts: Vec<_> = counts.collect();
    if facet == Facet::Categories {
        counts.sort_by_key(|counted| Reverse(counted.count));
    }
    // As many as are shown at most.
    counts.truncate(1_000);
    counts
}

/// What the query has to be answered.
fn answer(query: &SearchQuery, tasks: &[Held]) -> SearchPage {
    let found = tasks.iter().filter(|held| matches(query, held));
    let mut found: Vec<&Task> = found.map(|held| &held.task).collect();
    found.sort_by(|a, b| compare(query.order, a, b));
    let (from, size) = (query.window.from as usize, query.window.size as usize);
    let facets = query
        .facets
        .iter()
        .map(|&facet| (facet, counts(facet, query, tasks)));
    SearchPage {
        tasks: found
            .iter()
            .skip(from)
            .take(size)
            .map(|&task| task.clone())
            .collect(),
        total: found.len() as u64,
        facets: facets.collect(),
    }
}

#[tokio::test]
async fn every_combination_of_filters_orders_pages_and_facets_is_answered_as_by_hand() {
    let texts = many_real_texts(TASKS as usize);
    let mut dice = Dice(Rng::with_seed(11));
    let tasks: Vec<Task> = (0..TASKS)
        .zip(&texts)
        .map(|(n, text)| dice.task(n, text))
        .collect();
    let both = Both::with(&tasks).await;
    let held: Vec<Held> = tasks.iter().map(Held::of).collect();
    let (mut shown, mut counted) = (0, 0);
    for number in 0..SEARCHES {
        let query = dice.query();
        let wanted = answer(&query, &held);
        let pages = both.page(&query).await;
        for (engine, page) in ["tantivy", "Elasticsearch"].into_iter().zip(pages) {
            let ids = |page: &SearchPage| page.tasks.iter().map(|task| task.id).collect::<Vec<_>>();
            assert_eq!(page.total, wanted.total, "{engine}, search {number}: {query:?}");
            assert_eq!(ids(&page), ids(&wanted), "{engine}, search {number}: {query:?}");
            assert_eq!(page.facets, wanted.facets, "{engine}, search {number}: {query:?}");
            assert_eq!(page.tasks, wanted.tasks, "{engine}, search {number}: {query:?}");
        }
        shown += wanted.tasks.len();
        counted += wanted
            .facets
            .values()
            .flatten()
            .filter(|counted| counted.count > 0)
            .count();
    }
    assert!(
        shown > 5_000 && counted > 10_000,
        "{shown} tasks shown, {counted} counts"
    );
}
