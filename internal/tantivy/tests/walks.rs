//! What becomes of walks when the index is rebuilt, opened again or merged, and of too many of them.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::path::Path;

use taskwire_conformance::index::{at_version, live, task};
use taskwire_domain::{Error, SearchQuery, SearchWindow, TaskIndex, TaskSearch, WalkPage, WalkStep};
use taskwire_tantivy::TantivyIndex;
use tempfile::TempDir;

fn pages_of(size: u32) -> SearchQuery {
    SearchQuery {
        window: SearchWindow { from: 0, size },
        ..SearchQuery::default()
    }
}

async fn walk(index: &TantivyIndex, step: &WalkStep) -> Result<WalkPage, Error> {
    index.walk(&pages_of(2), step).await
}

/// A walk behind its first page.
async fn begun(index: &TantivyIndex) -> WalkStep {
    let first = walk(index, &WalkStep::Begin).await.unwrap();
    WalkStep::Continue(first.next.unwrap())
}

async fn open(folder: &Path) -> TantivyIndex {
    TantivyIndex::open(folder).await.unwrap().index
}

/// An index of six tasks.
async fn filled(folder: &Path) -> TantivyIndex {
    let index = open(folder).await;
    rebuilt(&index, "old").await;
    index
}

async fn rebuilt(index: &TantivyIndex, description: &str) {
    let mut rebuild = index.rebuild().await.unwrap();
    let tasks = (1..=6).map(|n| live(&task(n, description)));
    rebuild.add(tasks.collect()).await.unwrap();
    rebuild.finish().await.unwrap();
}

#[track_caller]
fn assert_gone(outcome: &Result<WalkPage, Error>) {
    assert!(matches!(outcome, Err(Error::ViewGone)), "{outcome:?}");
}

#[tokio::test]
async fn a_walk_does_not_go_on_in_an_index_that_was_rebuilt() {
    let folder = TempDir::new().unwrap();
    let index = filled(folder.path()).await;
    let step = begun(&index).await;
    let rebuild = index.rebuild().await.unwrap();
    assert_gone(&walk(&index, &step).await);
    let begins = walk(&index, &WalkStep::Begin).await;
    assert!(matches!(begins, Err(Error::Unavailable { .. })), "{begins:?}");
    rebuild.finish().await.unwrap();
    rebuilt(&index, "new").await;
    assert_gone(&walk(&index, &step).await);
    assert_eq!(walk(&index, &WalkStep::Begin).await.unwrap().page.total, 6);
}

#[tokio::test]
async fn a_walk_does_not_go_on_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let index = filled(folder.path()).await;
    let step = begun(&index).await;
    // What a walk keeps does not keep the folder from being opened again.
    drop(index);
    let index = open(folder.path()).await;
    assert_gone(&walk(&index, &step).await);
    assert_eq!(walk(&index, &WalkStep::Begin).await.unwrap().page.total, 6);
}

/// Every batch is a segment; merges remove the files that a walk reads.
#[tokio::test]
async fn a_walk_goes_on_while_segments_are_merged_away() {
    let folder = TempDir::new().unwrap();
    let index = filled(folder.path()).await;
    let mut step = begun(&index).await;
    let mut shown = 2;
    for version in 2..100 {
        let rewritten: Vec<_> = (1..=6).map(|n| at_version(n, version, "rewritten")).collect();
        index.apply(&rewritten).await.unwrap();
        if version % 45 == 0 {
            let WalkPage { page, next } = walk(&index, &step).await.unwrap();
            assert_eq!((page.total, page.tasks.len()), (6, 2));
            for task in &page.tasks {
                assert_eq!(task.fields.description.as_str(), "old");
            }
            shown += 2;
            step = next.map_or(WalkStep::Begin, WalkStep::Continue);
        }
    }
    assert_eq!((shown, step), (6, WalkStep::Begin));
}

#[tokio::test]
async fn of_very_many_walks_the_oldest_cannot_go_on() {
    let folder = TempDir::new().unwrap();
    let index = filled(folder.path()).await;
    let oldest = begun(&index).await;
    let mut youngest = begun(&index).await;
    for _ in 0..100 {
        youngest = begun(&index).await;
    }
    assert_gone(&walk(&index, &oldest).await);
    walk(&index, &youngest).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_rests_for_too_long_cannot_go_on() {
    let folder = TempDir::new().unwrap();
    let index = filled(folder.path()).await;
    let (rests, goes_on) = (begun(&index).await, begun(&index).await);
    tokio::time::sleep(std::time::Duration::from_secs(40)).await;
    walk(&index, &goes_on).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(40)).await;
    assert_gone(&walk(&index, &rests).await);
    walk(&index, &goes_on).await.unwrap();
}
