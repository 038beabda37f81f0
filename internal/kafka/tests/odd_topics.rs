//! Topics with holes, with records without a value, and with records larger than a fetch.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may unwrap")]

mod support;

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::producer::DefaultProducerContext;
use rdkafka::producer::{BaseRecord, FutureProducer, FutureRecord, Producer, ThreadedProducer};
use support::{LIMIT, admin, committed, ends, position, publish, read, start, until};
use taskwire_domain::EventSource;
use taskwire_testkit::Topics;

/// Writes so many records in one transaction, and then commits or aborts it.
async fn transaction(topics: &Topics, name: &'static str, count: usize, commit: bool) {
    let (brokers, topic) = (topics.brokers().to_owned(), topics.tasks().to_owned());
    tokio::task::spawn_blocking(move || {
        let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("transactional.id", format!("{topic}-{name}"))
            .create()
            .unwrap();
        producer.init_transactions(LIMIT).unwrap();
        producer.begin_transaction().unwrap();
        for _ in 0..count {
            let record = BaseRecord::to(&topic).partition(0).key("key").payload(name);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(LIMIT).unwrap();
        if commit {
            producer.commit_transaction(LIMIT).unwrap();
        } else {
            producer.abort_transaction(LIMIT).unwrap();
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_a_transaction_took_back_is_not_read_and_the_lag_comes_to_nothing() {
    let topics = Topics::create(1).await;
    transaction(&topics, "kept", 3, true).await;
    transaction(&topics, "taken-back", 5, false).await;
    transaction(&topics, "kept-too", 2, true).await;
    transaction(&topics, "taken-back-at-the-end", 4, false).await;
    // Each transaction ends with a record of its own that nobody is given.
    assert_eq!(ends(&topics).await, [position(0, 3 + 1 + 5 + 1 + 2 + 1 + 4 + 1)]);

    let mut source = start(&topics);
    let found = read(&mut source, 5).await;
    let offsets: Vec<_> = found.iter().map(|record| record.position.offset).collect();
    assert_eq!(offsets, [0, 1, 2, 10, 11]);
    source.store(&[position(0, 12)]).unwrap();
    let lag = source.lag();
    until("a lag of nothing", || lag.group_lag() == 0).await;
    let silence = tokio::time::timeout(Duration::from_millis(300), source.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    source.close().await.unwrap();
    assert_eq!(committed(&topics).await, ends(&topics).await);

    // The next one misses nothing.
    let mut source = start(&topics);
    publish(&topics, 3, 1).await;
    assert_eq!(read(&mut source, 3).await[0].position, position(0, 18));
    source.close().await.unwrap();
}

#[tokio::test]
async fn the_lag_counts_what_was_read_and_not_stored() {
    let topics = Topics::create(1).await;
    transaction(&topics, "kept", 3, true).await;
    transaction(&topics, "taken-back", 5, false).await;
    let mut source = start(&topics);
    read(&mut source, 3).await;
    source.store(&[position(0, 2)]).unwrap();
    // Longer than two rounds of librdkafka's statistics.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(source.lag().group_lag(), 8);
    source.close().await.unwrap();
    assert_eq!(committed(&topics).await, [position(0, 2)]);
}

fn producer(topics: &Topics) -> FutureProducer {
    ClientConfig::new()
        .set("bootstrap.servers", topics.brokers())
        .set("message.max.bytes", "4000000")
        .create()
        .unwrap()
}

async fn set(topics: &Topics, settings: &[(&str, &str)]) {
    let mut change = AlterConfig::new(ResourceSpecifier::Topic(topics.tasks()));
    for (name, value) in settings {
        change = change.set(name, value);
    }
    let answer = admin(topics).alter_configs([&change], &AdminOptions::new()).await;
    answer.unwrap().remove(0).unwrap();
}

#[tokio::test]
async fn a_compacted_topic_is_read_over_its_holes_and_records_without_a_value_are_given() {
    let topics = Topics::create(1).await;
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("min.compaction.lag.ms", "0"),
        ("delete.retention.ms", "86400000"),
    ];
    set(&topics, &settings).await;
    let producer = producer(&topics);
    let last = 40;
    for number in 0..=last {
        let value = number.to_string();
        let record = FutureRecord::to(topics.tasks())
            .partition(0)
            .key(if number % 2 == 0 { "a" } else { "b" });
        // The last but one has no value.
        let record = if number == last - 1 {
            record
        } else {
            record.payload(&value)
        };
        producer.send(record, LIMIT).await.unwrap();
        // Only segments that are closed are compacted, and they are when a record comes late enough.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The brokers compact once in a while (15 s by default), so the beginning is awaited to have a hole.
    let compacted = async {
        loop {
            let mut source = start(&topics);
            let first = read(&mut source, 1).await.remove(0);
            drop(source);
            if first.position.offset > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(LIMIT, compacted)
        .await
        .expect("the topic is compacted");

    let mut source = start(&topics);
    let mut found = Vec::new();
    while found
        .last()
        .is_none_or(|record: &taskwire_domain::Record| record.position.offset < last)
    {
        found.extend(read(&mut source, 1).await);
    }
    let empty: Vec<_> = found.iter().filter(|record| record.value.is_none()).collect();
    assert_eq!(empty.len(), 1);
    assert_eq!(empty[0].position.offset, last - 1);
    source.store(&[position(0, last + 1)]).unwrap();
    assert_eq!(source.lag().group_lag(), 0);
    source.close().await.unwrap();
    assert_eq!(committed(&topics).await, [position(0, last + 1)]);
}

#[tokio::test]
async fn a_record_larger_than_a_fetch_and_than_our_own_topics_allow_is_read_all_the_same() {
    let topics = Topics::create(1).await;
    set(&topics, &[("max.message.bytes", "4000000")]).await;
    let large = "x".repeat(3_500_000);
    let producer = producer(&topics);
    for payload in ["before", large.as_str(), "after"] {
        let record = FutureRecord::to(topics.tasks())
            .partition(0)
            .key("k")
            .payload(payload);
        producer.send(record, LIMIT).await.unwrap();
    }
    let mut source = start(&topics);
    let lengths: Vec<_> = read(&mut source, 3)
        .await
        .iter()
        .map(|record| record.value.as_ref().unwrap().len())
        .collect();
    assert_eq!(lengths, [6, 3_500_000, 5]);
    source.close().await.unwrap();
}
