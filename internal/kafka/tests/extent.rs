//! What can still be read, on real brokers.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use support::{LIMIT, kafka};
use taskwire_domain::{EventTopic, Watermarks};
use taskwire_kafka::KafkaExtent;
use taskwire_testkit::Topics;

fn producer(topics: &Topics, transactional_id: Option<&str>) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", topics.brokers());
    if let Some(id) = transactional_id {
        config.set("transactional.id", id);
    }
    config.create().unwrap()
}

fn send(producer: &BaseProducer, topics: &Topics) {
    let record = BaseRecord::<str, str>::to(topics.tasks())
        .payload("x")
        .partition(1);
    producer.send(record).unwrap();
    producer.flush(LIMIT).unwrap();
}

async fn second_partition(topics: &Topics) -> Watermarks {
    let extent = KafkaExtent::new(&kafka(topics)).unwrap().extent().await.unwrap();
    assert_eq!(
        (extent.topic.as_str(), extent.partitions.len()),
        (topics.tasks(), 2)
    );
    assert_eq!(extent.partitions[0], Watermarks { low: 0, high: 0 });
    extent.partitions[1]
}

#[tokio::test]
async fn an_end_counts_what_stands_behind_somebody_s_open_transaction() {
    let topics = Topics::create(2).await;
    let other = producer(&topics, Some(topics.group()));
    other.init_transactions(LIMIT).unwrap();
    other.begin_transaction().unwrap();
    send(&other, &topics);
    send(&producer(&topics, None), &topics);
    assert_eq!(second_partition(&topics).await, Watermarks { low: 0, high: 2 });
    other.abort_transaction(LIMIT).unwrap();
}

#[tokio::test]
async fn a_beginning_moves_when_records_are_deleted() {
    let topics = Topics::create(2).await;
    let ours = producer(&topics, None);
    for _ in 0..3 {
        send(&ours, &topics);
    }
    topics.delete_records(1, 2).await;
    assert_eq!(second_partition(&topics).await, Watermarks { low: 2, high: 3 });
}

#[tokio::test]
async fn a_topic_that_is_not_there_has_no_extent() {
    let topics = Topics::named();
    let fault = KafkaExtent::new(&kafka(&topics))
        .unwrap()
        .extent()
        .await
        .unwrap_err();
    assert!(fault.to_string().contains(topics.tasks()), "{fault}");
}
