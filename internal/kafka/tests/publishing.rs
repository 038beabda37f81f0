//! The publisher against real brokers.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use std::collections::BTreeMap;

use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use support::{Stored, admin, contents, kafka, outbox_record, records};
use taskwire_domain::{Dependency, EventPublisher, IdSource, OutboxRecord, SystemIds};
use taskwire_kafka::{ClientOption, KafkaHealth, KafkaPublisher, TopicPlan, TopicSettings};
use taskwire_testkit::Topics;

type ValueAndHeaders = (Vec<u8>, Vec<(String, String)>);

/// What should stand in the topic for each key, in order.
fn by_key(records: &[OutboxRecord]) -> BTreeMap<String, Vec<ValueAndHeaders>> {
    let mut wanted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in records {
        let event = &record.event;
        wanted
            .entry(event.task_id.to_string())
            .or_default()
            .push((event.payload.to_vec(), event.headers.clone()));
    }
    wanted
}

fn found_by_key(stored: &[Stored]) -> BTreeMap<String, Vec<ValueAndHeaders>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in stored {
        found
            .entry(record.key.clone())
            .or_default()
            .push((record.value.clone(), record.headers.clone()));
    }
    found
}

fn with_options(topics: &Topics, options: &[(&str, &str)]) -> KafkaPublisher {
    let mut settings = kafka(topics);
    let option = |(key, value): &(&str, &str)| ClientOption {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    settings.kafka_client_options = options.iter().map(option).collect();
    KafkaPublisher::new(&settings)
}

#[tokio::test]
async fn a_batch_arrives_whole_with_its_bytes_and_headers_and_each_task_in_order() {
    let topics = Topics::create(6).await;
    let batch = records(1000, 50);
    KafkaPublisher::new(&kafka(&topics))
        .publish(&batch)
        .await
        .unwrap();
    let stored = contents(&topics, topics.tasks()).await;
    assert_eq!(stored.len(), 1000);
    assert_eq!(found_by_key(&stored), by_key(&batch));
    let partitions: std::collections::BTreeSet<i32> = stored.iter().map(|record| record.partition).collect();
    assert!(partitions.len() > 1, "the keys are spread over the partitions");
}

#[tokio::test]
async fn an_empty_batch_is_published_without_a_broker() {
    let topics = Topics::named();
    KafkaPublisher::new(&kafka(&topics)).publish(&[]).await.unwrap();
}

#[tokio::test]
async fn publishing_goes_on_after_a_purge() {
    let topics = Topics::create(2).await;
    let publisher = KafkaPublisher::new(&kafka(&topics));
    publisher.purge().await;
    let batch = records(300, 7);
    publisher.publish(&batch[..100]).await.unwrap();
    publisher.purge().await;
    publisher.purge().await;
    publisher.publish(&batch[100..]).await.unwrap();
    assert_eq!(
        found_by_key(&contents(&topics, topics.tasks()).await),
        by_key(&batch)
    );
}

#[tokio::test]
async fn a_publication_that_is_abandoned_and_purged_can_be_repeated_in_order() {
    let topics = Topics::create(1).await;
    let publisher = KafkaPublisher::new(&kafka(&topics));
    let batch = records(2000, 3);
    // Polled once, so that the records are under way, then dropped.
    assert!(futures::FutureExt::now_or_never(publisher.publish(&batch)).is_none());
    publisher.purge().await;
    publisher.publish(&batch).await.unwrap();
    assert_eq!(first_occurrences(&topics).await, by_key(&batch));
}

#[tokio::test]
async fn more_records_than_the_clients_queue_holds_are_waited_through() {
    let topics = Topics::create(3).await;
    let batch = records(500, 10);
    let publisher = with_options(&topics, &[("queue.buffering.max.messages", "10")]);
    publisher.publish(&batch).await.unwrap();
    assert_eq!(
        found_by_key(&contents(&topics, topics.tasks()).await),
        by_key(&batch)
    );
}

/// A topic whose broker refuses records above 2,000 bytes, with one partition, so that all records share their fate.
async fn narrow_topic() -> Topics {
    let topics = Topics::named();
    let narrow =
        NewTopic::new(topics.tasks(), 1, TopicReplication::Fixed(1)).set("max.message.bytes", "2000");
    let created = admin(&topics)
        .create_topics([&narrow], &AdminOptions::new())
        .await
        .unwrap();
    created.into_iter().next().unwrap().unwrap();
    topics
}

fn versions(stored: &[Stored]) -> Vec<i64> {
    let version = |record: &Stored| {
        record
            .headers
            .iter()
            .find(|(name, _)| name == "ce_taskversion")
            .unwrap()
            .1
            .parse()
    };
    stored.iter().map(|record| version(record).unwrap()).collect()
}

/// Publishes twenty versions of one task, of which the broker refuses one for its size, then again with a smaller one.
async fn refuse(refused: i64) {
    let topics = narrow_topic().await;
    // One record a request: the refusal hits one record while others are queued behind it.
    let publisher = with_options(&topics, &[("batch.num.messages", "1")]);
    let task = SystemIds.next_id();
    let batch = |size: usize| -> Vec<_> {
        let bytes = |version| if version == refused { size } else { 100 };
        (1..=20)
            .map(|version| outbox_record(version, task, version, vec![b'x'; bytes(version)]))
            .collect()
    };
    for _ in 0..3 {
        let fault = publisher.publish(&batch(5000)).await.unwrap_err();
        assert!(fault.detail.contains("max.message.bytes"), "{fault}");
        let stored = versions(&contents(&topics, topics.tasks()).await);
        assert!(
            stored.iter().all(|version| *version < refused),
            "{refused} was refused: {stored:?}"
        );
    }
    publisher.publish(&batch(500)).await.unwrap();
    let mut first_occurrences = Vec::new();
    for version in versions(&contents(&topics, topics.tasks()).await) {
        if !first_occurrences.contains(&version) {
            first_occurrences.push(version);
        }
    }
    assert_eq!(first_occurrences, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn after_a_record_that_the_broker_refuses_nothing_follows_and_the_publisher_still_works() {
    refuse(5).await;
}

/// The broker knows nothing of the producer yet and would take a later record for its first.
#[tokio::test]
async fn after_the_very_first_record_is_refused_nothing_follows() {
    refuse(1).await;
}

#[tokio::test]
async fn a_record_that_the_client_refuses_is_a_fault_and_nothing_follows() {
    let topics = Topics::create(1).await;
    let publisher = KafkaPublisher::new(&kafka(&topics));
    let task = SystemIds.next_id();
    let batch = [
        outbox_record(1, task, 1, b"1".to_vec()),
        outbox_record(2, task, 2, vec![b'x'; 2_000_000]),
        outbox_record(3, task, 3, b"3".to_vec()),
    ];
    let fault = publisher.publish(&batch).await.unwrap_err();
    assert!(fault.detail.contains("max.message.bytes"), "{fault}");
    publisher.publish(&batch[..1]).await.unwrap();
    let stored = contents(&topics, topics.tasks()).await;
    assert!(
        !stored.is_empty() && stored.iter().all(|record| record.value == b"1"),
        "{stored:?}"
    );
}

/// A topic that takes less than what goes out as one request, though each record is small.
#[tokio::test]
async fn a_batch_that_is_too_large_as_one_is_published_in_parts_and_in_order() {
    let topics = narrow_topic().await;
    let publisher = KafkaPublisher::new(&kafka(&topics));
    let batch = records(200, 5);
    publisher.publish(&batch).await.unwrap();
    assert_eq!(first_occurrences(&topics).await, by_key(&batch));
}

#[tokio::test]
async fn a_record_that_is_too_large_is_named_and_keeps_no_other_task_from_the_topic() {
    let topics = narrow_topic().await;
    let publisher = KafkaPublisher::new(&kafka(&topics));
    let mut batch = records(60, 6);
    // The third version of the second task.
    let too_large = 2 * 6 + 1;
    let task = batch[too_large].event.task_id;
    batch[too_large].event.payload = vec![b'x'; 5_000].into();
    let fault = publisher.publish(&batch).await.unwrap_err();
    assert_eq!(fault.refused, [batch[too_large].id]);
    assert!(fault.detail.contains("max.message.bytes"), "{fault}");
    let published: Vec<_> = batch
        .iter()
        .enumerate()
        .filter(|(number, record)| record.event.task_id != task || *number < too_large)
        .map(|(_, record)| record.clone())
        .collect();
    assert_eq!(first_occurrences(&topics).await, by_key(&published));
}

async fn first_occurrences(topics: &Topics) -> BTreeMap<String, Vec<ValueAndHeaders>> {
    let mut found = found_by_key(&contents(topics, topics.tasks()).await);
    for records in found.values_mut() {
        let mut seen: Vec<ValueAndHeaders> = Vec::new();
        for record in records.drain(..) {
            if !seen.contains(&record) {
                seen.push(record);
            }
        }
        *records = seen;
    }
    found
}

async fn delete_topic(topics: &Topics) {
    let deleted = admin(topics)
        .delete_topics(&[topics.tasks()], &AdminOptions::new())
        .await
        .unwrap();
    deleted.into_iter().next().unwrap().unwrap();
}

/// Repeats the batch as a relay does.
async fn published_in_the_end(publisher: &KafkaPublisher, batch: &[OutboxRecord]) -> usize {
    let mut faults = 0;
    let repeated = async {
        while publisher.publish(batch).await.is_err() {
            faults += 1;
        }
    };
    let limit = std::time::Duration::from_secs(120);
    tokio::time::timeout(limit, repeated).await.unwrap();
    faults
}

#[tokio::test]
async fn a_topic_that_was_deleted_is_created_anew_by_one_who_may_and_named_by_one_who_may_not() {
    let topics = Topics::create(3).await;
    let settings = TopicSettings {
        kafka_topic_partitions: 3,
        kafka_topic_replication: -1,
        kafka_topic_retention_ms: -1,
    };
    let may = KafkaPublisher::new(&kafka(&topics)).creating(TopicPlan::events(&kafka(&topics), &settings));
    let may_not = KafkaPublisher::new(&kafka(&topics));
    let batch = records(30, 3);
    may.publish(&batch).await.unwrap();
    may_not.publish(&batch).await.unwrap();

    delete_topic(&topics).await;
    let fault = may_not.publish(&batch).await.unwrap_err();
    assert!(fault.detail.contains("the topic does not exist"), "{fault}");
    assert!(fault.refused.is_empty(), "{fault:?}");
    assert!(published_in_the_end(&may, &batch).await > 0, "it noticed");
    assert_eq!(first_occurrences(&topics).await, by_key(&batch));
    published_in_the_end(&may_not, &batch).await;
}

#[tokio::test]
async fn the_health_check_tells_brokers_that_answer_from_brokers_that_do_not() {
    let topics = Topics::named();
    let health = KafkaHealth::new(&kafka(&topics)).unwrap();
    assert_eq!(health.name(), "kafka");
    health.check().await.unwrap();
    health.check().await.unwrap();

    // A port that was just free and to which nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut nowhere = kafka(&topics);
    nowhere.kafka_brokers = format!("127.0.0.1:{port}");
    let unreachable = KafkaHealth::new(&nowhere).unwrap().check().await.unwrap_err();
    assert_eq!(unreachable.dependency, "kafka");
}
