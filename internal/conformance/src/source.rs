//! The rules of [`EventSource`].

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use taskwire_domain::{EncodedEvent, EventSource, Partition, Position, Record, SourceEvent, Task, TaskId};

use crate::tasks::{created, described, fields, new_task, updated};

/// Nothing takes longer unless it is broken.
const LIMIT: Duration = Duration::from_secs(60);
/// So long nothing may come when nothing is to come.
const SILENCE: Duration = Duration::from_millis(700);

/// What a backend may differ in.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    /// Over how many partitions the records are spread.
    pub partitions: i32,
}

/// A change for a source to announce: the task as it became, and the event.
#[derive(Debug, Clone)]
pub struct Change {
    /// At version 1 it is new.
    pub task: Task,
    /// Its announcement.
    pub event: EncodedEvent,
}

/// A topic with nothing in it.
#[async_trait(?Send)]
pub trait Backend: Send + Sync + Sized + 'static {
    /// What it can do.
    const FEATURES: Features;

    /// A fresh one.
    async fn start() -> Self;

    /// Puts the changes' events in, in this order.
    async fn publish(&self, changes: &[Change]);

    /// A reader that continues where the one before it was closed; there is one at a time.
    async fn open(&self) -> Box<dyn EventSource>;
}

/// Runs every rule on a backend: `taskwire_conformance::source_suite!(MyBackend);`
#[macro_export]
macro_rules! source_suite {
    ($backend:ty) => {
        $crate::tests!(
            $backend,
            $crate::source,
            [
                every_record_comes_once_in_order_and_byte_for_byte,
                a_reader_resumes_exactly_after_what_was_stored,
                what_was_not_stored_is_read_again,
                what_is_published_later_comes_by_itself,
                a_paused_reader_is_silent_until_it_is_resumed,
                giving_up_a_wait_loses_nothing,
                storing_for_a_partition_that_is_not_ours_is_passed_over,
                closing_at_once_is_no_failure,
            ]
        );
    };
}

/// Also those that had been there before the reader.
pub async fn every_record_comes_once_in_order_and_byte_for_byte<B: Backend>() {
    let backend = B::start().await;
    let changes = changes(40, 30);
    backend.publish(&changes).await;
    let mut source = backend.open().await;
    let SourceEvent::Assigned(partitions) = next(&mut *source).await else {
        panic!("partitions come first");
    };
    assert_eq!(
        partitions,
        (0..B::FEATURES.partitions).map(Partition).collect::<Vec<_>>()
    );
    let records = read(&mut *source, changes.len()).await;
    assert_offsets_grow(&records);
    let mut by_task: BTreeMap<TaskId, Vec<&Change>> = BTreeMap::new();
    for change in &changes {
        by_task.entry(change.task.id).or_default().push(change);
    }
    for (id, changes) in by_task {
        let key = id.to_string();
        let of_task = records
            .iter()
            .filter(|record| record.key.as_deref() == Some(key.as_bytes()));
        let of_task: Vec<&Record> = of_task.collect();
        assert_eq!(of_task.len(), changes.len(), "{id}");
        for (record, change) in of_task.iter().zip(changes) {
            assert_announces(record, &change.event);
        }
    }
    assert_silent(&mut *source).await;
    source.close().await.unwrap();
}

/// In every partition it stored half of what it had read.
pub async fn a_reader_resumes_exactly_after_what_was_stored<B: Backend>() {
    let backend = B::start().await;
    let changes = changes(30, 10);
    backend.publish(&changes).await;
    let mut source = backend.open().await;
    let offsets = offsets(&read(&mut *source, changes.len()).await);
    let mut rest = BTreeMap::new();
    let mut done = Vec::new();
    for (partition, offsets) in offsets {
        let (_, after) = offsets.split_at(offsets.len() / 2);
        done.push(Position {
            partition,
            offset: after[0],
        });
        rest.insert(partition, after.to_vec());
    }
    source.store(&done).unwrap();
    source.close().await.unwrap();

    let mut source = backend.open().await;
    let again = read(&mut *source, rest.values().map(Vec::len).sum()).await;
    assert_eq!(self::offsets(&again), rest);
    assert_silent(&mut *source).await;
    source.close().await.unwrap();
}

/// Whether the reader was closed in order or dropped.
pub async fn what_was_not_stored_is_read_again<B: Backend>() {
    let backend = B::start().await;
    let changes = changes(20, 5);
    backend.publish(&changes).await;
    let mut source = backend.open().await;
    let first = read(&mut *source, changes.len()).await;
    drop(source);
    let mut source = backend.open().await;
    let second = read(&mut *source, changes.len()).await;
    source.close().await.unwrap();
    let mut source = backend.open().await;
    let third = read(&mut *source, changes.len()).await;
    source.close().await.unwrap();
    assert_eq!(offsets(&first), offsets(&second));
    assert_eq!(offsets(&first), offsets(&third));
}

/// A reader that waits is woken.
pub async fn what_is_published_later_comes_by_itself<B: Backend>() {
    let backend = B::start().await;
    let mut source = backend.open().await;
    let changes = changes(3, 2);
    assert!(matches!(next(&mut *source).await, SourceEvent::Assigned(_)));
    assert_silent(&mut *source).await;
    for change in changes {
        let (came, ()) = tokio::join!(
            read(&mut *source, 1),
            backend.publish(std::slice::from_ref(&change))
        );
        assert_announces(&came[0], &change.event);
    }
    source.close().await.unwrap();
}

