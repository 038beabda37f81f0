//! Waiting for writes.

use std::time::{Duration, Instant};

use futures::future::join_all;
use taskwire_domain::{ConsistencyToken, Version};

use crate::index::{Backend, at_version, find_text, id, tombstone};

/// Longer than any of this takes, however slow the machine is.
const LONG: Duration = Duration::from_secs(60);

fn token(n: u32, version: i64) -> ConsistencyToken {
    ConsistencyToken {
        id: id(n),
        version: Version::new(version).unwrap(),
    }
}

async fn awaited<B: Backend>(backend: &B, tokens: &[ConsistencyToken], limit: Duration) -> bool {
    backend.search().await_writes(tokens, limit).await.unwrap()
}

/// Also a deletion, and a write that a newer one has replaced.
pub async fn what_was_awaited_is_found_without_anybody_asking_for_a_refresh<B: Backend>() {
    let backend = B::start().await;
    for round in 1..=10 {
        // Exactly this: the others are but a typo away.
        let text = format!("\"round{round}\"");
        let operations = [at_version(round, 3, &text), at_version(100 + round, 1, &text)];
        backend.index().apply(&operations).await.unwrap();
        let tokens = [token(round, 3), token(round, 2), token(100 + round, 1)];
        assert!(awaited(&backend, &tokens, LONG).await);
        assert_eq!(find_text(&backend, &text).await.len(), 2);

        backend.index().apply(&[tombstone(round, 4)]).await.unwrap();
        assert!(awaited(&backend, &[token(round, 4)], LONG).await);
        assert_eq!(find_text(&backend, &text).await.len(), 1);
    }
    // What is there need not be waited for.
    assert!(awaited(&backend, &[token(1, 4), token(101, 1)], Duration::ZERO).await);
}

/// Neither one that was never made, nor a version that is yet to be written.
pub async fn a_write_that_does_not_come_is_awaited_no_longer_than_said<B: Backend>() {
    let backend = B::start().await;
    backend.index().apply(&[at_version(1, 1, "one")]).await.unwrap();
    let limit = Duration::from_millis(700);
    let begin = Instant::now();
    let (missing, newer, there) = ([token(1, 1), token(2, 1)], [token(1, 2)], [token(1, 1)]);
    let waited = tokio::join!(
        awaited(&backend, &missing, limit),
        awaited(&backend, &newer, limit),
        awaited(&backend, &there, LONG),
    );
    assert_eq!(waited, (false, false, true));
    assert!(begin.elapsed() >= limit, "{:?}", begin.elapsed());
    assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
}

/// However many they are: together they would take longer than the limit to have one look each.
pub async fn those_who_wait_in_vain_keep_nobody_waiting<B: Backend>() {
    let backend = B::start().await;
    backend.index().apply(&[at_version(1, 1, "one")]).await.unwrap();
    let (missing, there) = ([token(2, 1)], [token(1, 1)]);
    let in_vain = join_all((0..1_000).map(|_| awaited(&backend, &missing, LONG)));
    tokio::select! {
        biased;
        _ = in_vain => panic!("they gave up first"),
        is_seen = awaited(&backend, &there, LONG / 3) => assert!(is_seen),
    }
}

/// Each gets its own answer.
pub async fn many_wait_at_once_for_what_is_yet_to_be_written<B: Backend>() {
    let backend = B::start().await;
    let waiting = (0..100).map(|n| {
        let backend = &backend;
        async move {
            let seen = awaited(backend, &[token(n, 1)], LONG).await;
            seen && find_text(backend, &format!("\"task{n}\"")).await.len() == 1
        }
    });
    let writing = async {
        for n in 0..100 {
            let operation = at_version(n, 1, &format!("task{n}"));
            backend.index().apply(&[operation]).await.unwrap();
        }
    };
    let (seen, ()) = tokio::join!(join_all(waiting), writing);
    assert_eq!(seen, [true; 100]);
}
