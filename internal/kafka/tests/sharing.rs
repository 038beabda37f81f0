//! Several readers of one group: how partitions change hands.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{assigned, committed, ends, limits, next, position, publish, read, start, start_with, until};
use taskwire_domain::{EventSource, Partition, Position, RevocationGuard, SourceEvent};
use taskwire_kafka::{KafkaSource, ReaderLimits};
use taskwire_testkit::Topics;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

type Seen = Arc<Mutex<BTreeSet<Position>>>;

/// How a reader ends its work.
#[derive(Clone, Copy)]
enum End {
    Close,
    Drop,
}

/// A small consume loop: notes what it reads, stores it, lets go of what is taken away.
async fn consume(mut source: Box<KafkaSource>, seen: Seen, stop: CancellationToken, end: End) {
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => break,
            event = source.next() => event,
        };
        match event {
            SourceEvent::Records(records) => {
                let mut done: BTreeMap<i32, i64> = BTreeMap::new();
                for record in &records {
                    seen.lock().unwrap().insert(record.position);
                    done.insert(record.position.partition.0, record.position.offset + 1);
                }
                let done: Vec<_> = done
                    .into_iter()
                    .map(|(partition, next)| position(partition, next))
                    .collect();
                source.store(&done).unwrap();
            }
            SourceEvent::Assigned(_) | SourceEvent::Lost(_) => {}
            SourceEvent::Revoking(_, guard) => drop(guard),
            SourceEvent::Failed(fault) => panic!("{fault}"),
        }
    }
    match end {
        End::Close => source.close().await.unwrap(),
        End::Drop => drop(source),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_come_and_go_miss_nothing() {
    let topics = Topics::create(6).await;
    let seen = Seen::default();
    let mut readers = JoinSet::new();
    let mut join = |end| {
        let stop = CancellationToken::new();
        readers.spawn(consume(start(&topics), Arc::clone(&seen), stop.clone(), end));
        stop
    };
    let count = |seen: &Seen| seen.lock().unwrap().len();

    publish(&topics, 1000, 60).await;
    let first = join(End::Close);
    until("the first reader's work", || count(&seen) == 1000).await;
    let second = join(End::Drop);
    publish(&topics, 1000, 60).await;
    until("the work of two readers", || count(&seen) == 2000).await;
    first.cancel();
    publish(&topics, 1000, 60).await;
    until("the second reader alone", || count(&seen) == 3000).await;
    let third = join(End::Close);
    publish(&topics, 1000, 60).await;
    second.cancel();
    publish(&topics, 1000, 60).await;
    until("the third reader alone", || count(&seen) == 5000).await;
    third.cancel();
    while let Some(ended) = readers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(committed(&topics).await, ends(&topics).await);
}

/// Takes events until partitions are being taken away.
async fn revoking(source: &mut KafkaSource) -> (Vec<Partition>, RevocationGuard) {
    loop {
        match next(source).await {
            SourceEvent::Revoking(partitions, guard) => return (partitions, guard),
            SourceEvent::Records(_) | SourceEvent::Assigned(_) => {}
            other => panic!("expected a revocation, got {other:?}"),
        }
    }
}

#[tokio::test]
async fn while_the_guard_is_held_nobody_else_gets_the_partitions_and_what_is_stored_meanwhile_counts() {
    let topics = Topics::create(2).await;
    publish(&topics, 100, 20).await;
    let patient = ReaderLimits {
        revocation: Duration::from_secs(30),
        ..limits()
    };
    let mut first = start_with(&topics, patient);
    read(&mut first, 100).await;
    let mut second = start(&topics);
    let (taken, guard) = revoking(&mut first).await;
    assert_eq!(taken.len(), 1);

    let waiting = tokio::time::timeout(Duration::from_secs(3), second.next()).await;
    assert!(waiting.is_err(), "the guard is held: {waiting:?}");
    first
        .store(&[Position {
            partition: taken[0],
            offset: 5,
        }])
        .unwrap();
    drop(guard);
    assert_eq!(assigned(&mut second).await, taken);
    // Whatever is stored for it now is too late.
    first
        .store(&[Position {
            partition: taken[0],
            offset: 20,
        }])
        .unwrap();
    let SourceEvent::Records(records) = next(&mut second).await else {
        panic!("records come next")
    };
    assert_eq!(
        records[0].position,
        Position {
            partition: taken[0],
            offset: 5
        }
    );
    first.close().await.unwrap();
    second.close().await.unwrap();
    assert_eq!(
        committed(&topics).await,
        [Position {
            partition: taken[0],
            offset: 5
        }]
    );
}

#[tokio::test]
async fn a_guard_that_is_held_too_long_is_not_waited_for() {
    let topics = Topics::create(2).await;
    let hasty = ReaderLimits {
        revocation: Duration::from_millis(200),
        ..limits()
    };
    let mut first = start_with(&topics, hasty);
    assert_eq!(assigned(&mut first).await.len(), 2);
    let mut second = start(&topics);
    let (taken, guard) = revoking(&mut first).await;
    assert_eq!(assigned(&mut second).await, taken);
    drop(guard);
    first.close().await.unwrap();
    second.close().await.unwrap();
}

#[tokio::test]
async fn records_of_a_revoked_partition_do_not_come_after_the_revocation() {
    let topics = Topics::create(2).await;
    publish(&topics, 4000, 50).await;
    let few = ReaderLimits {
        read_ahead_records: 3000,
        ..limits()
    };
    let mut first = start_with(&topics, few);
    assert_eq!(assigned(&mut first).await.len(), 2);
    until("records of both partitions that nobody has taken", || {
        first.read_ahead() >= 3000
    })
    .await;
    let mut second = start(&topics);
    // The revocation overtakes what was read ahead and takes the records of its partition away.
    until("a revocation", || first.read_ahead() < 3000).await;
    let SourceEvent::Revoking(taken, guard) = next(&mut first).await else {
        panic!("the revocation comes first")
    };
    drop(guard);
    assert_eq!(assigned(&mut second).await, taken);
    let kept: Vec<_> = [Partition(0), Partition(1)]
        .into_iter()
        .filter(|p| !taken.contains(p))
        .collect();
    let end = ends(&topics)
        .await
        .into_iter()
        .find(|end| end.partition == kept[0])
        .unwrap();
    let rest = read(&mut first, usize::try_from(end.offset).unwrap()).await;
    assert!(rest.iter().all(|record| record.position.partition == kept[0]));
    assert_eq!(
        rest.len(),
        usize::try_from(end.offset).unwrap(),
        "nothing of the kept partition is missing"
    );
    first.close().await.unwrap();
    second.close().await.unwrap();
}
