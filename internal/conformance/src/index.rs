//! The rules of [`TaskIndex`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use taskwire_domain::{
    Dates, Document, IndexOperation, ItemOutcome, SearchPage, SearchQuery, SearchText, Task, TaskFields,
    TaskId, TaskIndex, TaskSearch, Version,
};

use crate::tasks::fields;

/// What a backend may differ in.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    /// What was applied can be searched when `apply` returns; otherwise soon after.
    pub searchable_at_once: bool,
}

/// An index with nothing in it, and the searches in it.
#[async_trait]
pub trait Backend: Send + Sync + Sized + 'static {
    /// What it can do.
    const FEATURES: Features;

    /// A fresh one.
    async fn start() -> Self;

    /// The index.
    fn index(&self) -> Arc<dyn TaskIndex>;

    /// Searches in it.
    fn search(&self) -> Arc<dyn TaskSearch>;

    /// Makes searchable what was applied. Not called where that is so at once.
    async fn refresh(&self);
}

/// Runs every rule of the index and of the search on a backend: `taskwire_conformance::index_suite!(MyBackend);`
#[macro_export]
macro_rules! index_suite {
    ($backend:ty) => {
        $crate::tests!(
            $backend,
            $crate::index,
            [
                a_stale_or_equal_version_is_done_and_changes_nothing,
                a_newer_version_replaces_the_document,
                a_tombstone_hides_the_task_and_blocks_an_older_version,
                an_id_twice_in_a_batch_ends_at_its_higher_version,
                versions_decide_in_whatever_order_they_come,
                poison_is_rejected_alone_wherever_it_stands,
                outcomes_stand_in_the_order_of_a_thousand_operations,
                a_source_of_many_lines_is_one_document,
                no_operations_have_no_outcomes,
                the_years_1_and_9999_can_be_written_sorted_and_read_back,
                what_was_applied_becomes_searchable_by_itself,
            ]
        );
        $crate::search_suite!($backend);
    };
}

/// The task number `n`, created in the `n`th minute of a day.
pub fn task(n: u32, description: &str) -> Task {
    let at = format!("2026-05-01T{:02}:{:02}:00Z", n / 60 % 24, n % 60);
    Task::create(id(n), fields(description), at.parse().unwrap())
}

/// One task for each description, numbered from 1.
pub fn tasks(descriptions: &[&str]) -> Vec<Task> {
    (1..)
        .zip(descriptions)
        .map(|(n, description)| task(n, description))
        .collect()
}

/// The id of task number `n`.
pub fn id(n: u32) -> TaskId {
    format!("0199c5a0-7d9f-7cc1-a3c8-{n:012}").parse().unwrap()
}

/// The operation that makes the document of a task.
pub fn live(task: &Task) -> IndexOperation {
    let document = Document::Live {
        source: serde_json::to_vec(task).unwrap().into(),
        priority_rank: task.fields.priority.rank(),
    };
    IndexOperation {
        id: task.id,
        version: task.version,
        document,
    }
}

/// Task number `n` at a version.
pub fn at_version(n: u32, version: i64, description: &str) -> IndexOperation {
    live(&Task {
        version: Version::new(version).unwrap(),
        ..task(n, description)
    })
}

/// The operation that deletes task number `n`.
pub fn tombstone(n: u32, version: i64) -> IndexOperation {
    let document = Document::Tombstone {
        deleted_at: "2026-06-01T00:00:00Z".parse().unwrap(),
    };
    IndexOperation {
        document,
        ..at_version(n, version, "deleted")
    }
}

/// A search for words.
pub fn text_query(text: &str) -> SearchQuery {
    SearchQuery {
        text: SearchText::parse(text.to_owned()).unwrap(),
        ..SearchQuery::default()
    }
}

/// Applies operations, each of which is to be done, and makes them searchable.
pub async fn apply<B: Backend>(backend: &B, operations: &[IndexOperation]) {
    let outcomes = backend.index().apply(operations).await.unwrap();
    assert_eq!(outcomes, vec![ItemOutcome::Done; operations.len()]);
    if !B::FEATURES.searchable_at_once {
        backend.refresh().await;
    }
}

/// Indexes the tasks and makes them searchable.
pub async fn hold<B: Backend>(backend: &B, tasks: &[Task]) {
    apply(backend, &tasks.iter().map(live).collect::<Vec<_>>()).await;
}

