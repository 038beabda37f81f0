//! What is counted, in which order, and where the counts end.

use taskwire_domain::{Categories, Dates, Facet, FacetValue, Priority, SearchQuery, Task, Timestamp};

use crate::index::{Backend, find, hold, task};

const MILLIS_OF_A_DAY: i64 = 24 * 60 * 60 * 1_000;

/// What a facet counts among everything there is, as it is shown.
async fn counted<B: Backend>(backend: &B, facet: Facet) -> Vec<(FacetValue, u64)> {
    let query = SearchQuery {
        facets: [facet].into(),
        ..SearchQuery::default()
    };
    let mut facets = find(backend, &query).await.facets;
    let counts = facets.remove(&facet).unwrap().into_iter();
    counts.map(|counted| (counted.value, counted.count)).collect()
}

/// Where nothing was ever written.
pub async fn every_priority_and_both_states_are_counted_although_there_is_no_task<B: Backend>() {
    let backend = B::start().await;
    let none = |value| (value, 0);
    assert_eq!(
        counted(&backend, Facet::Priority).await,
        Priority::ALL.map(FacetValue::Priority).map(none)
    );
    assert_eq!(
        counted(&backend, Facet::IsDone).await,
        [false, true].map(FacetValue::IsDone).map(none)
    );
    for facet in [Facet::Categories, Facet::Due] {
        assert_eq!(counted(&backend, facet).await, [], "{facet:?}");
    }
}

/// One task for each of these, numbered from `first`.
fn each_of<T>(first: u32, values: impl IntoIterator<Item = T>, give: impl Fn(&mut Task, T)) -> Vec<Task> {
    let tasks = (first..).zip(values).map(|(n, value)| {
        let mut task = task(n, "counted");
        give(&mut task, value);
        task
    });
    tasks.collect()
}

/// By code point: a name beyond the first 65,536 comes last. The first batch alone would have others before the cut than
/// both have together.
pub async fn of_more_categories_than_are_counted_the_most_frequent_are_then_the_first_by_name<B: Backend>() {
    let backend = B::start().await;
    let tied: Vec<String> = (0..97).map(|n| format!("c{n:02}")).collect();
    let signs = ["ｚ", "😀", "😁", "😂"].map(str::to_owned);
    let seldom = (0..5).map(|n| format!("a{n}"));
    let named = |first, names: Vec<String>| {
        // The last come first, so that no order is one of arrival.
        each_of(first, names.into_iter().rev(), |task, name| {
            task.fields.categories = Categories::parse(vec![name]).unwrap();
        })
    };
    let both = || tied.iter().chain(&signs).cloned();
    let first = seldom.chain(both()).chain(["z-Most".to_owned()]).collect();
    let second = both().chain(["z-most", "Z-MOST", "z-most"].map(str::to_owned));
    hold(&backend, &named(0, first)).await;
    hold(&backend, &named(1_000, second.collect())).await;

    let counts = counted(&backend, Facet::Categories).await;
    let names = tied.into_iter().chain(signs).map(|name| (name, 2));
    let all = [("z-most".to_owned(), 4)].into_iter().chain(names);
    let wanted: Vec<_> = all
        .map(|(name, count)| (FacetValue::Category(name), count))
        .collect();
    assert_eq!(counts.len(), Facet::MAX_CATEGORIES);
    assert_eq!(counts, wanted[..Facet::MAX_CATEGORIES]);
    assert_eq!(wanted.len(), Facet::MAX_CATEGORIES + 2);
}

/// Although the latest have the most tasks. Days before 1970 are days like any other, and a day ends with its last
/// millisecond.
pub async fn of_more_days_than_are_counted_the_earliest_are<B: Backend>() {
    let backend = B::start().await;
    let first_of_all = "0001-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
    let last_of_all = "9999-12-31T00:00:00Z".parse::<Timestamp>().unwrap();
    let days = (-10..991).map(|day| Timestamp::from_unix_millis(day * MILLIS_OF_A_DAY).unwrap());
    let days: Vec<_> = [first_of_all]
        .into_iter()
        .chain(days)
        .chain([last_of_all])
        .collect();
    let due = |first, times: Vec<Timestamp>| {
        each_of(first, times.into_iter().rev(), |task, time| {
            task.fields.dates = Dates::new(None, Some(time)).unwrap();
        })
    };
    let ends = days.iter().map(|day| {
        let end = day.unix_millis() + MILLIS_OF_A_DAY - 1;
        Timestamp::from_unix_millis(end).unwrap()
    });
    let late = [days[days.len() - 2], last_of_all];
    hold(&backend, &due(0, days.clone())).await;
    hold(&backend, &due(2_000, ends.chain(late).collect())).await;
    hold(&backend, &[task(9_000, "without a day")]).await;

    let counts = counted(&backend, Facet::Due).await;
    let wanted: Vec<_> = days.into_iter().map(|day| (FacetValue::Day(day), 2)).collect();
    assert_eq!(counts.len(), Facet::MAX_DAYS);
    assert_eq!(counts, wanted[..Facet::MAX_DAYS]);
    assert_eq!(wanted.len(), Facet::MAX_DAYS + 3);
}
