//! A walk leads both engines through more than can be paged through by position, to the same tasks in the same order.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::collections::BTreeSet;

use taskwire_conformance::index::{id, task};
use taskwire_domain::{
    Dates, ListKey, ListOrder, SearchFilter, SearchOrder, SearchQuery, SearchText, SearchWindow, Task,
};
use taskwire_search_equality::both::Both;

const TASKS: u32 = 12_000;

/// Every time comes many times, and a third is due at none.
fn tasks() -> Vec<Task> {
    let tasks = (0..TASKS).map(|n| {
        let mut task = task(
            n % 1_400,
            if n.is_multiple_of(2) {
                "oat milk"
            } else {
                "oat milk and bread"
            },
        );
        task.id = id(n * 7_919 % TASKS);
        let due = (n % 3 > 0).then(|| self::task(n % 600, "other").created_at);
        task.fields.dates = Dates::new(None, due).unwrap();
        task.fields.is_done = n.is_multiple_of(100);
        task
    });
    tasks.collect()
}

#[tokio::test]
async fn both_engines_walk_through_twelve_thousand_tasks_alike() {
    const { assert!(TASKS > SearchWindow::LIMIT) };
    let both = Both::with(&tasks()).await;
    let due = |descending| {
        SearchOrder::By(ListOrder {
            key: ListKey::Due,
            descending,
        })
    };
    for order in [SearchOrder::Relevance, due(false), due(true)] {
        let query = SearchQuery {
            order,
            ..SearchQuery::default()
        };
        let (tantivy, elasticsearch) = both.walk(&query).await;
        assert_eq!(tantivy.total, u64::from(TASKS));
        let distinct: BTreeSet<_> = tantivy.ids.iter().collect();
        assert_eq!((tantivy.ids.len(), distinct.len()), (12_000, 12_000), "{order:?}");
        assert!(tantivy == elasticsearch, "{order:?}");
    }
    // Both know which are better, but not by how much.
    let ranked = SearchQuery {
        text: SearchText::parse("milk oat".into()).unwrap(),
        filter: SearchFilter {
            is_done: Some(false),
            ..SearchFilter::default()
        },
        ..SearchQuery::default()
    };
    let (mut tantivy, mut elasticsearch) = both.walk(&ranked).await;
    assert_eq!(tantivy.total, 11_880);
    tantivy.ids.sort();
    elasticsearch.ids.sort();
    tantivy.ids.dedup();
    assert_eq!(tantivy.ids.len(), 11_880);
    assert!(tantivy == elasticsearch);
}
