//! Walking through everything that a search finds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use taskwire_domain::{
    Dates, Error, Facet, ListKey, ListOrder, Priority, SearchOrder, SearchPage, SearchQuery, SearchWindow,
    Task, TaskId, WalkPage, WalkPosition, WalkStep,
};

use crate::index::{Backend, apply, at_version, find, hold, id, task, text_query, tombstone};

const TASKS: u32 = 300;

/// Ties in plenty, and gaps.
fn varied() -> Vec<Task> {
    let describe = |n: u32| {
        let oats = "oat ".repeat(n as usize % 7 + 1);
        format!(
            "{oats}milk number{n} {}",
            if n.is_multiple_of(3) { "and bread" } else { "" }
        )
    };
    let varied = (0..TASKS).map(|n| {
        let mut task = task(n % 50, &describe(n));
        task.id = id(n);
        task.updated_at = self::task(n * 7 % 11, "other").updated_at;
        task.fields.priority = Priority::ALL[n as usize % Priority::ALL.len()];
        let due = (n % 4 > 0).then(|| self::task(n % 13, "other").created_at);
        task.fields.dates = Dates::new(None, due).unwrap();
        task
    });
    varied.collect()
}

/// Every order, and relevance with and without something to rank.
fn searches() -> Vec<SearchQuery> {
    let keys = [
        ListKey::CreatedAt,
        ListKey::UpdatedAt,
        ListKey::Due,
        ListKey::Priority,
    ];
    let orders = keys
        .into_iter()
        .flat_map(|key| [false, true].map(|descending| SearchOrder::By(ListOrder { key, descending })));
    let mut searches: Vec<_> = orders
        .map(|order| SearchQuery {
            order,
            ..SearchQuery::default()
        })
        .collect();
    searches.extend(
        [
            "",
            "oat milk",
            "milk oat bre",
            "\"oat milk\"",
            "mlik oat",
            "-bread",
        ]
        .map(text_query),
    );
    searches
}

fn sized(query: &SearchQuery, size: u32) -> SearchQuery {
    SearchQuery {
        window: SearchWindow { from: 0, size },
        ..query.clone()
    }
}

async fn walk<B: Backend>(backend: &B, query: &SearchQuery, step: &WalkStep) -> WalkPage {
    backend.search().walk(query, step).await.unwrap()
}

fn ids(page: &SearchPage) -> impl Iterator<Item = TaskId> + '_ {
    page.tasks.iter().map(|task| task.id)
}

/// All pages without a cursor.
async fn all<B: Backend>(backend: &B, query: &SearchQuery) -> Vec<Task> {
    let mut tasks = Vec::new();
    loop {
        let from = u32::try_from(tasks.len()).unwrap();
        let window = SearchWindow { from, size: 100 };
        let page = find(
            backend,
            &SearchQuery {
                window,
                ..query.clone()
            },
        )
        .await;
        tasks.extend(page.tasks);
        if tasks.len() as u64 >= page.total {
            return tasks;
        }
    }
}

/// What a walk shows to its end; `between` happens after each page.
async fn walked<B: Backend>(
    backend: &B,
    query: &SearchQuery,
    sizes: &[u32],
    mut between: impl AsyncFnMut(),
) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut step = WalkStep::Begin;
    for &size in sizes.iter().cycle() {
        let WalkPage { page, next } = walk(backend, &sized(query, size), &step).await;
        assert!(page.tasks.len() <= size as usize);
        tasks.extend(page.tasks);
        match next {
            None => {
                assert_eq!(tasks.len() as u64, page.total, "{query:?}");
                break;
            }
            Some(position) => {
                assert!((tasks.len() as u64) < page.total, "{query:?}");
                step = WalkStep::Continue(position);
            }
        }
        between().await;
    }
    tasks
}

/// In every order, whatever the size of each page.
pub async fn a_walk_shows_what_pages_by_position_show<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &varied()).await;
    apply(&backend, &[tombstone(17, 2), tombstone(1_000, 1)]).await;
    for query in searches() {
        let wanted = all(&backend, &query).await;
        assert!(!wanted.is_empty(), "{query:?}");
        for sizes in [
            &[100][..],
            &[7, 50, 1, 33],
            &[u32::try_from(wanted.len()).unwrap().min(100)],
        ] {
            let tasks = walked(&backend, &query, sizes, async || ()).await;
            assert!(tasks == wanted, "{query:?}, {sizes:?}");
        }
    }
}

/// What others insert, update and delete between the pages is not seen.
pub async fn a_walk_keeps_its_view_while_others_write<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &varied()).await;
    let mut round = 1;
    for query in searches() {
        let mut wanted = all(&backend, &query).await;
        let mut at = 0;
        let mut tasks = walked(&backend, &query, &[60], async || {
            round += 1;
            let version = i64::from(round);
            let inserted = TASKS..TASKS + 25;
            let mut writes: Vec<_> = inserted
                .map(|n| at_version(n, version, "oat milk bread"))
                .collect();
            let touched = (0..60).map(|n| (at + n) % TASKS);
            writes.extend(touched.map(|n| match (n + round) % 5 {
                0 => tombstone(n, version),
                _ => at_version(n, version, &format!("oat milk rewritten {round}")),
            }));
            at += 60;
            apply(&backend, &writes).await;
        })
        .await;
        if query.ranks() {
            // Between the pages and the walk an engine may merge, and measure the words anew.
            wanted.sort_by_key(|task| task.id);
            tasks.sort_by_key(|task| task.id);
        }
        assert!(tasks == wanted, "{query:?}");
    }
}

