//! One reader of a topic: what it reads, where it resumes, how it is stopped.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use support::{
    LIMIT, assigned, committed, limits, next, position, publish, read, records, start, start_with, until,
};
use taskwire_domain::{EventPublisher, EventSource, Record, SourceEvent};
use taskwire_kafka::{KafkaPublisher, ReaderLimits};
use taskwire_testkit::Topics;

/// The offsets read in each partition, in the order of reading.
fn offsets(records: &[Record]) -> BTreeMap<i32, Vec<i64>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in records {
        found
            .entry(record.position.partition.0)
            .or_default()
            .push(record.position.offset);
    }
    found
}

#[tokio::test]
async fn a_new_group_reads_every_partition_from_0() {
    let topics = Topics::create(4).await;
    publish(&topics, 1000, 50).await;
    let mut source = start(&topics);
    assert_eq!(source.topic(), topics.tasks());
    let read = read(&mut source, 1000).await;
    for (partition, offsets) in offsets(&read) {
        let all: Vec<i64> = (0..i64::try_from(offsets.len()).unwrap()).collect();
        assert_eq!(offsets, all, "partition {partition}");
    }
    source.close().await.unwrap();
}

#[tokio::test]
async fn what_was_stored_is_committed_in_the_background() {
    let topics = Topics::create(1).await;
    publish(&topics, 10, 1).await;
    let mut source = start(&topics);
    read(&mut source, 10).await;
    source.store(&[position(0, 7)]).unwrap();
    let looking = async { while committed(&topics).await != [position(0, 7)] {} };
    tokio::time::timeout(LIMIT, looking)
        .await
        .expect("the position is committed");
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_pause_longer_than_the_session_stops_records_but_keeps_the_partitions() {
    let topics = Topics::create(2).await;
    publish(&topics, 10, 2).await;
    let limits = limits();
    let mut source = start_with(&topics, limits);
    let first = read(&mut source, 10).await;
    let lag = source.lag();
    assert_eq!(lag.group_lag(), 10);
    let done: Vec<_> = offsets(&first)
        .iter()
        .map(|(p, offsets)| position(*p, offsets.len().try_into().unwrap()))
        .collect();
    source.store(&done).unwrap();
    assert_eq!(lag.group_lag(), 0);

    source.pause().unwrap();
    // A pause is seen within one poll of 50 ms; what is published afterwards must not come.
    tokio::time::sleep(Duration::from_millis(200)).await;
    publish(&topics, 30, 5).await;
    let silence = limits.session_timeout + Duration::from_secs(2);
    let event = tokio::time::timeout(silence, source.next()).await;
    assert!(event.is_err(), "nothing is read while paused: {event:?}");
    until("the lag of the paused partitions", || lag.group_lag() == 30).await;

    source.resume().unwrap();
    // `read` panics when a partition was taken away or given again.
    let rest = read(&mut source, 30).await;
    assert_eq!(rest.len(), 30);
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_of_a_long_topic_keeps_its_partitions_and_little_in_memory() {
    const RECORDS: usize = 50_000;
    let topics = Topics::create(3).await;
    let publisher = KafkaPublisher::new(&support::kafka(&topics));
    for batch in records(RECORDS, 500).chunks(10_000) {
        publisher.publish(batch).await.unwrap();
    }
    let limits = ReaderLimits {
        read_ahead_records: 2000,
        ..limits()
    };
    let mut source = start_with(&topics, limits);
    assigned(&mut source).await;
    // Longer than the thread's patience, so that it has to pause its partitions, and to resume them below.
    until("a full buffer", || source.read_ahead() >= 2000).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut read: BTreeMap<i32, i64> = BTreeMap::new();
    let mut count = 0;
    while count < RECORDS {
        let ahead = source.read_ahead();
        assert!(ahead <= 3000, "{ahead} records are read ahead");
        let SourceEvent::Records(records) = next(&mut source).await else {
            panic!("the partitions were taken away")
        };
        for record in &records {
            let expected = read.entry(record.position.partition.0).or_default();
            assert_eq!(
                record.position.offset, *expected,
                "nothing is missed and nothing comes twice"
            );
            *expected += 1;
        }
        count += records.len();
        if count.is_multiple_of(7) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    source.close().await.unwrap();
}