/// It keeps its partitions meanwhile.
pub async fn a_paused_reader_is_silent_until_it_is_resumed<B: Backend>() {
    let backend = B::start().await;
    let mut source = backend.open().await;
    assert!(matches!(next(&mut *source).await, SourceEvent::Assigned(_)));
    source.pause().unwrap();
    // A source may take a moment to stop reading ahead.
    tokio::time::sleep(SILENCE).await;
    let changes = changes(10, 5);
    backend.publish(&changes).await;
    assert_silent(&mut *source).await;
    source.resume().unwrap();
    let records = read(&mut *source, changes.len()).await;
    assert_offsets_grow(&records);
    source.close().await.unwrap();
}

/// The loop drops its wait whenever something else happens first.
pub async fn giving_up_a_wait_loses_nothing<B: Backend>() {
    let backend = B::start().await;
    let changes = changes(50, 20);
    backend.publish(&changes).await;
    let mut source = backend.open().await;
    let mut records = Vec::new();
    let mut patience = Duration::ZERO;
    let reading = async {
        while records.len() < changes.len() {
            match tokio::time::timeout(patience, source.next()).await {
                Ok(SourceEvent::Records(more)) => records.extend(more),
                Ok(SourceEvent::Assigned(_)) => {}
                Ok(other) => panic!("expected records, got {other:?}"),
                Err(_) => patience += Duration::from_micros(50),
            }
        }
    };
    tokio::time::timeout(LIMIT, reading)
        .await
        .expect("the records come");
    assert_eq!(records.len(), changes.len());
    assert_offsets_grow(&records);
    source.close().await.unwrap();
}

/// Nothing is taken for done by it.
pub async fn storing_for_a_partition_that_is_not_ours_is_passed_over<B: Backend>() {
    let backend = B::start().await;
    let changes = changes(10, 2);
    backend.publish(&changes).await;
    let mut source = backend.open().await;
    read(&mut *source, changes.len()).await;
    let foreign = Position {
        partition: Partition(B::FEATURES.partitions + 4),
        offset: i64::MAX,
    };
    source.store(&[foreign]).unwrap();
    source.close().await.unwrap();
    let mut source = backend.open().await;
    assert_eq!(read(&mut *source, changes.len()).await.len(), changes.len());
    source.close().await.unwrap();
}

/// A process may be told to stop before anything came.
pub async fn closing_at_once_is_no_failure<B: Backend>() {
    let backend = B::start().await;
    backend.open().await.close().await.unwrap();
}

/// So many changes, dealt out to so many tasks in turn.
fn changes(count: usize, tasks: usize) -> Vec<Change> {
    let mut latest: Vec<Option<Task>> = vec![None; tasks];
    let changes = (0..count).map(|n| {
        let text = format!("change {n} \u{1}\n\"ä\" 🦀");
        let change = match &latest[n % tasks] {
            None => {
                let task = new_task(fields(&text));
                let event = created(&task);
                Change { task, event }
            }
            Some(task) => {
                let task = described(task, &text);
                let event = updated(&task);
                Change { task, event }
            }
        };
        latest[n % tasks] = Some(change.task.clone());
        change
    });
    changes.collect()
}

/// The next event, or a panic when there is none.
async fn next(source: &mut dyn EventSource) -> SourceEvent {
    tokio::time::timeout(LIMIT, source.next())
        .await
        .expect("an event comes")
}

/// Takes events until so many records have come; no partition may be taken away meanwhile.
async fn read(source: &mut dyn EventSource, count: usize) -> Vec<Record> {
    let mut found = Vec::new();
    while found.len() < count {
        match next(source).await {
            SourceEvent::Records(records) => found.extend(records),
            SourceEvent::Assigned(_) => {}
            other => panic!("expected records, got {other:?}"),
        }
    }
    assert_eq!(found.len(), count, "more came than there is");
    found
}

async fn assert_silent(source: &mut dyn EventSource) {
    let event = tokio::time::timeout(SILENCE, source.next()).await;
    assert!(event.is_err(), "nothing should have come: {event:?}");
}

fn assert_announces(record: &Record, event: &EncodedEvent) {
    assert_eq!(record.key.as_deref(), Some(event.task_id.to_string().as_bytes()));
    assert_eq!(record.value.as_ref(), Some(&event.payload));
    let headers: Vec<_> = record
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .collect();
    let wanted: Vec<_> = event
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), Some(value.as_bytes())))
        .collect();
    assert_eq!(headers, wanted);
    assert!(record.time.is_some(), "{record:?}");
}

/// The offsets of each partition, in the order of reading.
fn offsets(records: &[Record]) -> BTreeMap<Partition, Vec<i64>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in records {
        found
            .entry(record.position.partition)
            .or_default()
            .push(record.position.offset);
    }
    found
}

fn assert_offsets_grow(records: &[Record]) {
    for (partition, offsets) in offsets(records) {
        assert!(
            offsets.is_sorted_by(|a, b| a < b),
            "partition {partition}: {offsets:?}"
        );
    }
}