/// What a search finds.
pub async fn find<B: Backend>(backend: &B, query: &SearchQuery) -> SearchPage {
    backend.search().search(query).await.unwrap()
}

/// The descriptions found, best first.
pub async fn find_text<B: Backend>(backend: &B, text: &str) -> Vec<String> {
    let page = find(backend, &text_query(text)).await;
    assert_eq!(page.total, page.tasks.len() as u64);
    descriptions(&page)
}

/// The descriptions of every task, newest first.
pub async fn find_all<B: Backend>(backend: &B) -> Vec<String> {
    descriptions(&find(backend, &SearchQuery::default()).await)
}

/// The descriptions on a page.
pub fn descriptions(page: &SearchPage) -> Vec<String> {
    page.tasks
        .iter()
        .map(|task| task.fields.description.as_str().to_owned())
        .collect()
}

/// The document stays as it was.
pub async fn a_stale_or_equal_version_is_done_and_changes_nothing<B: Backend>() {
    let backend = B::start().await;
    apply(&backend, &[at_version(1, 5, "fifth")]).await;
    apply(&backend, &[at_version(1, 4, "stale")]).await;
    apply(&backend, &[at_version(1, 5, "equal")]).await;
    assert_eq!(find_all(&backend).await, ["fifth"]);
    assert!(find_text(&backend, "stale").await.is_empty());
}

/// It is found by its new words and not by its old ones.
pub async fn a_newer_version_replaces_the_document<B: Backend>() {
    let backend = B::start().await;
    apply(&backend, &[at_version(1, 1, "bread"), at_version(2, 1, "butter")]).await;
    apply(&backend, &[at_version(1, 2, "cheese")]).await;
    assert_eq!(find_all(&backend).await, ["butter", "cheese"]);
    assert!(find_text(&backend, "bread").await.is_empty());
    assert_eq!(find_text(&backend, "cheese").await, ["cheese"]);
}

/// Also when the older one comes later.
pub async fn a_tombstone_hides_the_task_and_blocks_an_older_version<B: Backend>() {
    let backend = B::start().await;
    hold(&backend, &tasks(&["buy milk"])).await;
    assert_eq!(find_text(&backend, "milk").await, ["buy milk"]);
    apply(&backend, &[tombstone(1, 3)]).await;
    apply(&backend, &[at_version(1, 2, "buy milk")]).await;
    assert_eq!(find(&backend, &SearchQuery::default()).await.total, 0);
    assert!(find_text(&backend, "milk").await.is_empty());
}

/// Wherever in the batch it stands.
pub async fn an_id_twice_in_a_batch_ends_at_its_higher_version<B: Backend>() {
    let backend = B::start().await;
    let batch = [
        at_version(1, 2, "second"),
        tombstone(1, 3),
        at_version(1, 1, "first"),
        at_version(2, 1, "first"),
        at_version(2, 3, "third"),
        at_version(2, 2, "second"),
    ];
    apply(&backend, &batch).await;
    assert_eq!(find_all(&backend).await, ["third"]);
}

/// Every order of three versions, over two batches, ends alike.
pub async fn versions_decide_in_whatever_order_they_come<B: Backend>() {
    let backend = B::start().await;
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    let operation = |n, version| at_version(n, version, &format!("version {version}"));
    let first: Vec<_> = (1..)
        .zip(&orders)
        .map(|(n, order)| operation(n, order[0]))
        .collect();
    let rest = (1..)
        .zip(&orders)
        .flat_map(|(n, order)| [operation(n, order[1]), operation(n, order[2])]);
    apply(&backend, &first).await;
    apply(&backend, &rest.collect::<Vec<_>>()).await;
    assert_eq!(find_all(&backend).await, vec!["version 3"; orders.len()]);
}

fn with_source(n: u32, source: &str) -> IndexOperation {
    let document = Document::Live {
        source: source.to_owned().into(),
        priority_rank: 0,
    };
    IndexOperation {
        document,
        ..at_version(n, 1, "source")
    }
}

/// The JSON of a task with one field replaced.
fn with_field(n: u32, field: &str, value: &str) -> IndexOperation {
    let mut source = serde_json::to_value(task(n, "poison")).unwrap();
    source[field] = serde_json::from_str(value).unwrap();
    with_source(n, &source.to_string())
}