/// While writes come without a pause.
pub async fn a_walk_among_writers_shows_each_task_once<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &varied()).await;
    let stop = AtomicBool::new(false);
    let writing = async {
        let mut version = 2;
        while !stop.load(Ordering::SeqCst) {
            let rewritten: Vec<_> = (0..TASKS)
                .step_by(9)
                .map(|n| at_version(n, version, "oat milk rewritten"))
                .collect();
            backend.index().apply(&rewritten).await.unwrap();
            version += 1;
        }
    };
    let walking = async {
        for query in searches() {
            let tasks = walked(&backend, &query, &[30], async || ()).await;
            let seen: BTreeSet<_> = tasks.iter().map(|task| task.id).collect();
            assert_eq!(seen.len(), tasks.len(), "{query:?}: a task came twice");
        }
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(writing, walking);
}

/// Also when the view has changed since, and on every page.
pub async fn totals_and_facets_of_a_walk_are_those_of_its_view<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &varied()).await;
    let query = SearchQuery {
        facets: Facet::ALL.into(),
        ..sized(&text_query("bread"), 30)
    };
    let before = find(&backend, &query).await;
    let first = walk(&backend, &query, &WalkStep::Begin).await;
    assert_eq!(first.page, before);
    let gone: Vec<_> = (0..TASKS).map(|n| tombstone(n, 2)).collect();
    apply(&backend, &gone).await;
    assert_eq!(find(&backend, &query).await.total, 0);
    let step = WalkStep::Continue(first.next.unwrap());
    let second = walk(&backend, &query, &step).await;
    assert_eq!(
        (second.page.total, second.page.facets),
        (before.total, before.facets)
    );
    // Facets may come and go.
    let plain = SearchQuery {
        facets: BTreeSet::new(),
        ..query
    };
    let same = walk(&backend, &plain, &step).await;
    assert!(ids(&same.page).eq(second.page.tasks.iter().map(|task| task.id)));
    assert!(same.page.facets.is_empty());
}

/// As after a lost answer.
pub async fn a_page_of_a_walk_can_be_asked_for_again<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &varied()).await;
    let query = sized(&text_query("oat"), 20);
    let first = walk(&backend, &query, &WalkStep::Begin).await;
    let step = WalkStep::Continue(first.next.unwrap());
    let second = walk(&backend, &query, &step).await;
    walk(
        &backend,
        &query,
        &WalkStep::Continue(second.next.clone().unwrap()),
    )
    .await;
    let again = walk(&backend, &query, &step).await;
    assert_eq!(again.page, second.page);
    assert!(again.next.is_some());
}

/// Nothing found, one page, and a page that is exactly full.
pub async fn a_walk_that_ends_with_its_first_page_has_no_next<B: Backend>() {
    let backend = B::start().await;
    let nothing = walk(&backend, &SearchQuery::default(), &WalkStep::Begin).await;
    assert_eq!((nothing.page.total, nothing.next), (0, None));
    let ten: Vec<_> = (0..10).map(|n| task(n, "ten")).collect();
    hold(&backend, &ten).await;
    for size in [10, 11] {
        let whole = walk(&backend, &sized(&SearchQuery::default(), size), &WalkStep::Begin).await;
        assert_eq!((whole.page.tasks.len(), whole.next), (10, None));
    }
    let nine = walk(&backend, &sized(&SearchQuery::default(), 9), &WalkStep::Begin).await;
    assert!(nine.next.is_some());
}

/// After the last page, and of a position that the engine never made.
pub async fn a_view_that_is_not_kept_is_told_to_be_gone<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &varied()).await;
    let query = sized(&SearchQuery::default(), 100);
    let first = walk(&backend, &query, &WalkStep::Begin).await;
    let second = WalkStep::Continue(first.next.unwrap());
    let third = walk(&backend, &query, &second).await.next.unwrap();
    assert_eq!(
        walk(&backend, &query, &WalkStep::Continue(third)).await.next,
        None
    );
    // The view may be closed a moment later.
    let gone = async {
        loop {
            match backend.search().walk(&query, &second).await {
                Err(Error::ViewGone) => return,
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone)
        .await
        .unwrap();
    for bytes in [&b""[..], b"nobody's", &[0xFF; 52], b"{}"] {
        let position = WalkPosition::from_bytes(bytes.to_vec());
        let outcome = backend.search().walk(&query, &WalkStep::Continue(position)).await;
        assert!(matches!(outcome, Err(Error::ViewGone)), "{outcome:?}");
    }
}
