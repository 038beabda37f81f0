//! Filters, pages and totals.

use taskwire_domain::{Categories, ExternalId, Priority, SearchFilter, SearchQuery, SearchWindow, Task};

use crate::index::{
    Backend, apply, descriptions, find, find_text, hold, id, live, task, tasks, text_query, tombstone,
};

fn varied() -> Vec<Task> {
    let mut done = task(1, "one");
    done.fields.is_done = true;
    let mut high = task(2, "two");
    high.fields.priority = Priority::High;
    let mut labelled = task(3, "three");
    labelled.fields.categories = Categories::parse(vec!["Home".into(), "to do".into()]).unwrap();
    let mut child = task(4, "four");
    child.fields.parent_id = Some(id(1));
    let mut keyed = task(5, "five");
    keyed.fields.external_id = Some(ExternalId::parse("JIRA-17/a b".into()).unwrap());
    vec![done, high, labelled, child, keyed]
}

/// The descriptions of what a filter finds, newest first.
async fn filtered<B: Backend>(backend: &B, filter: SearchFilter) -> Vec<String> {
    let query = SearchQuery {
        filter,
        ..SearchQuery::default()
    };
    descriptions(&find(backend, &query).await)
}

fn is_done(is_done: bool) -> SearchFilter {
    SearchFilter {
        is_done: Some(is_done),
        ..SearchFilter::default()
    }
}

fn priority(priority: Priority) -> SearchFilter {
    SearchFilter {
        priority: Some(priority),
        ..SearchFilter::default()
    }
}

fn categories(names: &[&str]) -> SearchFilter {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    SearchFilter {
        categories: Some(Categories::parse(names).unwrap()),
        ..SearchFilter::default()
    }
}

fn parent(n: u32) -> SearchFilter {
    SearchFilter {
        parent_id: Some(id(n)),
        ..SearchFilter::default()
    }
}

fn key(text: &str) -> SearchFilter {
    SearchFilter {
        external_id: Some(ExternalId::parse(text.to_owned()).unwrap()),
        ..SearchFilter::default()
    }
}

/// An absent filter finds both.
pub async fn each_filter_is_exact_and_absent_is_not_false<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &varied()).await;
    let all = ["five", "four", "three", "two", "one"];
    let table = [
        (SearchFilter::default(), &all[..]),
        (is_done(true), &["one"]),
        (is_done(false), &all[..4]),
        (priority(Priority::High), &["two"]),
        (priority(Priority::Low), &[]),
        (categories(&["home", "TO DO"]), &["three"]),
        (categories(&["home", "work"]), &[]),
        (categories(&["to"]), &[]),
        (categories(&[]), &all),
        (parent(1), &["four"]),
        (parent(2), &[]),
        (key("JIRA-17/a b"), &["five"]),
        (key("jira-17/a b"), &[]),
        (key("JIRA-17*"), &[]),
    ];
    for (filter, wanted) in table {
        assert_eq!(filtered(&backend, filter.clone()).await, wanted, "{filter:?}");
    }
}

/// None is weighed against another.
pub async fn words_and_filters_all_apply<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &varied()).await;
    let both = |text| SearchQuery {
        filter: is_done(true),
        ..text_query(text)
    };
    assert_eq!(find(&backend, &both("one")).await.total, 1);
    assert_eq!(find(&backend, &both("two")).await.total, 0);
    let twice = SearchFilter {
        priority: Some(Priority::High),
        ..is_done(true)
    };
    assert!(filtered(&backend, twice).await.is_empty());
}

/// Every field of it.
pub async fn a_task_comes_back_as_it_was_written<B: Backend>() {
    let backend = B::start().await;
    let tasks = varied();
    hold(&backend, &tasks).await;
    let mut found = find(&backend, &SearchQuery::default()).await.tasks;
    found.reverse();
    assert_eq!(found, tasks);
}

/// Neither by filters nor by words.
pub async fn tombstones_are_never_found<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &tasks(&["one", "two"])).await;
    apply(&backend, &[tombstone(1, 2), tombstone(9, 1)]).await;

    assert_eq!(filtered(&backend, SearchFilter::default()).await, ["two"]);
    assert!(find_text(&backend, "one").await.is_empty());
}

/// By time and id where nothing else decides.
pub async fn totals_are_exact_and_pages_neither_overlap_nor_leave_gaps<B: Backend>() {
    let backend = B::start().await;
    let tasks: Vec<_> = (0..250).map(|n| task(n, "the same words")).collect();
    hold(&backend, &tasks).await;
    for text in ["", "same words"] {
        let mut seen = Vec::new();
        for from in (0..300).step_by(30) {
            let window = SearchWindow { from, size: 30 };
            let page = find(
                &backend,
                &SearchQuery {
                    window,
                    ..text_query(text)
                },
            )
            .await;
            assert_eq!(page.total, 250);
            seen.extend(page.tasks.iter().map(|task| task.id));
        }
        let newest_first: Vec<_> = (0..250).rev().map(id).collect();
        assert_eq!(seen, newest_first);
    }
    let nothing = SearchWindow { from: 0, size: 0 };
    let page = find(
        &backend,
        &SearchQuery {
            window: nothing,
            ..SearchQuery::default()
        },
    )
    .await;
    assert_eq!((page.total, page.tasks.len()), (250, 0));
    let end = SearchWindow {
        from: 9_900,
        size: 100,
    };
    assert_eq!(
        find(
            &backend,
            &SearchQuery {
                window: end,
                ..SearchQuery::default()
            }
        )
        .await
        .total,
        250
    );
}

/// Although no page begins there.
pub async fn totals_are_exact_beyond_ten_thousand<B: Backend>() {
    let backend = B::start().await;
    let operations: Vec<_> = (0..10_500)
        .map(|n| {
            live(&Task {
                id: id(n),
                ..task(1, "many")
            })
        })
        .collect();
    apply(&backend, &operations).await;

    assert_eq!(find(&backend, &text_query("many")).await.total, 10_500);
}