/// What can never be applied says why; what stands around it is applied.
pub async fn poison_is_rejected_alone_wherever_it_stands<B: Backend>() {
    let backend = B::start().await;
    let operations = [
        with_field(1, "createdAt", r#""yesterday""#),
        at_version(2, 1, "two"),
        with_source(3, "{}"),
        at_version(4, 1, "four"),
        with_source(5, r#"{"a":"#),
        with_source(6, ""),
        with_field(7, "description", r#"{"not":"text"}"#),
        with_field(8, "isDone", r#""perhaps""#),
        at_version(9, 1, "nine"),
    ];
    let outcomes = backend.index().apply(&operations).await.unwrap();
    let rejected = (1..).zip(&outcomes).filter(|(_, outcome)| is_rejected(outcome));
    assert_eq!(
        rejected.map(|(n, _)| n).collect::<Vec<_>>(),
        [1, 3, 5, 6, 7, 8],
        "{outcomes:?}"
    );
    let done = outcomes
        .iter()
        .filter(|outcome| **outcome == ItemOutcome::Done)
        .count();
    assert_eq!(done, 3);
    backend.refresh().await;
    assert_eq!(find_all(&backend).await, ["nine", "four", "two"]);
}

fn is_rejected(outcome: &ItemOutcome) -> bool {
    matches!(outcome, ItemOutcome::Rejected { detail } if !detail.is_empty())
}

/// Poison among them.
pub async fn outcomes_stand_in_the_order_of_a_thousand_operations<B: Backend>() {
    let backend = B::start().await;
    let poison = |n: u32| n % 7 == 3;
    let operation = |n| match poison(n) {
        true => with_field(n, "createdAt", r#""never""#),
        false => at_version(n, 1, "sound"),
    };
    let operations: Vec<_> = (0..1_000).map(operation).collect();
    let outcomes = backend.index().apply(&operations).await.unwrap();
    assert_eq!(outcomes.len(), 1_000);
    for (n, outcome) in (0..).zip(&outcomes) {
        assert_eq!(is_rejected(outcome), poison(n), "{n}: {outcome:?}");
        assert_eq!(*outcome == ItemOutcome::Done, !poison(n), "{n}: {outcome:?}");
    }
    backend.refresh().await;
    let sound = (0..1_000).filter(|&n| !poison(n)).count() as u64;
    assert_eq!(find(&backend, &SearchQuery::default()).await.total, sound);
}

/// A newline between tokens ends nothing.
pub async fn a_source_of_many_lines_is_one_document<B: Backend>() {
    let backend = B::start().await;
    let task = task(1, "many\nlines");
    let source = serde_json::to_string_pretty(&task).unwrap();
    assert!(source.lines().count() > 10);
    apply(&backend, &[with_source(1, &source)]).await;
    assert_eq!(find(&backend, &SearchQuery::default()).await.tasks, [task]);
}

/// And are no error.
pub async fn no_operations_have_no_outcomes<B: Backend>() {
    let backend = B::start().await;
    assert_eq!(backend.index().apply(&[]).await.unwrap(), []);
}

/// Time reaches as far as the rules allow.
pub async fn the_years_1_and_9999_can_be_written_sorted_and_read_back<B: Backend>() {
    let backend = B::start().await;
    let mut first = task(1, "first year");
    first.created_at = "0001-01-01T00:00:00Z".parse().unwrap();
    first.fields.dates = Dates::new(Some(first.created_at), None).unwrap();
    let mut last = task(2, "last year");
    last.created_at = "9999-12-31T23:59:59.999Z".parse().unwrap();
    last.fields = TaskFields {
        dates: Dates::new(None, Some(last.created_at)).unwrap(),
        ..last.fields
    };
    hold(&backend, &[first.clone(), last.clone()]).await;
    assert_eq!(find(&backend, &SearchQuery::default()).await.tasks, [last, first]);
}

/// Without anybody asking for a refresh; at once where that is promised.
pub async fn what_was_applied_becomes_searchable_by_itself<B: Backend>() {
    let backend = B::start().await;
    backend
        .index()
        .apply(&[live(&task(1, "buy milk"))])
        .await
        .unwrap();
    if B::FEATURES.searchable_at_once {
        assert_eq!(find_text(&backend, "milk").await, ["buy milk"]);
    }
    let searched = async {
        while find_text(&backend, "milk").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), searched)
        .await
        .expect("it becomes searchable by itself");
}
